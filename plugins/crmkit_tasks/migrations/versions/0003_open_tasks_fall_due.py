"""open tasks fall due

Revises: 0002
Created: 2026-11-28
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from crmkit import sdk

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME = "tasks.TaskFellDue"

task = sa.table(
    "tasks_task",
    *[sa.column(each, sdk.Code()) for each in ("id", "customer_id", "state")],
    sa.column("due_at", sdk.UtcDateTime()),
)
due = sa.table(
    "due",
    *[sa.column(each, sdk.Code()) for each in ("name", "key", "plugin", "record", "request_id")],
    sa.column("at", sdk.UtcDateTime()),
    sa.column("version", sa.Integer()),
    sa.column("payload", sdk.Json()),
)


def upgrade() -> None:
    # Those that were due before were nobody's event then, and are none now.
    ahead = (task.c.state == "open", task.c.due_at > datetime.now(UTC))
    found = op.get_bind().execute(
        sa.select(task.c.id, task.c.customer_id, task.c.due_at).where(*ahead)
    )
    for some in found.partitions(1_000):
        op.get_bind().execute(sa.insert(due), [row(*each) for each in some])


def downgrade() -> None:
    op.execute(sa.delete(due).where(due.c.name == NAME))


def row(id_: str, customer: str, at: datetime) -> dict[str, object]:
    return {
        "name": NAME,
        "key": id_,
        "at": at,
        "plugin": "tasks",
        "version": 1,
        "record": id_,
        "payload": {"record": id_, "customer_id": customer},
        "request_id": "migration",
    }
