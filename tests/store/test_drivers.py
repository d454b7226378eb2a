from __future__ import annotations

import asyncio
import threading
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, insert, select, update

from crmkit.settings import DatabaseSettings
from crmkit.store.database import table_of
from crmkit.store.drivers import dialect_of, open_database
from crmkit.store.violations import Violation
from crmkit.values.errors import SetupError, Unavailable
from tests.store.tables import Balance, Everything, Person, Purchase

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Executable

    from crmkit.store.drivers import Database

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 31, 9, 0, 0, 120, tzinfo=UTC)
everything = table_of(Everything)
person = table_of(Person)
ANNA = {"id": "person_a", "name": "Anna", "name_fold": "anna", "name_sort": "anna"}
ANNA |= {"email": "anna@example.com", "created_at": NOW, "updated_at": NOW, "version": 1}
ANNA["visits"] = 0


async def run(database: Database, *statements: Executable) -> None:
    async with database.transaction() as transaction:
        for each in statements:
            await transaction.run(each)


async def test_a_value_of_every_type_comes_back_as_it_went(database: Database) -> None:
    values = {
        "id": "everything_1",
        "created_at": NOW,
        "text": "章伟 'quoted' \\",
        "code": "A-1",
        "number": 2**63 - 1,
        "flag": False,
        "moment": NOW,
        "day": date(2024, 2, 29),
        "free": {"tags": ["a", 1, None, True], "text": "ü"},
        "raw": b"\x00\xff",
    }
    async with database.transaction() as transaction:
        assert await transaction.run(insert(everything).values(values)) == 1
    found = await database.fetch(select(*[everything.c[name] for name in values]))
    assert found == [tuple(values.values())]


async def test_nothing_comes_back_as_nothing(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.run(insert(everything).values(id="everything_1", created_at=NOW))
    [row] = await database.fetch(select(everything))
    assert [each for each in row if each is not None] == ["everything_1", NOW]


async def test_lists_limits_and_sums_bind_in_their_places(database: Database) -> None:
    rows = [{"id": f"everything_{n}", "created_at": NOW, "number": n} for n in range(5)]
    async with database.transaction() as transaction:
        assert await transaction.run(insert(everything).values(rows)) == 5
    c = everything.c
    some = select(c.number).where(
        c.number > 0, c.id.in_(["everything_0", "everything_2", "everything_3"])
    )
    assert await database.fetch(some.order_by(c.number.desc()).limit(1)) == [(3,)]
    assert await database.fetch(select(c.id).where(c.id.in_([]))) == []
    [(total,)] = await database.fetch(select(func.sum(c.number)))
    assert (total, type(total)) == (10, int)


async def test_what_raises_leaves_nothing_behind(database: Database) -> None:
    async def body() -> None:
        async with database.transaction() as transaction:
            await transaction.run(insert(person).values(ANNA))
            raise OverflowError("a body's own error stays itself")

    with pytest.raises(OverflowError):
        await body()
    assert await database.fetch(select(person.c.id)) == []


async def test_a_transaction_sees_its_own_rows_and_others_do_not(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.run(insert(person).values(ANNA))
        assert await transaction.fetch(select(person.c.id)) == [("person_a",)]
        assert await database.fetch(select(person.c.id)) == []
    assert await database.fetch(select(person.c.id)) == [("person_a",)]


@pytest.mark.parametrize(
    ("row", "kind", "columns"),
    [
        (ANNA | {"id": "person_b"}, "unique", ("email",)),
        (ANNA | {"email": None}, "unique", ("id",)),
        (ANNA | {"id": "person_b", "email": None, "name": None}, "not_null", ("name",)),
    ],
)
async def test_a_violation_names_kind_table_and_columns(
    database: Database,
    row: dict[str, object],
    kind: str,
    columns: tuple[str, ...],
) -> None:
    with pytest.raises(Violation) as caught:
        await run(database, insert(person).values(ANNA), insert(person).values(row))
    found = caught.value
    assert (found.kind, found.table, found.columns) == (kind, "person", columns)
    assert "anna" not in str(found)


async def test_a_key_that_points_nowhere_is_a_violation(database: Database) -> None:
    lost = insert(table_of(Purchase)).values(
        id="purchase_1", created_at=NOW, person_id="x", amount=1
    )
    with pytest.raises(Violation) as caught:
        await run(database, lost)
    assert caught.value.kind == "foreign_key"


async def test_a_number_beyond_a_bigint_is_refused_in_a_sentence(database: Database) -> None:
    with pytest.raises(Exception, match="larger than can be stored"):
        await database.fetch(select(everything.c.id).where(everything.c.number == 2**63))


async def test_transactions_take_turns_and_lose_no_update(database: Database) -> None:
    balance = table_of(Balance)
    async with database.transaction() as transaction:
        await transaction.run(insert(person).values(ANNA))
        await transaction.run(insert(balance).values(person_id="person_a", points=0, earned=0))

    async def add() -> None:
        async with database.transaction() as transaction:
            await transaction.run(update(balance).values(points=balance.c.points + 1))

    await asyncio.gather(*[add() for _ in range(64)])
    assert await database.fetch(select(balance.c.points)) == [(64,)]


async def test_a_cancelled_transaction_frees_the_next_one(database: Database) -> None:
    begun = asyncio.Event()

    async def hang() -> None:
        async with database.transaction() as transaction:
            await transaction.run(insert(person).values(ANNA))
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.transaction() as transaction:
        assert await transaction.run(insert(person).values(ANNA)) == 1


async def test_watchers_are_told_each_statement_and_no_begin(database: Database) -> None:
    told: list[str] = []
    database.watchers.append(told.append)
    async with database.transaction() as transaction:
        await transaction.fetch(select(person.c.id))
    await database.fetch(select(person.c.name))
    assert [each.split("\n")[0] for each in told] == ["SELECT person.id ", "SELECT person.name "]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_readers_of_sqlite_cannot_write(database: Database) -> None:
    with pytest.raises(Unavailable):
        await database.fetch(insert(person).values(ANNA))


async def test_an_address_of_nothing_we_know_is_a_mistake_of_the_settings() -> None:
    for url in ("mysql://root@localhost/crm", "sqlite://"):
        with pytest.raises(SetupError, match=r"database\.url"):
            await open_database(DatabaseSettings(url=url))


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    for url in ("sqlite:////nowhere/at/all.db", "postgresql://postgres@/x?host=/nowhere"):
        with pytest.raises(Unavailable):
            await open_database(DatabaseSettings(url=url))


async def test_whoever_is_alone_asks_sqlite_in_his_own_thread(tmp_path: Path) -> None:
    settings = DatabaseSettings(url=f"sqlite:///{tmp_path / 'alone.db'}")
    threads = threading.active_count()
    alone = await open_database(settings, alone=True)
    async with alone.transaction() as transaction:
        await transaction.execute("CREATE TABLE kept (name TEXT)", ())
        await transaction.execute("INSERT INTO kept VALUES ('Anna')", ())
        assert await alone.rows("SELECT name FROM sqlite_master WHERE name = 'kept'", ()) == []
    assert await alone.rows("SELECT name FROM kept", ()) == [("Anna",)]
    assert threading.active_count() == threads
    await alone.close()
    again = await open_database(settings)
    assert await again.rows("SELECT name FROM kept", ()) == [("Anna",)]
    await again.close()


def test_databases_of_a_kind_share_what_was_written_in_their_sql() -> None:
    assert dialect_of("sqlite:///one.db") is dialect_of("sqlite:///two.db")
    assert dialect_of("postgresql://one/a") is dialect_of("postgresql+asyncpg://two/b")
