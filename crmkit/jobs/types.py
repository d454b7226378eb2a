"""What a client sees of jobs; with what they are done, and why they failed, it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crmkit.engine.fields import Ref, column
from crmkit.engine.nodes import enum, node
from crmkit.store import jobs

enum(jobs.JobState)


@node(jobs.Job, list="jobs", read="core.job.read", order_by=jobs.Job.created_at.desc())
class Job:
    """A piece of work of a plugin that is done later, or again and again."""

    name: str
    key: str | None
    state: jobs.JobState
    due_at: datetime = column(jobs.Job.due)
    tries: int
    done: int | None
    total: int | None
    ended_at: datetime | None


@dataclass(frozen=True)
class RetryJob:
    """A job that was given up or cancelled, and is wanted after all."""

    id: Ref[Job]
    """Which job."""


@dataclass(frozen=True)
class RetriedJob:
    """The job, waiting again."""

    job: Job
    """It, as it stands now."""


@dataclass(frozen=True)
class CancelJob:
    """A job that nobody wants any more."""

    id: Ref[Job]
    """Which job; one that a worker is at work on is stopped, and its last chunk undone."""


@dataclass(frozen=True)
class CancelledJob:
    """The job, cancelled."""

    job: Job
    """It, as it stands now."""
