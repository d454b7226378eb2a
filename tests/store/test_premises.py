"""What a unit takes for granted, and what becomes of it where that is not so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from crmkit.store.database import table_of
from crmkit.store.premises import Unfounded, unchanged
from crmkit.store.unit_of_work import IdempotencyKey, Origin, UnitOfWork, run_unit
from crmkit.values.clock import ManualClock
from crmkit.values.errors import Refused
from tests.store.tables import Person, Purchase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crmkit.store.drivers import Database

    Body = Callable[[UnitOfWork], Awaitable[Any]]

pytestmark = pytest.mark.anyio

KEY = IdempotencyKey("system:buy", "k-1", b"\x00same")


async def unit(database: Database, body: Body, **given: Any) -> Any:
    return await run_unit(database, ManualClock(), Origin("user_1", "buy", "r"), body, **given)


@pytest.fixture
async def person(database: Database) -> str:
    made = Person(name="Anna", email="anna@example.org")

    async def body(unit: UnitOfWork) -> None:
        unit.write.add(made)

    await unit(database, body)
    return made.id


def buys(person: str) -> Body:
    async def body(unit: UnitOfWork) -> str:
        purchase = Purchase(person_id=person, amount=1)
        unit.write.add(purchase)
        return purchase.id

    return body


def remembered(database: Database, person: str, **columns: Any) -> Any:
    row = (("id", person), ("deleted_at", None), *columns.items())
    return unchanged(Person, (row,), database.dialect)


async def purchases(database: Database) -> int:
    return len(await database.fetch(select(table_of(Purchase).c.id)))


async def test_a_premise_is_checked_by_the_statement_that_writes(
    database: Database, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reader in ("rows", "transaction"):
        monkeypatch.setattr(database, reader, None)
    premise = remembered(database, person, email="anna@example.org")
    await unit(database, buys(person), premise=premise, key=KEY)
    monkeypatch.undo()
    assert await purchases(database) == 1


async def test_an_unfounded_unit_writes_nothing(database: Database, person: str) -> None:
    for key in (None, KEY):
        premise = remembered(database, person, email="anna@example.com")
        with pytest.raises(Unfounded):
            await unit(database, buys(person), premise=premise, key=key)
    assert await purchases(database) == 0


async def test_a_unit_that_only_reads_has_premises_as_well(database: Database, person: str) -> None:
    async def body(unit: UnitOfWork) -> None:
        await unit.read(select(table_of(Person).c.id))

    with pytest.raises(Unfounded):
        await unit(database, body, premise=remembered(database, person, name="Bea"))


async def test_a_body_that_fails_on_a_wrong_premise_is_not_believed(
    database: Database, person: str
) -> None:
    async def body(unit: UnitOfWork) -> None:
        raise Refused("There is no such person.")

    with pytest.raises(Unfounded):
        await unit(database, body, premise=remembered(database, person, name="Bea"))
    with pytest.raises(Refused):
        await unit(database, body, premise=remembered(database, person, name="Anna"))


async def test_a_repeat_is_answered_whatever_has_become_of_its_premise(
    database: Database, person: str
) -> None:
    first = await unit(database, buys(person), key=KEY)
    premise = remembered(database, person, name="Bea")
    assert await unit(database, buys(person), key=KEY, premise=premise) == first


async def test_who_trusts_what_is_no_longer_so_runs_again_without(
    database: Database, person: str
) -> None:
    trusting: list[bool] = []

    async def body(unit: UnitOfWork) -> None:
        trusting.append(unit.may_trust(Person))
        if trusting[-1]:
            unit.trust(Person, ((("id", person), ("name", "Bea")),))
        await buys(person)(unit)

    await unit(database, body)
    assert trusting == [True, False]
    assert await purchases(database) == 1


async def test_nobody_trusts_a_table_of_which_something_waits(
    database: Database, person: str
) -> None:
    async def body(unit: UnitOfWork) -> list[bool]:
        unit.write.change(Person, person, set={Person.name: "Bea"})
        waiting = unit.may_trust(Person), unit.may_trust(Purchase)
        await unit.read(select(table_of(Person).c.id))
        return [*waiting, unit.may_trust(Purchase)]

    assert await unit(database, body) == [False, True, False]
