from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from asyncpg import Connection  # type: ignore[import-untyped]
from sqlalchemy import func, select

from crmkit.store.audit import Audit
from crmkit.store.database import table_of
from crmkit.store.idempotency import Idempotency
from crmkit.store.outbox import Outbox
from crmkit.store.reach import EVERYTHING, Reach
from crmkit.store.unit_of_work import IdempotencyKey, Origin, UnitOfWork, run_unit
from crmkit.store.violations import Contention
from crmkit.values.clock import ManualClock
from crmkit.values.errors import IdempotencyMismatch, NotFound, Refused, Unavailable
from tests.store.tables import Balance, Person, Purchase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crmkit.store.drivers import Database

    Body = Callable[[UnitOfWork], Awaitable[Any]]

pytestmark = pytest.mark.anyio

clock = ManualClock()
SIDES = {table_of(Person): (Balance,)}
balance = table_of(Balance)
KEY = IdempotencyKey("system:redeem", "k-1", b"\x00same")


async def unit(database: Database, body: Body, **given: Any) -> Any:
    origin = Origin("user_1", "loyalty.redeem", "request_1")
    return await run_unit(database, clock, origin, body, sides=SIDES, **given)


async def count(database: Database, model: type[Any]) -> int:
    [(found,)] = await database.fetch(select(func.count()).select_from(table_of(model)))
    return int(found)


async def anna(database: Database, points: int = 0) -> str:
    person = Person(name="Anna")

    async def body(unit: UnitOfWork) -> None:
        unit.write.add(person)
        unit.write.change(Balance, person.id, add={Balance.points: points})

    await unit(database, body)
    return person.id


def redemption(key: str, *, reads: bool = False) -> Body:
    async def body(unit: UnitOfWork) -> dict[str, Any]:
        add, purchase = {Balance.points: -10}, Purchase(person_id=key, amount=10)
        unit.write.change(Balance, key, add=add, at_least=0, otherwise=Refused("Too few."))
        unit.write.add(purchase)
        if reads:
            await unit.read(select(balance.c.points), EVERYTHING)
        return {"id": purchase.id}

    return body


@pytest.mark.parametrize("reads", [False, True])
async def test_sixty_four_at_once_take_exactly_what_there_is(
    database: Database, reads: bool
) -> None:
    key = await anna(database, 100)
    answers = await asyncio.gather(
        *[unit(database, redemption(key, reads=reads)) for _ in range(64)], return_exceptions=True
    )
    assert [type(each) for each in answers].count(Refused) == 54
    assert await database.fetch(select(balance.c.points)) == [(0,)]
    assert await count(database, Purchase) == 10


@pytest.mark.parametrize("reads", [False, True])
async def test_one_key_sixty_four_times_is_one_effect_and_one_result(
    database: Database, reads: bool
) -> None:
    # The winner spends all there is: the others fail, and then find what it did.
    key = await anna(database, 10)
    body = redemption(key, reads=reads)
    answers = await asyncio.gather(*[unit(database, body, key=KEY) for _ in range(64)])
    assert len({each["id"] for each in answers}) == 1
    assert await count(database, Purchase) == 1
    assert await count(database, Audit) == 2


async def test_a_key_that_comes_with_other_arguments_is_refused(database: Database) -> None:
    key = await anna(database, 100)
    await unit(database, redemption(key), key=KEY)
    other = IdempotencyKey(KEY.scope, KEY.key, b"other")
    with pytest.raises(IdempotencyMismatch):
        await unit(database, redemption(key), key=other)
    assert await count(database, Purchase) == 1


async def test_a_unit_that_fails_leaves_its_key_free(database: Database) -> None:
    key = await anna(database, 0)
    with pytest.raises(Refused, match="Too few"):
        await unit(database, redemption(key, reads=True), key=KEY)
    assert await count(database, Idempotency) == 0


async def test_who_finds_the_key_taken_while_reading_gets_the_stored_result(
    database: Database,
) -> None:
    key = await anna(database, 100)
    first = await unit(database, redemption(key), key=KEY)
    reached = []

    async def body(unit: UnitOfWork) -> None:
        unit.write.change(Balance, key, add={Balance.points: 1})
        await unit.read(select(balance.c.points), EVERYTHING)
        reached.append("behind the read")

    assert await unit(database, body, key=KEY) == first
    assert reached == []


@pytest.fixture
def without_transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    def refused() -> None:
        raise AssertionError("a unit opened a transaction")

    monkeypatch.setattr(database, "transaction", refused)
    return database


