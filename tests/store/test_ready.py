"""Statements that are built once, and lists that do not change their text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Select, insert, select

from crmkit import sdk
from crmkit.store.database import table_of
from crmkit.store.reach import EVERYTHING, Given, Reach
from crmkit.store.ready import statement
from tests.store.tables import Everything, Person

if TYPE_CHECKING:
    from collections.abc import Collection

    from crmkit.store.drivers import Database

pytestmark = pytest.mark.anyio

person, everything = table_of(Person), table_of(Everything)
AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
BUILT: list[str] = []


@statement
def named(names: Collection[str], *, least: int | None = None) -> Select[str]:
    BUILT.append("named")
    wanted = select(person.c.name).where(person.c.name.in_(names)).order_by(person.c.name)
    return wanted if least is None else wanted.where(person.c.visits >= least)


@pytest.fixture
async def people(database: Database) -> Database:
    rows = [
        {"id": f"person_{each}", "name": each, "name_fold": each, "name_sort": each,
         "visits": visits, "deleted_at": AT if each == "Cleo" else None,
         "created_at": AT, "updated_at": AT, "version": 1}
        for visits, each in enumerate(["Anna", "Bea", "Cleo"])
    ]  # fmt: skip
    async with database.transaction() as transaction:
        for each in rows:
            await transaction.run(insert(person).values(each))
    return database


async def test_a_statement_is_built_once_for_arguments_that_differ_in_values(
    people: Database,
) -> None:
    BUILT.clear()
    assert await people.fetch(named(["Anna", "Cleo"])) == [("Anna",), ("Cleo",)]
    assert await people.fetch(named({"Bea"})) == [("Bea",)]
    assert await people.fetch(named([])) == []
    assert len(BUILT) <= 1
    assert await people.fetch(named(["Anna", "Bea"], least=1)) == [("Bea",)]
    assert await people.fetch(named(["Anna", "Bea"], least=0)) == [("Anna",), ("Bea",)]
    assert len(BUILT) <= 2


@statement
def page(of: int, after: int, *, plainly: bool = False) -> Select[str]:
    BUILT.append("page")
    limit: Any = of if plainly else sdk.number(of)
    wanted = select(person.c.name).order_by(person.c.name)
    return wanted.limit(limit).offset(sdk.number(after) + 1)


async def test_a_limit_is_left_open_as_any_argument(people: Database) -> None:
    BUILT.clear()
    assert await people.fetch(page(1, 0)) == [("Bea",)]
    assert await people.fetch(page(2, -1)) == [("Anna",), ("Bea",)]
    assert len(BUILT) <= 1
    with pytest.raises(TypeError, match=r"write \.limit\(sdk\.number\(limit\)\)"):
        page(1, 0, plainly=True)


async def test_what_was_built_before_is_still_read_through_the_reach(people: Database) -> None:
    names = ["Anna", "Bea", "Cleo"]
    once = Reach(narrow=(lambda _, rows: rows.c.name != Given("hidden"),), values={"hidden": "Bea"})
    assert await people.fetch(named(names), once) == [("Anna",)]
    assert await people.fetch(named(names), Reach()) == [("Anna",), ("Bea",)]
    assert await people.fetch(named(names), EVERYTHING) == [("Anna",), ("Bea",), ("Cleo",)]


@pytest.mark.parametrize(
    ("name", "here", "elsewhere"),
    [
        ("text", "a'b", "ab"),
        ("number", 7, 8),
        ("flag", True, False),
        ("moment", AT, AT + timedelta(days=1)),
        ("day", date(2026, 1, 31), date(2026, 2, 1)),
        ("raw", b"\0\xff", b"\0"),
    ],
)
async def test_lists_of_each_type_find_what_is_among_them(
    database: Database, name: str, here: Any, elsewhere: Any
) -> None:
    async with database.transaction() as transaction:
        row = {"id": "everything_1", "created_at": AT, name: here}
        await transaction.run(insert(everything).values(row))
    column = everything.c[name]
    for test, found in (
        (column.in_([elsewhere, here]), 1),
        (column.in_([elsewhere]), 0),
        (column.in_([]), 0),
        (column.not_in([elsewhere]), 1),
        (column.not_in([elsewhere, here]), 0),
        (column.not_in([]), 1),
    ):
        assert len(await database.fetch(select(everything.c.id).where(test))) == found


async def test_lists_of_any_length_are_one_text(people: Database) -> None:
    told: list[str] = []
    people.watchers.append(told.append)
    for count in (0, 1, 2_000):
        ids = [f"person_{each}" for each in range(count)]
        await people.fetch(select(person.c.id).where(person.c.id.in_(ids)))
        await people.fetch(select(person.c.id).where(person.c.id.not_in(ids)))
    assert len(set(told)) == 2
