"""The statements of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, select

from crmkit.store.idempotency import Idempotency
from crmkit.store.jobs import Job, JobState
from crmkit.store.ready import number, statement

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from crmkit.host.context import Context
    from crmkit.values.errors import Failure

OPEN = (JobState.WAITING, JobState.RUNNING)
_MOST = 200
GIVEN_UP = (JobState.DEAD, JobState.CANCELLED)


def latest(*, every: bool) -> Any:
    """The latest jobs, with what an operator asks of them."""
    columns = (Job.id, Job.name, Job.state, Job.due, Job.tries, Job.done, Job.total, Job.problem)
    wanted = select(*columns).order_by(Job.created_at.desc(), Job.id.desc()).limit(_MOST)
    return wanted if every else wanted.where(Job.state.in_((*OPEN, JobState.DEAD)))


def cancel(context: Context[Any], id_: str, otherwise: Failure) -> None:
    """Ends a job that has not ended, whoever is at work on it."""
    gone = {
        Job.state: JobState.CANCELLED,
        Job.leased_until: None,
        Job.ended_at: context.clock.now(),
    }
    context.write.update(Job, where=_is(id_, OPEN), set=gone, expect=1, otherwise=otherwise)


def retry(context: Context[Any], id_: str, otherwise: Failure) -> None:
    """Has a job wait again that was given up or cancelled, with all its tries."""
    again = {
        Job.state: JobState.WAITING,
        Job.due: context.clock.now(),
        Job.tries: 0,
        Job.ended_at: None,
        Job.problem: None,
    }
    context.write.update(Job, where=_is(id_, GIVEN_UP), set=again, expect=1, otherwise=otherwise)


@statement
def settled(before: datetime, limit: int) -> Select[str]:
    """The oldest jobs that ended well, or were cancelled, before a moment."""
    over = Job.state.in_((JobState.DONE, JobState.CANCELLED))
    wanted = select(Job.id).where(Job.created_at < before, Job.ended_at < before, over)
    return wanted.order_by(Job.created_at).limit(number(limit))


def forget(context: Context[Any], ids: Sequence[str]) -> None:
    """Deletes jobs."""
    if ids:
        context.write.delete(Job, where=Job.id.in_(ids))


@statement
def used_before(until: datetime, limit: int) -> Select[datetime]:
    """When the oldest keys were used that were used before a moment."""
    used = select(Idempotency.at).where(Idempotency.at < until)
    return used.order_by(Idempotency.at).limit(number(limit))


def forget_keys(context: Context[Any], until: datetime) -> None:
    """Deletes the keys that were used up to a moment."""
    context.write.delete(Idempotency, where=Idempotency.at <= until)


def _is(id_: str, states: Collection[JobState]) -> ColumnElement[bool]:
    return and_(Job.id == id_, Job.state.in_(states))
