from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from sqlalchemy import func, select, update

from crmkit.store.database import table_of
from crmkit.store.jobs import Job, JobState
from crmkit.store.leases import TRIES, USUAL
from crmkit.store.queue import Run, settle
from crmkit.store.timetable import Timetable, ask
from crmkit.store.unit_of_work import Origin, UnitOfWork, run_unit
from crmkit.store.worker import JobKind, Worker
from crmkit.values.clock import ManualClock
from crmkit.values.schedules import Every
from tests.store.tables import Person
from tests.store.test_relay import until

if TYPE_CHECKING:
    from datetime import datetime

    from crmkit.store.drivers import Database

pytestmark = pytest.mark.anyio

job = table_of(Job)


class Office:
    """Greets people by jobs: each adds a person, and lists are greeted by twos."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock()
        self.broken: set[str] = set()
        self.tried: list[str] = []
        self.during: Any = None
        self.worker = self.another()

    def another(self, places: int = 4) -> Worker:
        kind = JobKind("office.greet", self.greet, "office", TRIES, seconds=60)
        hourly = JobKind("office.hourly", self.greet, "office", TRIES, seconds=60)
        timetable = Timetable(
            self.database, self.clock, {"office.hourly": Every(timedelta(hours=1))}
        )
        kinds = {each.name: each for each in (kind, hourly)}
        return Worker(self.database, self.clock, kinds, timetable, self.do, USUAL, places)

    async def do(self, kind: JobKind, run: Run) -> None:
        async def body(unit: UnitOfWork) -> None:
            settle(run, unit)
            run.next = await kind.function(unit, run)

        await run_unit(self.database, self.clock, Origin("office", kind.name, "r"), body)

    async def greet(self, unit: UnitOfWork, run: Run) -> Any:
        names = run.payload if isinstance(run.payload, list) else [run.payload or "hourly"]
        for name in names[:2]:
            self.tried.append(name)
            unit.write.add(Person(name=name))
        if self.during:
            await self.during(run)
        if broken := self.broken.intersection(names[:2]):
            raise RuntimeError(f"{broken.pop()} is broken")
        return names[2:] or None

    async def ask(
        self, *payloads: Any, key: str | None = None, due: datetime | None = None
    ) -> None:
        async def body(unit: UnitOfWork) -> None:
            at = due or self.clock.now()
            ask(
                unit.write,
                [
                    Job(name="office.greet", payload=each, key=key, at=at, due=at, request_id="r")
                    for each in payloads
                ],
            )

        await run_unit(self.database, self.clock, Origin("office", "ask", "r"), body)

    async def people(self) -> list[str]:
        found = await self.database.fetch(select(table_of(Person).c.name))
        return sorted(name for (name,) in found)

    async def jobs(self) -> list[tuple[JobState, int]]:
        return await self.database.fetch(select(job.c.state, job.c.tries).order_by(job.c.id))

    async def hang(self, run: Run) -> None:
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def _plain_log() -> None:
    """Failures are told in a line: drawing where they happened takes a second each."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer(["event"])])


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


async def test_a_job_has_its_effect_and_its_end_together(office: Office) -> None:
    await office.ask("ada", "bob")
    await office.worker.drain()
    await office.worker.drain()
    assert await office.people() == ["ada", "bob"]
    assert await office.jobs() == [(JobState.DONE, 1)] * 2


async def test_a_job_that_was_never_committed_is_never_done(office: Office) -> None:
    async def body(unit: UnitOfWork) -> None:
        at = office.clock.now()
        ask(unit.write, [Job(name="office.greet", payload="x", at=at, due=at, request_id="r")])
        await unit.read(select(func.count()).select_from(job))
        raise RuntimeError("too late")

    with pytest.raises(RuntimeError):
        await run_unit(office.database, office.clock, Origin("office", "ask", "r"), body)
    await office.worker.drain()
    assert office.tried == []


async def test_a_job_waits_for_its_time(office: Office) -> None:
    await office.ask("ada", due=office.clock.now() + timedelta(minutes=5))
    await office.worker.drain()
    assert await office.people() == []
    office.clock.move(minutes=5)
    await office.worker.drain()
    assert await office.people() == ["ada"]


async def test_a_failing_job_waits_longer_each_time_and_is_given_up(office: Office) -> None:
    await office.ask("ada")
    office.broken = {"ada"}
    await office.worker.drain()
    for tries, seconds in enumerate((5, 25, 125, 625), 1):
        office.clock.move(seconds=seconds - 1)
        await office.worker.drain()
        assert len(office.tried) == tries
        office.clock.move(seconds=1)
        await office.worker.drain()
    assert await office.jobs() == [(JobState.DEAD, TRIES)]
    assert await office.people() == []
    [(problem,)] = await office.database.fetch(select(job.c.problem))
    assert problem == "RuntimeError: ada is broken"


