"""roles and who has them

Revises: 0003
Created: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

from crmkit import sdk

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "role",
        sa.Column("id", sdk.Code(), nullable=False),
        sa.Column("key", sdk.Code(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("preset", sdk.Code(), nullable=True),
        sa.Column("scope", sdk.Code(), nullable=False),
        sa.Column("permissions", sdk.Json(), nullable=False),
        sa.Column("hidden_fields", sdk.Json(), nullable=False),
        sa.Column("updated_at", sdk.UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sdk.UtcDateTime(), nullable=False),
        sa.Column("name_fold", sdk.Code(), nullable=False),
        sa.Column("name_sort", sdk.Code(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("key", name=op.f("uq_role_key")),
    )
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_role_created_at_id"), ["created_at", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_role_name_fold"), ["name_fold"], unique=False)
        batch_op.create_index(batch_op.f("ix_role_name_sort_id"), ["name_sort", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_role_scope_id"), ["scope", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_role_updated_at_id"), ["updated_at", "id"], unique=False
        )

    op.create_table(
        "user_role",
        sa.Column("id", sdk.Code(), nullable=False),
        sa.Column("user_id", sdk.Code(), nullable=False),
        sa.Column("role_id", sdk.Code(), nullable=False),
        sa.Column("created_at", sdk.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_user_role_role_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_user_role_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_role")),
    )
    with op.batch_alter_table("user_role", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_user_role_created_at_id"), ["created_at", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_user_role_role_id"), ["role_id"], unique=False)
        batch_op.create_index("uq_user_role", ["user_id", "role_id"], unique=True)


def downgrade() -> None:
    with op.batch_alter_table("user_role", schema=None) as batch_op:
        batch_op.drop_index("uq_user_role")
        batch_op.drop_index(batch_op.f("ix_user_role_role_id"))
        batch_op.drop_index(batch_op.f("ix_user_role_created_at_id"))

    op.drop_table("user_role")
    with op.batch_alter_table("role", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_role_updated_at_id"))
        batch_op.drop_index(batch_op.f("ix_role_scope_id"))
        batch_op.drop_index(batch_op.f("ix_role_name_sort_id"))
        batch_op.drop_index(batch_op.f("ix_role_name_fold"))
        batch_op.drop_index(batch_op.f("ix_role_created_at_id"))

    op.drop_table("role")
