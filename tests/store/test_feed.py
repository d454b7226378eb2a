"""What is committed is read once and in order, however commits and looks overlap."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from crmkit.settings import DatabaseSettings
from crmkit.store import feed as feeds
from crmkit.store.database import table_of
from crmkit.store.drivers import open_database
from crmkit.store.feed import feed_of
from crmkit.store.notices import Notice, Notices
from crmkit.store.outbox import Outbox
from crmkit.testing.databases import PATIENT
from crmkit.values.clock import ManualClock
from tests.store.test_relay import until

if TYPE_CHECKING:
    from crmkit.store.drivers import Database
    from crmkit.store.drivers.database import Transaction
    from crmkit.store.feed import Feed

pytestmark = pytest.mark.anyio

NOW = ManualClock().now()


async def write(to: Transaction, name: str, record: str = "r") -> None:
    said = {"at": NOW, "plugin": "shop", "name": name, "version": 1, "record": record}
    rest = {"payload": {"ids": [record]}, "request_id": "request_1", "fanned_out": False}
    await to.run(insert(table_of(Outbox)).values(**said, **rest))


async def commit(database: Database, *names: str) -> None:
    async with database.transaction() as opened:
        for each in names:
            await write(opened, each)


async def names(feed: Feed) -> list[str]:
    return [each.name for each in await feed.next()]


async def test_what_is_committed_after_the_beginning_is_read_once_and_in_order(
    database: Database,
) -> None:
    await commit(database, "before")
    feed = feed_of(database)
    await feed.begin()
    assert await names(feed) == []
    await commit(database, "one", "two")
    await commit(database, "three")
    assert await names(feed) == ["one", "two", "three"]
    assert await names(feed) == []


async def test_more_than_a_page_comes_in_pages(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "AT_ONCE", 2)
    feed = feed_of(database)
    await feed.begin()
    await commit(database, *"abcd")
    read = [*await names(feed)]
    await commit(database, "e")
    for _ in range(4):
        read += await names(feed)
    assert read == [*"abcde"]


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_a_lower_number_that_is_committed_later_is_not_missed(database: Database) -> None:
    feed = feed_of(database)
    await feed.begin()
    async with database.transaction() as slow:
        await write(slow, "begun first")
        await commit(database, "committed first")
        assert await names(feed) == ["committed first"]
    assert await names(feed) == ["begun first"]


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_each_event_of_overlapping_transactions_is_read_exactly_once(
    database: Database,
) -> None:
    chance, feed = Random(7), feed_of(database)  # noqa: S311  no secret
    read: list[str] = []
    written: list[str] = []
    await feed.begin()
    open_: list[AsyncExitStack] = []
    for number in range(120):
        if len(open_) < 6 and chance.random() < 0.6:
            stack = AsyncExitStack()
            opened: Any = await stack.enter_async_context(database.transaction())
            await write(opened, str(number))
            written.append(str(number))
            open_.append(stack)
        elif open_:
            await open_.pop(chance.randrange(len(open_))).aclose()
        if chance.random() < 0.4:
            read += await names(feed)
    for stack in open_:
        await stack.aclose()
    read += await names(feed)
    assert sorted(read) == sorted(written)


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_who_commits_wakes_those_of_the_same_database_whom_it_concerns(
    database_url: str,
) -> None:
    ours, theirs = [
        await open_database(DatabaseSettings(url=database_url, **PATIENT)) for _ in "ab"
    ]
    here, there, woken = Notices(ours), Notices(theirs), asyncio.Event()
    jobs: list[Notices] = []
    await there.start()
    await here.start()
    # Who begins to listen wakes himself, and so does who has heard nothing for half a minute.
    await until(lambda: here._wire and there._wire)
    there.on(Notice.EVENTS, woken.set)
    for each in (here, there):
        each.on(Notice.JOBS, partial(jobs.append, each))
    here.of_events()
    async with asyncio.timeout(20):
        await woken.wait()
    assert jobs == []
    await here.stop()
    await there.stop()
    await ours.close()
    await theirs.close()
