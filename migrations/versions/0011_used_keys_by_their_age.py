"""used keys by their age

Revises: 0010
Created: 2026-11-28
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_idempotency_at", "idempotency", ["at"])


def downgrade() -> None:
    op.drop_index("ix_idempotency_at", "idempotency")
