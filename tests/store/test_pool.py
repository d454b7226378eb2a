from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from crmkit.store.pool import Pool
from crmkit.testing.databases import databases

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    """A pool of two connections."""
    address = await asyncio.to_thread(databases().empty, "postgresql")
    made = Pool(address, 2)
    yield made
    await made.close()
    await asyncio.to_thread(databases().drop, address)


async def waiting(pool: Pool, whoever: int) -> list[asyncio.Task[object]]:
    """Tasks that have begun to wait for a connection, one after the other."""
    tasks: list[asyncio.Task[object]] = [asyncio.create_task(pool.take()) for _ in range(whoever)]
    await asyncio.sleep(0)
    return tasks


async def test_what_was_given_back_is_lent_again(pool: Pool) -> None:
    first = await pool.take()
    pool.give(first)
    assert await pool.take() is first


async def test_whoever_waits_longest_comes_next(pool: Pool) -> None:
    lent = [await pool.take(), await pool.take()]
    early, late = await waiting(pool, 2)
    for each in lent:
        pool.give(each)
    assert [await early, await late] == lent


async def test_who_gives_up_waiting_takes_nothing_with_him(pool: Pool) -> None:
    lent = [await pool.take(), await pool.take()]
    gone, almost, stays = await waiting(pool, 3)
    gone.cancel()
    await asyncio.wait([gone])
    pool.give(lent[0])
    almost.cancel()  # It has been handed the connection, but has not run since.
    assert await stays is lent[0]
    assert almost.cancelled()


async def test_a_broken_connection_makes_room_for_a_new_one(pool: Pool) -> None:
    lent = [await pool.take(), await pool.take()]
    [waiter] = await waiting(pool, 1)
    lent[0].terminate()
    pool.give(lent[0])
    fresh = await waiter
    assert fresh not in lent
    assert await fresh.fetchval("SELECT 1") == 1  # type: ignore[attr-defined]
    lent[1].terminate()
    pool.give(lent[1])
    assert await (await pool.take()).fetchval("SELECT 2") == 2


async def test_a_cancelled_statement_leaves_its_connection_usable(pool: Pool) -> None:
    connection, other = await pool.take(), await pool.take()
    task = asyncio.create_task(connection.execute("SELECT pg_sleep(600)"))
    while not await other.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND state = 'active'"
    ):
        pass
    task.cancel()
    await asyncio.wait([task])
    pool.give(connection)
    again = await pool.take()
    assert again is connection
    assert await again.fetchval("SELECT 1") == 1


async def test_who_cannot_connect_leaves_the_place_to_others() -> None:
    pool = Pool("postgresql://postgres@/x?host=/nowhere", 1)
    for _ in range(2):
        with pytest.raises(OSError, match="No such file"):
            await pool.take()
