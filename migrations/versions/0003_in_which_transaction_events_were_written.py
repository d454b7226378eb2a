"""in which transaction events were written

Revises: 0002
Created: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

from crmkit.store.column_types import CurrentTransaction

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("transaction", sa.BigInteger(), nullable=True))
    # Afterwards, so that the rows there are keep what they have, nothing, and none is rewritten.
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("outbox", "transaction", server_default=CurrentTransaction())
    op.create_index("ix_outbox_transaction", "outbox", ["transaction"])


def downgrade() -> None:
    op.drop_index("ix_outbox_transaction", "outbox")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_column("transaction")
