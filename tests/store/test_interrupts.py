"""Statements that take too long, or that nobody waits for any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import Select, func, literal, select

from crmkit.settings import DatabaseSettings
from crmkit.store.drivers import Database, open_database, postgres
from crmkit.testing.databases import PATIENT, databases
from crmkit.values.errors import Timeout, Unavailable
from tests.store.proxy import proxy

pytestmark = pytest.mark.anyio

# Seconds after which a statement is stopped; what is asked beside it takes a thousandth of that.
QUICK = 0.5
SOON = PATIENT["statement_seconds"] / 2  # before the server would stop it without being asked


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the server that stops a statement; we wait for its word also where it comes late."""
    monkeypatch.setattr(postgres, "_LATER", PATIENT["statement_seconds"])


def slow(database: Database) -> Select[Any]:
    """A statement that runs for minutes."""
    if database.name == "postgresql":
        return select(func.pg_sleep(600))
    numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
    return select(func.count()).select_from(numbers.union_all(select(numbers.c.n + 1)))


@asynccontextmanager
async def opened(url: str, **given: Any) -> AsyncIterator[Database]:
    """A database with one connection that reads, which whoever is slow takes from all others."""
    settings = {"url": url, "readers": 1, "pool_size": 1, **PATIENT, **given}
    database = await open_database(DatabaseSettings.model_validate(settings))
    try:
        yield database
    finally:
        await database.close()


async def test_a_statement_that_takes_too_long_is_stopped_and_its_connection_is_free_again(
    database_url: str,
) -> None:
    async with opened(database_url, statement_seconds=QUICK) as database:
        with pytest.raises(Timeout):
            await database.fetch(slow(database))
        assert await database.fetch(select(literal(1))) == [(1,)]


async def test_a_statement_for_which_nobody_waits_is_stopped(database_url: str) -> None:
    async with opened(database_url) as database:
        started = asyncio.Event()
        database.watchers.append(lambda _: started.set())
        waiting = asyncio.create_task(database.fetch(slow(database)))
        await started.wait()
        waiting.cancel()
        async with asyncio.timeout(SOON):
            assert await database.fetch(select(literal(1))) == [(1,)]
        assert waiting.cancelled()


async def test_a_connection_that_the_server_calls_over_is_not_lent_again() -> None:
    address = await asyncio.to_thread(databases().empty, "postgresql")
    async with proxy(address) as way, opened(way.address) as database:
        for asks in (database.fetch, _in_transaction(database)):
            assert await database.fetch(select(literal(1))) == [(1,)]
            await way.complain()
            with pytest.raises(Unavailable):
                await asks(select(literal(1)))
            assert await asks(select(literal(2))) == [(2,)]


def _in_transaction(database: Database) -> Callable[[Any], Awaitable[Any]]:
    async def fetched(statement: Any) -> Any:
        async with database.transaction() as transaction:
            return await transaction.fetch(statement)

    return fetched


_AT_WORK = """SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'active' AND query LIKE '%pg_sleep(%' AND pid <> pg_backend_pid()"""


async def test_the_server_works_no_more_on_what_nobody_waits_for() -> None:
    address = await asyncio.to_thread(databases().empty, "postgresql")
    async with opened(address) as database, opened(address) as watching:
        waiting = asyncio.create_task(database.fetch(slow(database)))
        await until(watching, 1)
        waiting.cancel()
        await until(watching, 0)
    await asyncio.to_thread(databases().drop, address)


async def until(watching: Database, number: int) -> None:
    """Waits until so many sleep in the database."""
    async with asyncio.timeout(SOON):
        while (await watching.rows(_AT_WORK, []))[0][0] != number:
            pass


async def test_a_slow_write_is_stopped_and_leaves_nothing(database_url: str) -> None:
    async with opened(database_url, statement_seconds=QUICK) as database:
        async with database.transaction() as transaction:
            await transaction.execute("CREATE TABLE note (n BIGINT)", [])
        with pytest.raises(Timeout):
            await write_slowly(database)
        async with database.transaction() as transaction:
            assert (await transaction.rows("SELECT count(*) FROM note", []))[0][0] == 0


async def write_slowly(database: Database) -> None:
    async with database.transaction() as transaction:
        await transaction.execute("INSERT INTO note VALUES (1)", [])
        await transaction.fetch(slow(database))
