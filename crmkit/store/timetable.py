"""Asks for the jobs that come again and again, each moment of theirs once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select, update

from crmkit.store.database import table_of
from crmkit.store.jobs import Job, ScheduleRow
from crmkit.store.ready import statement
from crmkit.store.write import Write
from crmkit.values import ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from crmkit.store.drivers import Database, Transaction
    from crmkit.values.clock import Clock
    from crmkit.values.schedules import Schedule

schedule = table_of(ScheduleRow)


class Timetable:
    """The schedules of these jobs, which other workers keep as well.

    Where nobody was at work when it was time, the moments that were missed are made up for
    by one. A job of which the one before still waits or runs comes once more after it.
    """

    def __init__(self, database: Database, clock: Clock, schedules: Mapping[str, Schedule]) -> None:
        self._database = database
        self._clock = clock
        self._schedules = schedules
        self._is_written = False

    async def ask(self) -> bool:
        """Asks for the jobs whose time has come, and says if there were any."""
        if not self._schedules:
            return False
        if not self._is_written:
            await self._write()
            self._is_written = True
        now = self._clock.now()
        due = await self._database.fetch(_due(now, sorted(self._schedules)))
        for name, at in due:
            async with self._database.transaction() as transaction:
                if await self._is_mine(transaction, name, at):
                    await _ask(transaction, self._job(name, at))
        return bool(due)

    async def _write(self) -> None:
        """Adds the schedules that are new, and those that say something else than before."""
        there: dict[str, str] = dict(
            await self._database.fetch(select(schedule.c.name, schedule.c.said))
        )
        changed = [name for name in self._schedules if there.get(name) != self._said(name)]
        if not changed:
            return
        write = Write(self._clock.now(), {})
        write.upsert(
            ScheduleRow,
            [self._row(name) for name in sorted(changed)],
            key=ScheduleRow.name,
            set=(ScheduleRow.said, ScheduleRow.next_at),
        )
        async with self._database.transaction() as transaction:
            for group in write.taken():
                await group.run(transaction)

    def _said(self, name: str) -> str:
        return self._schedules[name].text

    def _row(self, name: str) -> ScheduleRow:
        next_at = self._schedules[name].next(self._clock.now())
        return ScheduleRow(name=name, said=self._said(name), next_at=next_at)

    async def _is_mine(self, transaction: Transaction, name: str, at: datetime) -> bool:
        """Takes a moment; of many workers only one finds it as it was."""
        next_at = self._schedules[name].next(self._clock.now())
        return await transaction.run(_taken(name, at, next_at)) == 1

    def _job(self, name: str, at: datetime) -> Job:
        return Job(
            name=name,
            payload=None,
            key=name,
            at=at,
            due=at,
            request_id=ids.new_id("request"),
        )


@statement
def _due(now: datetime, names: Sequence[str]) -> Select[str, datetime]:
    wanted = (schedule.c.next_at <= now, schedule.c.name.in_(names))
    return select(schedule.c.name, schedule.c.next_at).where(*wanted)


@statement
def _taken(name: str, at: datetime, next_at: datetime) -> Any:
    as_found = (schedule.c.name == name, schedule.c.next_at == at)
    return update(schedule).where(*as_found).values(next_at=next_at)


async def _ask(transaction: Transaction, row: Job) -> None:
    write = Write(row.at, {})
    ask(write, [row])
    for group in write.taken():
        await group.run(transaction)


def ask(write: Write, rows: Sequence[Job]) -> None:
    """Adds jobs; of one that waits under its key already, it is as if that came only now."""
    write.upsert(
        Job,
        rows,
        key=(Job.name, Job.key),
        add=(Job.asked,),
        set=(Job.payload, Job.at, Job.due),
    )