async def test_a_long_job_goes_on_where_its_last_chunk_ended(office: Office) -> None:
    await office.ask(["a", "b", "c", "d", "e"])
    office.broken = {"c"}
    await office.worker.drain()
    assert await office.people() == ["a", "b"]
    office.broken = set()
    office.clock.move(seconds=5)
    await office.worker.drain()
    assert await office.people() == ["a", "b", "c", "d", "e"]
    assert office.tried == ["a", "b", "c", "d", "c", "d", "e"]


async def test_what_a_killed_worker_held_is_done_by_another_when_its_lease_ends(
    office: Office,
) -> None:
    await office.ask("ada")
    begun, killed = asyncio.Event(), asyncio.Event()

    async def hang(run: Run) -> None:
        begun.set()
        await killed.wait()

    office.during = hang
    dying = asyncio.create_task(office.another().drain())
    await begun.wait()
    office.during = None
    assert not await office.worker.drain()
    office.clock.move(seconds=31)
    await office.worker.drain()
    # Should it live on after all, its effect is rolled back: the job is another's.
    killed.set()
    await dying
    assert await office.people() == ["ada"]
    assert office.tried == ["ada", "ada"]


async def test_a_job_that_ends_its_process_again_and_again_is_given_up(office: Office) -> None:
    await office.ask("ada")
    office.during = office.hang
    for _ in range(TRIES):
        dying = office.another()
        task = asyncio.create_task(dying.drain())
        await until(lambda worker=dying: bool(worker._running))
        for each in [task, *dying._running]:
            each.cancel()
        office.clock.move(seconds=31)
    await office.worker.drain()
    assert await office.jobs() == [(JobState.DEAD, TRIES + 1)]


async def test_two_workers_share_the_jobs_and_do_none_twice(office: Office) -> None:
    await office.ask(*[f"{n:02}" for n in range(30)])
    await asyncio.gather(office.worker.drain(), office.another().drain())
    assert await office.people() == [f"{n:02}" for n in range(30)]
    assert len(office.tried) == 30


async def test_of_one_key_one_job_waits_with_what_was_said_last(office: Office) -> None:
    later = office.clock.now() + timedelta(hours=1)
    await office.ask("first", key="k")
    await office.ask("last", key="k", due=later)
    await office.worker.drain()
    assert office.tried == []
    office.clock.move(hours=1)
    await office.worker.drain()
    assert "last" in office.tried
    assert "first" not in office.tried


async def test_a_job_that_is_asked_for_while_it_is_done_is_done_once_more(office: Office) -> None:
    async def again(run: Run) -> None:
        if run.payload == "ada":
            await office.ask("bob", key="k")

    await office.ask("ada", key="k")
    if office.database.name == "postgresql":
        office.during = again
    await office.worker.drain()
    await office.ask("bob", key="k")
    await office.worker.drain()
    assert set(await office.people()) == {"ada", "bob"}


async def test_a_schedule_asks_once_for_each_moment_however_many_keep_it(office: Office) -> None:
    workers = [office.worker, office.another(), office.another()]
    await asyncio.gather(*[each.drain() for each in workers])
    for hours in range(1, 4):
        office.clock.move(hours=1)
        await asyncio.gather(*[each.drain() for each in workers])
        assert await office.people() == ["hourly"] * hours


async def test_moments_that_everybody_missed_are_made_up_for_by_one(office: Office) -> None:
    await office.worker.drain()
    office.clock.move(hours=30)
    await office.worker.drain()
    assert await office.people() == ["hourly"]


async def test_a_cancelled_job_is_stopped_where_it_is(office: Office) -> None:
    await office.ask("ada")
    office.during = office.hang
    await office.worker.start()
    await until(lambda: bool(office.tried))
    async with office.database.transaction() as transaction:
        await transaction.run(update(job).values(state=JobState.CANCELLED))
    await office.worker._renew()
    await until(lambda: not office.worker._running)
    await office.worker.stop()
    assert await office.people() == []
    assert await office.jobs() == [(JobState.CANCELLED, 1)]


async def test_what_a_stopping_worker_had_begun_is_free_at_once(office: Office) -> None:
    await office.ask("ada")
    office.during = office.hang
    await office.worker.start()
    await until(lambda: bool(office.tried))
    await office.worker.stop()
    office.during = None
    assert await office.jobs() == [(JobState.WAITING, 0)]
    await office.another().drain()
    assert await office.people() == ["ada"]


async def test_a_stopping_worker_lets_jobs_end_that_need_little(office: Office) -> None:
    async def soon(run: Run) -> None:
        await asyncio.sleep(0)

    await office.ask("ada")
    office.during = soon
    await office.worker.start()
    await until(lambda: bool(office.worker._running))
    await office.worker.stop(grace=10)
    assert await office.people() == ["ada"]
