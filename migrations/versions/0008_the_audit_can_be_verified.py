"""the audit can be verified

What was written before has neither ids nor HMACs, and nobody could vouch for it afterwards,
so it goes.

Revises: 0007
Created: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

from crmkit import sdk
from crmkit.store.column_types import SEQUENCE, CurrentTransaction

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("audit")
    op.create_table(
        "audit",
        sa.Column("id", sdk.Code(), nullable=False),
        sa.Column("about", sdk.Code(), nullable=True),
        sa.Column("actor", sdk.Code(), nullable=False),
        sa.Column("key", sdk.Code(), nullable=True),
        sa.Column("operation", sdk.Code(), nullable=False),
        sa.Column("request_id", sdk.Code(), nullable=False),
        sa.Column("record", sdk.Code(), nullable=True),
        sa.Column("changes", sdk.Json(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column(
            "transaction", sa.BigInteger(), server_default=CurrentTransaction(), nullable=True
        ),
        sa.Column("created_at", sdk.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_about", ["about", "created_at", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_actor_id"), ["actor", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_audit_created_at_id"), ["created_at", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_audit_operation_id"), ["operation", "id"], unique=False
        )
        batch_op.create_index("ix_audit_transaction", ["transaction"], unique=False)

    op.create_table(
        "audit_text",
        sa.Column("audit_id", sdk.Code(), nullable=False),
        sa.Column("said", sdk.Json(), nullable=True),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_audit_text_audit_id")),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit_text")),
    )
    op.create_table(
        "audit_seal",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sdk.UtcDateTime(), nullable=False),
        sa.Column("entries", sdk.Json(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("before", sdk.Code(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_seal")),
    )


def downgrade() -> None:
    op.drop_table("audit_seal")
    op.drop_table("audit_text")
    op.drop_table("audit")
    op.create_table(
        "audit",
        sa.Column("seq", SEQUENCE, sa.Identity(), nullable=False),
        sa.Column("at", sdk.UtcDateTime(), nullable=False),
        sa.Column("actor", sdk.Code(), nullable=False),
        sa.Column("operation", sdk.Code(), nullable=False),
        sa.Column("record", sdk.Code(), nullable=True),
        sa.Column("request_id", sdk.Code(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