async def test_a_unit_that_reads_before_it_writes_goes_out_at_once(
    without_transactions: Database,
) -> None:
    person = Person(name="Anna")

    async def body(unit: UnitOfWork) -> list[Any]:
        seen = await unit.read(select(balance.c.points), Reach())
        unit.write.add(person, Purchase(person_id=person.id, amount=3))
        unit.emit("met", 1, person.id, {}, plugin="tests")
        return [person.id, *seen]

    assert await unit(without_transactions, body, key=KEY) == [person.id]
    for model in (Person, Balance, Purchase, Outbox, Idempotency, Audit):
        assert await count(without_transactions, model) == 1


async def test_a_read_that_locks_begins_the_transaction(database: Database) -> None:
    key = await anna(database)

    async def body(unit: UnitOfWork) -> None:
        held = select(balance.c.points).where(balance.c.person_id == key).with_for_update()
        [(points,)] = await unit.read(select(held.subquery()))
        unit.write.change(Balance, key, set={Balance.points: points + 1})

    await asyncio.gather(*[unit(database, body) for _ in range(16)])
    assert await database.fetch(select(balance.c.points)) == [(16,)]


async def test_a_guard_that_fails_takes_back_all_that_went_out_with_it(database: Database) -> None:
    key = await anna(database, 5)
    with pytest.raises(Refused, match="Too few"):
        await unit(database, redemption(key), key=KEY)
    assert await database.fetch(select(balance.c.points)) == [(5,)]
    assert await count(database, Purchase) == await count(database, Idempotency) == 0
    assert await count(database, Audit) == 1


