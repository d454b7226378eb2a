from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from crmkit.store.group_commit import GroupCommit, Job, Waiting

pytestmark = pytest.mark.anyio


class Writer:
    """A connection that says what is sent to it, and lets a group wait until it is released."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.execute("CREATE TABLE number (n INTEGER PRIMARY KEY)")
        self.sent: list[str] = []
        self.connection.set_trace_callback(self.sent.append)
        self.turn = asyncio.Lock()
        self._in_a_group = GroupCommit(self.turn, self._run)

    def commit(self, job: Job, waiting: Waiting = ()) -> Coroutine[Any, Any, None]:
        return self._in_a_group(lambda: (job, waiting))

    async def _run(self, job: Callable[[sqlite3.Connection], Any]) -> Any:
        return job(self.connection)

    def numbers(self) -> list[int]:
        return [n for (n,) in self.connection.execute("SELECT n FROM number ORDER BY n")]


@pytest.fixture
async def writer() -> AsyncIterator[Writer]:
    made = Writer()
    yield made
    made.connection.close()


def adding(*numbers: int) -> Job:
    def job(connection: sqlite3.Connection) -> None:
        for n in numbers:
            connection.execute("INSERT INTO number VALUES (?)", [n])

    return job


async def test_units_that_wait_together_share_a_transaction(writer: Writer) -> None:
    await asyncio.gather(*[writer.commit(adding(n)) for n in range(20)])
    assert writer.numbers() == list(range(20))
    assert [each for each in writer.sent if each in ("BEGIN IMMEDIATE", "COMMIT")] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ]


async def test_one_that_fails_takes_back_its_own_and_nothing_else(writer: Writer) -> None:
    jobs = [adding(1), adding(2, 1), adding(3)]
    outcomes = await asyncio.gather(*[writer.commit(each) for each in jobs], return_exceptions=True)
    assert [type(each) for each in outcomes] == [type(None), sqlite3.IntegrityError, type(None)]
    assert writer.numbers() == [1, 3]


async def test_a_transaction_that_cannot_be_committed_is_told_to_all(writer: Writer) -> None:
    def ending(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")

    outcomes = await asyncio.gather(
        writer.commit(adding(1)), writer.commit(ending), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [sqlite3.OperationalError] * 2
    assert writer.numbers() == []
    await writer.commit(adding(2))
    assert writer.numbers() == [2]


async def test_who_goes_away_before_his_turn_writes_nothing(writer: Writer) -> None:
    async with writer.turn:
        gone, stays = [asyncio.ensure_future(writer.commit(adding(n))) for n in (1, 2)]
        await asyncio.sleep(0)
        gone.cancel()
    await stays
    assert gone.cancelled()
    assert writer.numbers() == [2]


async def test_who_goes_away_in_his_turn_is_committed_with_the_others(writer: Writer) -> None:
    def leaving(connection: sqlite3.Connection) -> None:
        adding(1)(connection)
        gone.cancel()

    gone, stays = [asyncio.ensure_future(writer.commit(each)) for each in (leaving, adding(2))]
    await stays
    assert gone.cancelled()
    assert writer.numbers() == [1, 2]


async def test_what_may_wait_is_written_behind_all_of_those_who_succeed(writer: Writer) -> None:
    later = "INSERT INTO number VALUES (?)"
    jobs = [(adding(1), [(later, [[11], [12]])]), (adding(1), [(later, [[21]])]), (adding(2), [])]
    await asyncio.gather(*[writer.commit(*each) for each in jobs], return_exceptions=True)
    assert writer.numbers() == [1, 2, 11, 12]
    told = [each for each in writer.sent if each.startswith(("INSERT", "RELEASE"))]
    assert told[-2:] == ["INSERT INTO number VALUES (11)", "INSERT INTO number VALUES (12)"]


async def test_what_waits_and_fails_takes_back_the_group(writer: Writer) -> None:
    jobs = [(adding(1), [("INSERT INTO number VALUES (?)", [[1]])]), (adding(2), [])]
    outcomes = await asyncio.gather(
        *[writer.commit(*each) for each in jobs], return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [sqlite3.IntegrityError] * 2
    assert writer.numbers() == []
