"""scores fade by themselves

Revises: 0001
Created: 2026-11-28
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from crmkit import sdk

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = "grading.ScoreFaded"

score = sa.table(
    "grading_score",
    sa.column("customer_id", sdk.Code()),
    sa.column("changes_at", sdk.UtcDateTime()),
)
due = sa.table(
    "due",
    *[sa.column(each, sdk.Code()) for each in ("name", "key", "plugin", "record", "request_id")],
    sa.column("at", sdk.UtcDateTime()),
    sa.column("version", sa.Integer()),
    sa.column("payload", sdk.Json()),
)


def upgrade() -> None:
    fading = sa.select(score).where(score.c.changes_at.is_not(None))
    for some in op.get_bind().execute(fading).partitions(1_000):
        op.get_bind().execute(sa.insert(due), [row(*each) for each in some])


def downgrade() -> None:
    op.execute(sa.delete(due).where(due.c.name == NAME))


def row(customer: str, at: datetime) -> dict[str, object]:
    return {
        "name": NAME,
        "key": customer,
        "at": at,
        "plugin": "grading",
        "version": 1,
        "record": customer,
        "payload": {"record": customer},
        "request_id": "migration",
    }