async def test_a_repeat_whose_body_trips_over_the_first_effect_gets_its_result(
    database: Database,
) -> None:
    key = await anna(database, 5)

    async def body(unit: UnitOfWork) -> dict[str, int]:
        [points] = (await unit.read(select(balance.c.points)))[0]
        unit.write.change(Balance, key, set={Balance.points: 0})
        return {"worth": 100 // points}

    first = await unit(database, body, key=KEY)
    assert await unit(database, body, key=KEY) == first == {"worth": 20}


async def test_a_read_in_a_unit_sees_what_was_said_before_it(database: Database) -> None:
    key = await anna(database, 5)

    async def body(unit: UnitOfWork) -> list[tuple[Any, ...]]:
        unit.write.change(Balance, key, add={Balance.points: 1})
        seen = await unit.read(select(balance.c.points), Reach())
        unit.write.change(Balance, key, add={Balance.points: 1})
        return seen

    assert await unit(database, body) == [(6,)]
    assert await database.fetch(select(balance.c.points)) == [(7,)]


async def test_two_reads_at_once_in_a_unit_take_turns(database: Database) -> None:
    async def body(unit: UnitOfWork) -> list[Any]:
        one = select(func.count()).select_from(balance)
        return list(await asyncio.gather(unit.read(one), unit.read(one)))

    assert await unit(database, body) == [[(0,)], [(0,)]]


async def test_contention_runs_the_whole_body_again(database: Database) -> None:
    key = await anna(database)
    tries = []

    async def body(unit: UnitOfWork) -> int:
        tries.append(unit)
        unit.write.change(Balance, key, add={Balance.points: 1})
        await unit.read(select(balance.c.points))
        if len(tries) < 3:
            raise Contention
        return len(tries)

    assert await unit(database, body) == 3
    assert len(set(tries)) == 3
    assert await database.fetch(select(balance.c.points)) == [(1,)]


async def test_contention_without_end_is_unavailable(database: Database) -> None:
    async def body(unit: UnitOfWork) -> None:
        raise Contention

    with pytest.raises(Unavailable, match="too busy"):
        await unit(database, body)


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_deadlock_is_told_as_contention_and_ends_well(database: Database) -> None:
    keys = [await anna(database), await anna(database)]
    both_hold_one = asyncio.Barrier(2)
    tries = []

    def crossing(first: str, second: str) -> Body:
        async def body(unit: UnitOfWork) -> None:
            tries.append(first)
            unit.write.change(Balance, first, add={Balance.points: 1})
            await unit.read(select(balance.c.points))
            if len(tries) <= 2:
                await both_hold_one.wait()
            unit.write.change(Balance, second, add={Balance.points: 1})

        return body

    await asyncio.gather(unit(database, crossing(*keys)), unit(database, crossing(*reversed(keys))))
    assert len(tries) == 3
    assert await database.fetch(select(balance.c.points)) == [(2,), (2,)]


async def test_a_unit_that_wrote_leaves_one_audit_row(database: Database) -> None:
    key = await anna(database)
    told = table_of(Audit).c
    columns = (told.created_at, told.about, told.actor, told.operation, told.record)

    async def body(unit: UnitOfWork) -> dict[str, str]:
        unit.write.change(Balance, key, add={Balance.points: 1})
        return {"id": key}

    await unit(database, body, record=lambda result: result["id"])
    rows = await database.fetch(select(*columns, told.request_id, told.changes).order_by(told.id))
    assert rows[1][:-1] == (clock.now(), key, "user_1", "loyalty.redeem", key, "request_1")
    change = {"table": "balance", "act": "changed", "record": key}
    assert rows[1][-1] == [{**change, "columns": ["points"], "after": {"points": "+1"}}]
    assert len(rows) == 2


async def test_a_unit_that_only_read_leaves_none(database: Database) -> None:
    async def body(unit: UnitOfWork) -> int:
        return len(await unit.read(select(balance.c.points)))

    assert await unit(database, body) == 0
    assert await count(database, Audit) == 0


async def test_a_unit_that_says_nothing_sends_nothing(database: Database) -> None:
    told: list[str] = []
    database.watchers.append(told.append)

    async def body(unit: UnitOfWork) -> str:
        return "nothing"

    assert await unit(database, body) == "nothing"
    assert told == []


async def test_what_waits_for_the_commit_hears_of_no_other(database: Database) -> None:
    heard = []

    def body(key: str) -> Body:
        async def run(unit: UnitOfWork) -> None:
            unit.after_commit.append(lambda: heard.append(key))
            unit.write.change(Balance, key, add={Balance.points: 1})

        return run

    key = await anna(database)
    await unit(database, body(key))
    with pytest.raises(NotFound):
        await unit(database, body("nobody"))
    assert heard == [key]


async def test_a_commit_stands_though_a_listener_fails(database: Database) -> None:
    key = await anna(database)

    def fail() -> None:
        raise RuntimeError("a listener's own mistake")

    async def body(unit: UnitOfWork) -> str:
        unit.after_commit.append(fail)
        unit.write.change(Balance, key, add={Balance.points: 1})
        return "done"

    assert await unit(database, body) == "done"
    assert await database.fetch(select(balance.c.points)) == [(1,)]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_unit_that_locks_goes_to_the_writer_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await anna(database, points=30)
    trips: list[Any] = []
    write = type(database).write  # type: ignore[attr-defined]

    async def counted(self: Database, job: Any) -> Any:
        trips.append(job)
        return await write(self, job)

    async def body(unit: UnitOfWork) -> None:
        await unit.read(select(balance.c.points).with_for_update())
        unit.write.change(Balance, key, add={Balance.points: -10}, at_least=0)
        unit.write.add(Purchase(person_id=key, amount=10))

    monkeypatch.setattr(type(database), "write", counted)
    await unit(database, body)
    assert len(trips) == 2


@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.parametrize("key", [None, KEY])
async def test_a_unit_that_reads_in_between_goes_to_postgresql_five_times(
    database: Database, monkeypatch: pytest.MonkeyPatch, key: IdempotencyKey | None
) -> None:
    customer = await anna(database, points=30)
    trips: list[str] = []
    for name in ("fetch", "execute"):
        monkeypatch.setattr(Connection, name, _counted(getattr(Connection, name), trips))

    async def body(unit: UnitOfWork) -> list[Any]:
        unit.write.change(Balance, customer, add={Balance.points: -10}, at_least=0)
        unit.write.add(Purchase(person_id=customer, amount=10))
        found = await unit.read(select(balance.c.points))
        unit.write.add(Purchase(person_id=customer, amount=20), Person(name="Bob"))
        return [points for (points,) in found]

    assert await unit(database, body, key=key) == [20]
    begin, written, read, rest, commit = trips
    assert (begin, commit.partition(";")[0]) == ("BEGIN", "COMMIT")
    assert read.startswith("SELECT")
    assert all(each.startswith("WITH") for each in (written, rest))
    assert ("idempotency" in written, "idempotency" in rest) == (key is not None, key is not None)
    monkeypatch.undo()
    again = await unit(database, body, key=key)
    assert again == [20] if key else 10 in again


def _counted(of: Callable[..., Any], trips: list[str]) -> Callable[..., Any]:
    async def counted(self: Any, sql: str, *given: Any, **named: Any) -> Any:
        trips.append(sql)
        return await of(self, sql, *given, **named)

    return counted
