"""Tables: tasks, those that people give themselves and those that rules keep open."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped

from crmkit import sdk

# Partial indexes are said per engine.
_OPEN: dict[str, Any] = {
    f"{each}_where": text("state = 'open'") for each in ("sqlite", "postgresql")
}


@sdk.enum
class TaskState(Enum):
    """What became of a task."""

    OPEN = "open"
    """It is still to be done."""
    DONE = "done"
    """It has been done."""
    CANCELLED = "cancelled"
    """It need not be done any more."""


class Task(sdk.Versioned):
    """Something to be done for a customer until a certain time."""

    __tablename__ = "tasks_task"
    __table_args__ = (
        # However many try at once, a rule has one open task for a customer.
        Index("uq_tasks_task_customer_id", "customer_id", "rule", unique=True, **_OPEN),
        Index("ix_tasks_task_customer_id", "customer_id", "due_at", "id"),
        # What is next for each customer, and for a colleague.
        Index("ix_tasks_task_open", "customer_id", "due_at", **_OPEN),
        Index("ix_tasks_task_assignee_id", "assignee_id", "due_at", "id"),
    )

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Whom it is about.")
    subject: Mapped[str] = sdk.column(
        Text, personal=True, filterable=True, doc="What is to be done, in a line."
    )
    due_at: Mapped[datetime] = sdk.column(
        sdk.UtcDateTime, filterable=True, doc="Until when it is to be done."
    )
    assignee_id: Mapped[str | None] = sdk.column(
        ForeignKey("app_user.id"), filterable=True, default=None, doc="Who is to do it."
    )
    state: Mapped[TaskState] = sdk.column(
        sdk.Choice(TaskState), filterable=True, default=TaskState.OPEN, doc="What became of it."
    )
    closed_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, filterable=True, default=None, doc="When it was done or given up."
    )
    outcome: Mapped[str | None] = sdk.column(
        Text, personal=True, default=None, doc="What came of it, or why it was given up."
    )
    interaction_id: Mapped[str | None] = sdk.column(
        ForeignKey("interaction.id"), default=None, doc="What was said or done in doing it."
    )
    rule: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="The rule that wants it, by its name in the settings.",
    )
    # A task of a rule is due so long after the later of these: so it is seen whether a
    # contact is news to it, and a contact that is corrected away can be forgotten.
    began_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, default=None, doc="Since when the rule has been for this customer."
    )
    counted_from: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, default=None, doc="The moment from which the rule counted."
    )
    cause_id: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What led to it, a record of any kind.",
    )
