"""people who are forgotten

Revises: 0009
Created: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

from crmkit import sdk

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "customer_suppression",
        sa.Column("digest", sdk.Code(), nullable=False),
        sa.Column("kind", sdk.Code(), nullable=False),
        sa.Column("at", sdk.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_customer_suppression")),
    )
    op.create_table(
        "customer_erasure",
        sa.Column("id", sdk.Code(), nullable=False),
        sa.Column("customer_id", sdk.Code(), nullable=False),
        sa.Column("actor", sdk.Code(), nullable=False),
        sa.Column("table_name", sdk.Code(), nullable=True),
        sa.Column("after", sdk.Json(), nullable=False),
        sa.Column("ended_at", sdk.UtcDateTime(), nullable=True),
        sa.Column("created_at", sdk.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_erasure_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_erasure")),
        sa.UniqueConstraint("customer_id", name=op.f("uq_customer_erasure_customer_id")),
    )
    with op.batch_alter_table("customer_erasure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_customer_erasure_created_at_id"), ["created_at", "id"], unique=False
        )
    op.add_column("customer", sa.Column("erased_at", sdk.UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_column("erased_at")
    op.drop_table("customer_erasure")
    op.drop_table("customer_suppression")
