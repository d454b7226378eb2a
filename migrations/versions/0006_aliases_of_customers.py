"""aliases of customers

Revises: 0005
Created: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

from crmkit import sdk

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer_alias",
        sa.Column("alias_id", sdk.Code(), nullable=False),
        sa.Column("customer_id", sdk.Code(), nullable=False),
        sa.Column("merged_at", sdk.UtcDateTime(), nullable=False),
        sa.Column("actor", sdk.Code(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_alias_customer_id")
        ),
        sa.PrimaryKeyConstraint("alias_id", name=op.f("pk_customer_alias")),
    )
    with op.batch_alter_table("customer_alias", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_customer_alias_customer_id"), ["customer_id"], unique=False
        )


def downgrade() -> None:
    op.drop_table("customer_alias")
