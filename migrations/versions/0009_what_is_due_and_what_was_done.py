"""what is due and what was done

Revises: 0008
Created: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

from crmkit import sdk

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PENDING = {f"{each}_where": sa.text("state = 'pending'") for each in ("postgresql", "sqlite")}


def upgrade() -> None:
    op.create_table(
        "due",
        sa.Column("name", sdk.Code(), nullable=False),
        sa.Column("key", sdk.Code(), nullable=False),
        sa.Column("at", sdk.UtcDateTime(), nullable=False),
        sa.Column("plugin", sdk.Code(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record", sdk.Code(), nullable=False),
        sa.Column("payload", sdk.Json(), nullable=False),
        sa.Column("request_id", sdk.Code(), nullable=False),
        sa.PrimaryKeyConstraint("name", "key", name=op.f("pk_due")),
    )
    op.create_index("ix_due_at", "due", ["at"])
    op.create_table(
        "inbox",
        sa.Column("plugin", sdk.Code(), nullable=False),
        sa.Column("key", sdk.Code(), nullable=False),
        sa.Column("at", sdk.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plugin", "key", name=op.f("pk_inbox")),
    )
    op.create_index("ix_delivery_next", "delivery", ["handler", "event"], **PENDING)
    op.drop_index("ix_delivery_due", "delivery")


def downgrade() -> None:
    op.create_index("ix_delivery_due", "delivery", ["due"], **PENDING)
    op.drop_index("ix_delivery_next", "delivery")
    op.drop_table("inbox")
    op.drop_index("ix_due_at", "due")
    op.drop_table("due")
