"""Why a unit is several statements: what PostgreSQL does with the parts of one.

If one of these fails, PostgreSQL has changed, and what is said in `crmkit/store/write.py`
about groups may be relaxed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select

from crmkit.store.database import table_of
from tests.store.tables import Balance, Person
from tests.store.test_drivers import ANNA, run

if TYPE_CHECKING:
    from crmkit.store.drivers import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("engine", ["postgresql"])]

balance = table_of(Balance)


@pytest.fixture
async def account(database: Database) -> None:
    await run(
        database,
        insert(table_of(Person)).values(ANNA),
        insert(balance).values(person_id="person_a", points=0, earned=0),
    )


async def one_statement(database: Database, sql: str) -> None:
    async with database.transaction() as transaction:
        await transaction.execute(sql, [])


@pytest.mark.usefixtures("account")
async def test_of_two_increments_of_a_row_in_one_statement_one_is_lost(database: Database) -> None:
    add = "update balance set points = points + "
    await one_statement(database, f"with a as ({add}5 returning 1) {add}7")
    [(points,)] = await database.fetch(select(balance.c.points))
    assert points in {5, 7}


@pytest.mark.usefixtures("account")
async def test_an_update_does_not_see_a_row_inserted_beside_it(database: Database) -> None:
    new = (
        "insert into person (id, name, visits, created_at, updated_at, version, name_fold, "
        "name_sort) values ('b', 'B', 0, now(), now(), 1, 'b', 'b') returning 1"
    )
    update = "update person set visits = visits + 1"
    await one_statement(database, " ".join(["with a as (", new, ")", update]))
    person = table_of(Person)
    found = await database.fetch(select(person.c.id, person.c.visits).order_by(person.c.id))
    assert found == [("b", 0), ("person_a", 1)]


@pytest.mark.usefixtures("account")
async def test_an_upsert_may_not_meet_one_row_twice(database: Database) -> None:
    twice = "values ('person_a', 5, 0), ('person_a', 7, 0)"
    meet = "on conflict (person_id) do update set points = balance.points + excluded.points"
    with pytest.raises(Exception, match="cannot affect row a second time"):
        await one_statement(
            database, f"insert into balance (person_id, points, earned) {twice} {meet}"
        )
