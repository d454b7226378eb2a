"""The jobs that wait: begun by one worker at a time, and ended with their effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Select, bindparam, or_, select, update

from crmkit.store.database import table_of
from crmkit.store.jobs import Job, JobState
from crmkit.store.leases import LeaseLost
from crmkit.store.ready import number, statement

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Update

    from crmkit.store.drivers import Database, Transaction
    from crmkit.store.leases import Patience
    from crmkit.store.unit_of_work import UnitOfWork
    from crmkit.values.clock import Clock

job = table_of(Job)


@dataclass(eq=False)
class Run:
    """A job that this worker has begun; how far it is, it says as it goes."""

    id: str
    name: str
    payload: Any
    at: datetime
    request_id: str
    asked: int
    begun: int
    tries: int
    done: int | None = None
    total: int | None = None
    next: Any = field(default=None, init=False)
    """With what it goes on when this unit has been committed; with nothing it is done."""


def settle(run: Run, unit: UnitOfWork) -> None:
    """Has this unit of work, and no other, be the effect of a job, or of a chunk of it."""
    unit.job = run
    unit.before_commit.append(partial(_settle, run, unit.at))


async def _settle(run: Run, now: datetime, transaction: Transaction) -> None:
    this = (run.id, run.begun, run.asked, run.done, run.total)
    if await transaction.run(_ended(*this, now) if run.next is None else _gone_on(run)):
        return
    # Asked for again meanwhile, it begins anew, because this may have looked too early.
    again = {"state": JobState.WAITING, "leased_until": None, "tries": 0}
    run.next = None
    if not await transaction.run(_held(run.id, run.begun).values(again)):
        raise LeaseLost(f"The job {run.id} is not this worker's any more.")


class Queue:
    """The jobs of these names, at which other workers may be at work as well."""

    def __init__(
        self, database: Database, clock: Clock, names: Collection[str], patience: Patience
    ) -> None:
        self._database = database
        self._clock = clock
        self._names = sorted(names)
        self._patience = patience

    async def begin(self, most: int) -> list[Run]:
        """Begins jobs that are due, those first that have waited longest."""
        if not self._names or not await self._database.fetch(
            _due(self._clock.now(), 1, self._names)
        ):
            return []
        now = self._clock.now()
        taken = _taken(now, now + self._patience.lease, most, self._names)
        async with self._database.transaction() as transaction:
            found = await transaction.fetch(taken)
        return [Run(*row) for row in sorted(found)]

    async def renew(self, runs: Sequence[Run]) -> list[Run]:
        """Keeps others from these jobs, says how far they are, and returns those it has lost."""
        lost = []
        async with self._database.transaction() as transaction:
            for each in runs:
                until = self._clock.now() + self._patience.lease
                said = {"leased_until": until, "done": each.done, "total": each.total}
                if not await transaction.run(_held(each.id, each.begun).values(said)):
                    lost.append(each)
        return lost

    async def fail(self, run: Run, problem: str, most: int) -> None:
        """Has it tried again later, or gives it up after so many tries."""
        now = self._clock.now()
        failed: dict[str, Any] = {"leased_until": None, "problem": problem}
        if run.tries >= most:
            failed |= {"state": JobState.DEAD, "ended_at": now}
        else:
            failed |= {"state": JobState.WAITING, "due": now + self._patience.after(run.tries)}
        await self._change(run, failed)

    async def release(self, run: Run) -> None:
        """Gives back what was begun and not ended, as if this try had not been."""
        given = {"state": JobState.WAITING, "leased_until": None, "tries": job.c.tries - 1}
        await self._change(run, given)

    async def _change(self, run: Run, values: dict[str, Any]) -> None:
        async with self._database.transaction() as transaction:
            await transaction.run(_held(run.id, run.begun).values(values))


_READ = ("id", "name", "payload", "at", "request_id", "asked", "begun", "tries", "done", "total")


# -- its statements, built once: a worker asks them again and again ---------------------------


@statement
def _due(now: datetime, limit: int, names: Sequence[str]) -> Select[str]:
    """The next jobs of these names."""
    return _those_due(now, limit, names)


@statement
def _taken(now: datetime, until: datetime, limit: int, names: Sequence[str]) -> Any:
    """Leases what is due, and says what it has taken."""
    # A CTE that locks is run once, whatever the plan; a subquery may be run again.
    due = _those_due(now, limit, names).with_for_update(skip_locked=True).cte()
    begun = {
        "state": JobState.RUNNING,
        "leased_until": until,
        "begun": job.c.begun + 1,
        "tries": job.c.tries + 1,
    }
    mine = update(job).where(job.c.id.in_(select(due.c.id))).values(begun)
    return mine.returning(*[job.c[each] for each in _READ])


@statement
def _ended(
    id_: str, begun: int, asked: int, done: int | None, total: int | None, now: datetime
) -> Any:
    """A job is done, unless somebody has asked for it again meanwhile."""
    said = {
        "state": JobState.DONE,
        "leased_until": None,
        "ended_at": now,
        "done": done,
        "total": total,
        "problem": None,
    }
    return _held(id_, begun).where(job.c.asked == asked).values(said)


def _gone_on(run: Run) -> Update:
    """A chunk of a job is done, and the next one waits for whoever does this one."""
    said = {
        "payload": run.next,
        "tries": 1,
        "done": run.done,
        "total": run.total,
        "problem": None,
    }
    return _held(run.id, run.begun).where(job.c.asked == run.asked).values(said)


def _those_due(now: datetime, limit: int, names: Sequence[str]) -> Select[str]:
    wanted = (
        _is_open(),
        job.c.due <= now,
        or_(job.c.leased_until.is_(None), job.c.leased_until <= now),
        job.c.name.in_(names),
    )
    due = select(job.c.id).where(*wanted).order_by(job.c.due, job.c.id)
    return due.limit(number(limit))


def _is_open() -> ColumnElement[bool]:
    """Whether it is not settled, as text, because an index for values serves no parameter."""
    kind = job.c.state.type
    waiting, running = (
        bindparam(None, each, kind, literal_execute=True)
        for each in (JobState.WAITING, JobState.RUNNING)
    )
    return cast("ColumnElement[bool]", job.c.state.in_([waiting, running]))


def _held(id_: str, begun: int) -> Update:
    """An update of a job that nobody else has begun, cancelled or ended meanwhile."""
    mine = (job.c.id == id_, job.c.begun == begun, job.c.state == JobState.RUNNING)
    return update(job).where(*mine)
