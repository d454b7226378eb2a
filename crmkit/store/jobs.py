"""Work that is done later: jobs, and the schedules that ask for them again and again."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Index, Integer, Text, text
from sqlalchemy.orm import Mapped

from crmkit.store.column_types import Choice, Code, Json, UtcDateTime
from crmkit.store.database import Base, Record, column, unscoped

_OPEN: dict[str, Any] = {
    f"{each}_where": text("state IN ('waiting', 'running')") for each in ("postgresql", "sqlite")
}


class JobState(Enum):
    """What has become of a job."""

    WAITING = "waiting"
    """It waits for its time, for a worker, or for its next try."""
    RUNNING = "running"
    """A worker is at work on it."""
    DONE = "done"
    """It has had its effect."""
    DEAD = "dead"
    """It failed too often; somebody has to look, and can have it tried again."""
    CANCELLED = "cancelled"
    """Somebody did not want it any more."""


class Job(Record):
    """A piece of work of a plugin, asked for by the unit of work that wants it."""

    __tablename__ = "job"
    __erasure__ = "mention"
    __audited__ = False
    __scope__ = unscoped("jobs act for the system")
    __table_args__ = (
        # However often one is asked for, one of a key waits; a settled one gives it free.
        Index("uq_job_key", "key", "name", unique=True, **_OPEN),
        Index("ix_job_due", "due", "id", **_OPEN),
    )

    name: Mapped[str] = column(
        Code, personal=False, filterable=True, doc="What is to be done, such as grading.regrade."
    )
    payload: Mapped[Any] = column(
        Json, personal=True, nullable=True, doc="With what; of a long job, where it goes on."
    )
    key: Mapped[str | None] = column(
        Code, personal=False, default=None, doc="No two jobs of a name wait under one key."
    )
    at: Mapped[datetime] = column(UtcDateTime, doc="The moment for which it was asked for.")
    request_id: Mapped[str] = column(Code, personal=False, doc="In which request it was asked for.")
    state: Mapped[JobState] = column(
        Choice(JobState), default=JobState.WAITING, filterable=True, doc="What has become of it."
    )
    due: Mapped[datetime] = column(UtcDateTime, doc="When it may be begun.")
    asked: Mapped[int] = column(
        Integer, default=1, doc="How often it was asked for under its key before it was settled."
    )
    begun: Mapped[int] = column(Integer, default=0, doc="How often a worker has begun it.")
    tries: Mapped[int] = column(
        Integer, default=0, doc="How often it was begun since it last got on."
    )
    leased_until: Mapped[datetime | None] = column(
        UtcDateTime, default=None, doc="Until when nobody else begins it."
    )
    done: Mapped[int | None] = column(Integer, default=None, doc="How much of it is done.")
    total: Mapped[int | None] = column(Integer, default=None, doc="How much it is in all.")
    ended_at: Mapped[datetime | None] = column(
        UtcDateTime, default=None, doc="When it was done, given up or cancelled."
    )
    problem: Mapped[str | None] = column(
        Text, personal=True, default=None, doc="Why its last try failed."
    )


class ScheduleRow(Base):
    """When a job that comes again and again is next asked for."""

    __tablename__ = "schedule"
    __audited__ = False
    __scope__ = unscoped("jobs act for the system")

    name: Mapped[str] = column(Code, primary_key=True, personal=False, doc="The job.")
    said: Mapped[str] = column(Code, personal=False, doc="The schedule, to see when it changes.")
    next_at: Mapped[datetime] = column(UtcDateTime, doc="When it comes next.")
