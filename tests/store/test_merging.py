"""Units of one moment and one kind are one statement of PostgreSQL, and each is what it is alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from types import NoneType
from typing import TYPE_CHECKING, Any

import pytest

from crmkit.store.premises import Unfounded, absent, found, unchanged
from crmkit.store.unit_of_work import Origin, UnitOfWork, run_unit
from crmkit.values.clock import ManualClock
from tests.store.tables import Everything, Person, Purchase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit.store.drivers import Database
    from crmkit.store.parts import Part

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("engine", ["postgresql"])]

EAST = timezone(timedelta(hours=5, minutes=53, seconds=28))  # Calcutta, until 1906
ROWS: list[dict[str, Any]] = [
    {},
    {"text": "", "code": "", "number": 0, "flag": False, "free": {}, "raw": b""},
    {"text": "章伟 '\"$1::text\" \\n \x01\u2028 😀", "code": "null", "number": -(2**63)},
    {"number": 2**63 - 1, "flag": True, "day": date.max, "raw": b"\x00\\x\xff"},
    {"moment": datetime(1900, 1, 1, 0, 0, 0, 7, tzinfo=EAST), "day": date.min},
    {"moment": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "day": date(2024, 2, 29)},
    {"free": {"tags": ["a", 1, None, True, 1.5], "text": 'ü"\\'}, "moment": datetime.min.replace(tzinfo=UTC)},
]  # fmt: skip


async def add(database: Database, *records: Any, **given: Any) -> None:
    async def body(unit: UnitOfWork) -> None:
        unit.write.add(*records)

    await run_unit(database, ManualClock(), Origin("user_1", "add", "r"), body, **given)


async def purchases(database: Database, premises: Sequence[Part]) -> list[bool]:
    """Whether each of these purchases is made, which take something for granted."""
    rows = [Purchase(person_id="person_1", amount=1) for _ in premises]
    adding = [add(database, row, premise=each) for row, each in zip(rows, premises, strict=True)]
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    assert {type(each) for each in outcomes} <= {NoneType, Unfounded}
    return [each is None for each in outcomes]


async def statements(database: Database, table: str) -> int:
    """In how many statements the rows of a table were written."""
    rows = await database.rows(f"SELECT xmin::text, cmin::text FROM {table}", [])  # noqa: S608
    return len({tuple(each) for each in rows})


@pytest.fixture
async def people(database: Database) -> list[str]:
    ids = ["person_1", "person_2", "person_3"]
    for each in ids:
        person = Person(name=each, email=f"{each}@example.org")
        person.id = each
        await add(database, person)
    return ids


async def everything(database: Database) -> list[str]:
    sql = "SELECT ROW(text, code, number, flag, moment, day, free, raw)::text FROM everything"
    rows = await database.rows(sql, [])
    return sorted([row for (row,) in rows])


async def test_what_goes_out_together_is_stored_as_what_goes_out_alone(database: Database) -> None:
    for each in ROWS:
        await add(database, Everything(**each))
    alone = await everything(database)
    await asyncio.gather(*[add(database, Everything(**each)) for each in ROWS])
    assert await everything(database) == sorted(alone * 2)
    assert await statements(database, "everything") == len(ROWS) + 1


async def test_units_of_several_rows_are_one_statement_however_many_they_have(
    database: Database,
) -> None:
    units = [ROWS, ROWS[:2], ROWS[2:5], ROWS[5:]]
    adding = [add(database, *[Everything(**row) for row in each]) for each in units]
    await asyncio.gather(*adding)
    together = await everything(database)
    assert await statements(database, "everything") == 1
    await add(database, *[Everything(**row) for row in ROWS])
    assert await everything(database) == sorted(
        [*together, *together[::2]]
    )  # Each was there twice.


async def test_a_value_that_no_driver_takes_fails_alone(database: Database) -> None:
    rows = [*ROWS, {"text": "a\0b"}, {"text": "\ud800"}, {"number": 2**63}, {"code": Person}]
    adding = [add(database, Everything(**each)) for each in rows]
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    assert [each is None for each in outcomes] == [True] * len(ROWS) + [False] * 4
    assert len(await everything(database)) == len(ROWS)


async def test_each_takes_something_else_for_granted(database: Database, people: list[str]) -> None:
    def remembered(id_: str, mail: str) -> Part:
        return unchanged(Person, ((("id", id_), ("email", mail)),), database.dialect)

    anna, bea, cyd = [remembered(each, f"{each}@example.org") for each in people]
    other = remembered(people[2], "somebody@example.org")
    assert await purchases(database, [anna, bea, cyd, anna]) == [True] * 4
    assert await purchases(database, [anna, bea, other, cyd]) == [True, True, False, True]
    assert await purchases(database, [anna] * 4) == [True] * 4
    ids = ["x", people[2], "y", "z"]
    free = [absent(Person, [each, "nobody"], database.dialect) for each in ids]
    assert await purchases(database, free) == [True, False, True, True]
    assert await purchases(database, [*free[2:], *free[2:]]) == [True] * 4
    assert await statements(database, "purchase") == 1 + 3 + 1 + 3 + 1


async def test_who_finds_two_makes_up_for_nobody(database: Database, people: list[str]) -> None:
    either = "SELECT id FROM person WHERE id = $1::VARCHAR OR (name = $2::VARCHAR AND '$1' <> '$2')"
    anna, bea, cyd = people

    async def found_so(*named: tuple[str, str | None]) -> list[bool]:
        return await purchases(database, [found(either, each, 1) for each in named])

    assert await found_so((anna, anna), (bea, bea), (cyd, None), (cyd, cyd)) == [True] * 4
    crossed = await found_so((anna, bea), ("nobody", "no"), (cyd, cyd), (cyd, None))
    assert crossed == [False, False, True, True]
    assert await statements(database, "purchase") == 1 + 2


async def test_events_are_numbered_in_the_order_of_their_units(database: Database) -> None:
    async def tell(place: int) -> None:
        async def body(unit: UnitOfWork) -> None:
            unit.emit("happened", 1, f"record_{place}", {}, plugin="core")

        await run_unit(database, ManualClock(), Origin("user_1", "tell", "r"), body)

    await asyncio.gather(*[tell(place) for place in range(20)])
    rows = await database.rows("SELECT record FROM outbox ORDER BY seq", [])
    assert [record for (record,) in rows] == [f"record_{place}" for place in range(20)]
    assert await statements(database, "outbox") == 4
