from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from crmkit.store.database import table_of
from crmkit.store.deliveries import Deliveries
from crmkit.store.deliveries import _taken as taken
from crmkit.store.leases import USUAL
from crmkit.store.outbox import Delivery, DeliveryState, Outbox
from crmkit.store.relay import TRIES, Handler, Occurrence, Relay, settle
from crmkit.store.unit_of_work import Origin, UnitOfWork, run_unit
from crmkit.values.clock import ManualClock
from tests.store.tables import Person

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from crmkit.store.drivers import Database

pytestmark = pytest.mark.anyio

ORIGIN = Origin("system", "tests.emit", "request_1")
delivery = table_of(Delivery)


class Shop:
    """Emits numbered events, and handles each by adding a person of that name."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock()
        self.broken: set[str] = set()
        self.heard: list[tuple[str, str]] = []
        self.together: list[list[str]] = []
        self.relay = self.another()

    def another(self, run: Callable[..., Awaitable[None]] | None = None) -> Relay:
        return Relay(self.database, self.clock, self.told, run or self.run)

    @property
    def told(self) -> dict[str, list[Handler]]:
        handlers = [Handler(f"shop.{name}", self.handle, "shop") for name in "ab"]
        plural = Handler("shop.many", self.handle_many, "shop", is_plural=True)
        return {"shop.Sold": handlers[:1], "shop.Moved": handlers, "shop.Counted": [plural]}

    def told_as_it_wants(self, wants: Callable[[], Awaitable[Sequence[str]]]) -> Relay:
        choosy = [Handler("shop.choosy", self.handle, "shop", wants=wants)]
        told = {"shop.Sold": choosy, "shop.Moved": choosy}
        return Relay(self.database, self.clock, told, self.run)

    async def run(self, handler: Handler, occurrences: Sequence[Occurrence]) -> None:
        async def body(unit: UnitOfWork) -> None:
            settle(occurrences, unit)
            await handler.function(unit, occurrences if handler.is_plural else occurrences[0])

        await run_unit(self.database, self.clock, ORIGIN, body)

    async def handle(self, unit: UnitOfWork, occurrence: Occurrence) -> None:
        name = occurrence.payload["name"]
        self.heard.append((occurrence.record, name))
        unit.write.add(Person(name=name))
        await unit.read(select(func.count()).select_from(table_of(Person)))
        if name in self.broken:
            raise RuntimeError(f"{name} is broken")

    async def handle_many(self, unit: UnitOfWork, occurrences: Sequence[Occurrence]) -> None:
        self.together.append([each.payload["name"] for each in occurrences])
        for each in occurrences:
            await self.handle(unit, each)

    async def emit(self, *names: str, record: str = "r", event: str = "shop.Sold") -> None:
        async def body(unit: UnitOfWork) -> None:
            for name in names:
                unit.emit(event, 1, record, {"name": name}, plugin="shop")

        await run_unit(self.database, self.clock, ORIGIN, body)

    async def people(self) -> list[str]:
        return sorted(
            name for (name,) in await self.database.fetch(select(table_of(Person).c.name))
        )

    async def states(self) -> Counter[DeliveryState]:
        rows = await self.database.fetch(select(delivery.c.state))
        return Counter(state for (state,) in rows)


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


async def test_each_handler_of_an_event_has_its_effect_once(shop: Shop) -> None:
    await shop.emit("one")
    await shop.emit("two", event="shop.Moved")
    await shop.emit("nobody's", event="shop.Unheard")
    await shop.relay.drain()
    await shop.relay.drain()
    assert await shop.people() == ["one", "two", "two"]
    assert await shop.states() == {DeliveryState.DONE: 3}


async def test_an_event_arrives_as_it_was_emitted(shop: Shop) -> None:
    await shop.emit("one")
    told: list[Occurrence] = []

    async def keep(handler: Handler, occurrences: Sequence[Occurrence]) -> None:
        told.extend(occurrences)
        await shop.run(handler, occurrences)

    await shop.another(keep).drain()
    [found] = told
    assert (found.name, found.version, found.record, found.payload, found.plugin, found.at) == (
        ("shop.Sold", 1, "r", {"name": "one"}, "shop", shop.clock.now())
    )


async def test_a_handler_is_told_of_what_it_wants_and_of_all_while_it_cannot_say(
    shop: Shop,
) -> None:
    wanted: list[str] = []

    async def wants() -> list[str]:
        if not wanted:
            raise RuntimeError("no idea")
        return wanted

    relay = shop.told_as_it_wants(wants)
    for name in ("one", "two"):
        await shop.emit(name)
        await shop.emit(f"{name} elsewhere", event="shop.Moved")
        await relay.drain()
        wanted.append("shop.Moved")
    assert await shop.people() == ["one", "one elsewhere", "two elsewhere"]
    assert await shop.states() == {DeliveryState.DONE: 3}


async def test_what_comes_while_a_handler_says_what_it_wants_is_asked_for_again(
    shop: Shop,
) -> None:
    asked: list[str] = []

    async def wants() -> list[str]:
        if not asked:
            await shop.emit("late", event="shop.Moved")
        asked.append("shop.Moved")
        return asked[1:]

    relay = shop.told_as_it_wants(wants)
    await shop.emit("early")
    await relay.drain()
    assert await shop.people() == ["late"]


async def test_a_unit_that_was_rolled_back_tells_nobody(shop: Shop) -> None:
    async def body(unit: UnitOfWork) -> None:
        unit.emit("shop.Sold", 1, "r", {"name": "never"}, plugin="shop")
        await unit.read(select(table_of(Outbox).c.seq))
        raise RuntimeError("too late")

    with pytest.raises(RuntimeError):
        await run_unit(shop.database, shop.clock, ORIGIN, body)
    await shop.relay.drain()
    assert shop.heard == []


async def test_the_events_of_a_record_keep_their_order_and_others_go_on(shop: Shop) -> None:
    numbers = [str(n) for n in range(20)]
    await shop.emit(*numbers, record="r")
    await shop.emit(*numbers, record="s")
    shop.broken = {"3"}
    await shop.relay.drain()
    assert [name for record, name in shop.heard if record == "r"] == numbers[:4]
    shop.broken = set()
    shop.clock.move(minutes=1)
    await shop.relay.drain()
    for record in "rs":
        assert [name for each, name in shop.heard if each == record] == [*numbers[:4], *numbers[3:]]
    assert await shop.people() == sorted(numbers * 2)


async def test_a_failed_handler_waits_longer_each_time_and_then_frees_the_record(
    shop: Shop,
) -> None:
    await shop.emit("broken", "next")
    shop.broken = {"broken"}
    await shop.relay.drain()
    for tries, seconds in enumerate((5, 25, 125, 625), 1):
        shop.clock.move(seconds=seconds - 1)
        await shop.relay.drain()
        assert len(shop.heard) == tries
        shop.clock.move(seconds=1)
        await shop.relay.drain()
    assert [name for _, name in shop.heard] == ["broken"] * TRIES + ["next"]
    assert await shop.people() == ["next"]
    assert await shop.states() == {DeliveryState.DEAD: 1, DeliveryState.DONE: 1}
    dead = select(delivery.c.problem).where(delivery.c.state == DeliveryState.DEAD)
    assert await shop.database.fetch(dead) == [("RuntimeError: broken is broken",)]


async def test_a_handler_that_only_writes_has_no_effect_when_its_delivery_is_anothers(
    shop: Shop,
) -> None:
    tries = []

    async def slow(_: Handler, occurrences: Sequence[Occurrence]) -> None:
        async def body(unit: UnitOfWork) -> None:
            settle(occurrences, unit)
            tries.append(occurrences[0].tries)
            unit.write.add(Person(name=f"try {tries[-1]}"))
            if len(tries) == 1:
                shop.clock.move(seconds=31)
                await shop.another(slow).drain()

        await run_unit(shop.database, shop.clock, ORIGIN, body)

    await shop.emit("one")
    await shop.another(slow).drain()
    assert (tries, await shop.people()) == ([1, 2], ["try 2"])
    assert await shop.states() == {DeliveryState.DONE: 1}


async def test_what_a_killed_process_held_is_delivered_by_another(shop: Shop) -> None:
    await shop.emit("one")
    begun, killed = asyncio.Event(), asyncio.Event()

    async def hang(handler: Handler, occurrences: Sequence[Occurrence]) -> None:
        begun.set()
        await killed.wait()
        await shop.run(handler, occurrences)

    dying = asyncio.create_task(shop.another(hang).drain())
    await begun.wait()
    await shop.relay.drain()
    assert shop.heard == []
    shop.clock.move(seconds=31)
    await shop.relay.drain()
    assert await shop.people() == ["one"]
    # Should it live on after all, its effect is rolled back: the delivery is another's.
    killed.set()
    await dying
    assert await shop.people() == ["one"]
    assert len(shop.heard) == 2


async def test_what_ends_its_process_again_and_again_dies_too(shop: Shop) -> None:
    await shop.emit("one", "two")
    for _ in range(TRIES):
        dying = shop.another(lambda *_: asyncio.Event().wait())
        task = asyncio.create_task(dying.drain())
        await until(lambda relay=dying: bool(relay._running))
        for each in [task, *dying._running]:
            each.cancel()
        shop.clock.move(seconds=31)
    await shop.relay.drain()
    assert await shop.people() == ["two"]
    assert await shop.states() == {DeliveryState.DEAD: 1, DeliveryState.DONE: 1}


async def test_two_relays_share_the_work_and_repeat_none_of_it(shop: Shop) -> None:
    for n in range(30):
        await shop.emit(f"{n:02}", record=f"r{n % 7}")
    await asyncio.gather(shop.relay.drain(), shop.another().drain())
    assert await shop.people() == [f"{n:02}" for n in range(30)]
    assert len(shop.heard) == 30


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_an_event_that_is_committed_after_later_ones_is_not_skipped(shop: Shop) -> None:
    said, may_commit = asyncio.Event(), asyncio.Event()

    async def slow(unit: UnitOfWork) -> None:
        unit.emit("shop.Sold", 1, "r", {"name": "early"}, plugin="shop")
        await unit.read(select(table_of(Outbox).c.seq))
        said.set()
        await may_commit.wait()

    task = asyncio.create_task(run_unit(shop.database, shop.clock, ORIGIN, slow))
    await said.wait()
    await shop.emit("late")
    await shop.relay.drain()
    assert await shop.people() == ["late"]
    may_commit.set()
    await task
    await shop.relay.drain()
    assert await shop.people() == ["early", "late"]


async def test_a_started_relay_delivers_when_it_is_woken_and_stops(shop: Shop) -> None:
    await shop.relay.start()
    await shop.emit("one")
    shop.relay.wake()
    await until(lambda: bool(shop.heard))
    await shop.relay.drain()
    await shop.relay.stop()
    await shop.emit("two")
    shop.relay.wake()
    assert await shop.people() == ["one"]


async def test_what_a_stopping_relay_had_begun_is_free_at_once(shop: Shop) -> None:
    await shop.emit("one")
    stopping = shop.another(lambda *_: asyncio.Event().wait())
    await stopping.start()
    await until(lambda: bool(stopping._running))
    await stopping.stop()
    await shop.relay.drain()
    assert await shop.people() == ["one"]


async def test_a_plural_handler_is_told_of_all_that_has_come_in_one_unit(shop: Shop) -> None:
    for n in range(6):
        await shop.emit(f"{n}", f"{n}b", record=f"r{n % 2}", event="shop.Counted")
    await shop.relay.drain()
    assert shop.together == [[f"{n}{more}" for n in range(6) for more in ("", "b")]]
    assert await shop.states() == {DeliveryState.DONE: 12}


async def test_of_many_that_fail_together_the_culprit_stands_alone_at_last(shop: Shop) -> None:
    for n in range(8):
        await shop.emit(f"{n}", record=f"r{n % 4}", event="shop.Counted")
    shop.broken = {"1"}
    await shop.relay.drain()
    # What comes after it waits with it, and nobody else.
    assert await shop.people() == ["0", "2", "3", "4", "6", "7"]
    assert await shop.states() == {DeliveryState.DONE: 6, DeliveryState.PENDING: 2}
    shop.broken.clear()
    shop.together.clear()
    shop.clock.move(seconds=5)
    await shop.relay.drain()
    assert shop.together == [["1"], ["5"]]


async def test_events_of_many_records_share_no_unit(shop: Shop) -> None:
    async def body(unit: UnitOfWork) -> None:
        for n in range(5):
            payload = {"name": f"{n}", "ids": ["id"] * 400}
            unit.emit("shop.Counted", 1, "r", payload, plugin="shop")

    await run_unit(shop.database, shop.clock, ORIGIN, body)
    await shop.relay.drain()
    assert shop.together == [["0", "1"], ["2", "3"], ["4"]]


async def test_what_ends_its_process_takes_no_others_along_for_ever(shop: Shop) -> None:
    for n in range(30):
        await shop.emit(f"{n:02}", record=f"r{n}", event="shop.Counted")

    async def die(handler: Handler, some: Sequence[Occurrence]) -> None:
        if any(each.payload["name"] == "00" for each in some):
            await asyncio.Event().wait()
        await shop.run(handler, some)

    for _ in range(TRIES):
        dying = shop.another(die)
        task = asyncio.create_task(dying.drain())
        await until(lambda relay=dying: len(relay._running) == 1 and not relay._turn.locked())
        for each in [task, *dying._running]:
            each.cancel()
        shop.clock.move(seconds=31)
    await shop.relay.drain()
    assert await shop.people() == [f"{n:02}" for n in range(1, 30)]
    assert await shop.states() == {DeliveryState.DEAD: 1, DeliveryState.DONE: 29}


async def test_two_relays_share_what_a_plural_handler_is_told(shop: Shop) -> None:
    for n in range(30):
        await shop.emit(f"{n:02}", record=f"r{n % 7}", event="shop.Counted")
    await asyncio.gather(shop.relay.drain(), shop.another().drain())
    assert await shop.people() == [f"{n:02}" for n in range(30)]
    for record in range(7):
        said = [name for each, name in shop.heard if each == f"r{record}"]
        assert said == sorted(said)
    assert len(shop.heard) == 30


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  whatever it is, it tells nobody
            await asyncio.sleep(0.001)


_READ = """SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables
WHERE relname = 'delivery'"""


async def test_a_backlog_is_not_read_again_for_each_delivery_in_it(shop: Shop) -> None:
    if shop.database.name != "postgresql":
        pytest.skip("SQLite counts no rows")
    for number in range(20):
        await shop.emit(*map(str, range(20)), record=f"r{number}")
    now, some = shop.clock.now(), Deliveries(shop.database, shop.clock, shop.told, USUAL)
    while await some.make():
        pass
    async with shop.database.transaction() as transaction:
        begun = await transaction.fetch(taken(now, now + USUAL.lease, 200, "shop.a", "shop.b"))
        [(read,)] = await transaction.rows(_READ, [])
    assert len(begun) == 200
    assert read < 400 * 400  # Once for each delivery would be forty million.
