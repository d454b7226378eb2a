"""SQLite with reader threads and one writer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import make_url

from crmkit.store.drivers.database import Database, Transaction, dialect_of
from crmkit.store.drivers.sqlite_errors import plainly
from crmkit.store.drivers.threads import OwnThread, Threads
from crmkit.store.group_commit import GroupCommit, Job, Waiting, saved
from crmkit.store.interrupts import Interruptible, Overseer
from crmkit.store.parts import Part, Undone
from crmkit.store.patience import PATIENCE
from crmkit.values.errors import SetupError
from crmkit.values.periods import period_start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from crmkit.settings import DatabaseSettings

T = TypeVar("T")

_READING = ("PRAGMA query_only = ON",)

# A page that many units change is written once for each of them, and once more for all of them
# by the checkpoint: of 16 MB, that is less than of 4. What they change next is still at hand.
_WRITING = (
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA cache_size = -8000",
)

# Whoever is alone begins anew after a power cut, so he waits for the disk at the end alone.
_WRITING_ALONE = ("PRAGMA synchronous = OFF", *_WRITING[1:])
_ENDING = ("PRAGMA synchronous = NORMAL", "PRAGMA wal_checkpoint(TRUNCATE)")


class Sqlite(Database):
    """One file: reader threads that cannot write, and one thread that does."""

    name = "sqlite"

    def __init__(self, path: str, settings: DatabaseSettings, *, alone: bool = False) -> None:
        super().__init__(dialect_of("sqlite:"))
        self._path = path
        self._alone = alone
        self._overseer = Overseer(settings.statement_seconds)
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._readers = OwnThread() if alone else Threads(settings.readers, "sqlite-reader")
        self._writer = OwnThread() if alone else Threads(1, "sqlite-writer")
        self._turn = asyncio.Lock()
        self._in_a_group = GroupCommit(self._turn, self.write)

    @classmethod
    async def open(cls, settings: DatabaseSettings, *, alone: bool = False) -> Sqlite:
        path = make_url(settings.url).database
        if not path or path == ":memory:":
            raise SetupError("database.url names no file; write sqlite:///crmkit.db.")
        made = cls(path, settings, alone=alone)
        await made.write(lambda connection: connection.execute("PRAGMA journal_mode = WAL").close())
        return made

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        self._watch(sql)
        return await self._in(
            self._readers,
            lambda connection: connection.execute(sql, arguments).fetchall(),
            _READING,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        # A queue in the process is fair; SQLite's own busy timeout polls and is not.
        async with self._turn:
            opened = _SqliteTransaction(self)
            try:
                yield opened
                await opened.commit()
            except BaseException:
                # The thread works in order, so even a cancelled wait ends in a rollback.
                await asyncio.shield(self.write(sqlite3.Connection.rollback))
                raise

    async def commit(self, parts: Callable[[], Sequence[Part]]) -> None:
        texts: list[str] = []

        def make() -> tuple[Job, Waiting]:
            told = [(self.texts.alone(each), each) for each in parts()]
            texts.extend([text for text, _ in told])
            own = [each for each in told if not each[1].kind.may_wait]
            waiting = [(text, part.runs) for text, part in told if part.kind.may_wait]
            return partial(_run_all, told=own), waiting

        try:
            await self._in_a_group(make)
        finally:
            for each in texts:
                self._watch(each)

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Runs a job on the writer's thread."""
        return await self._in(self._writer, job, _WRITING_ALONE if self._alone else _WRITING)

    async def _in(
        self,
        threads: Threads | OwnThread,
        job: Callable[[sqlite3.Connection], T],
        pragmas: Sequence[str],
    ) -> T:
        def work() -> T:
            own = vars(self._own)  # of this thread
            if (connection := own.get(pragmas[0])) is None:
                connection = own[pragmas[0]] = self._connect(pragmas)
            return running.run(connection)

        running = Interruptible(job)
        self._overseer.watch(running)
        try:
            with plainly:
                return await threads.run(work)
        except asyncio.CancelledError:
            running.stop()
            raise
        finally:
            self._overseer.forget(running)

    def _connect(self, pragmas: Sequence[str]) -> sqlite3.Connection:
        made = sqlite3.connect(
            self._path,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        made.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
        made.execute("PRAGMA foreign_keys = ON")
        # Without it INSERT OR REPLACE deletes from append-only tables unseen by triggers.
        made.execute("PRAGMA recursive_triggers = ON")
        for each in pragmas:
            made.execute(each).close()
        # JSON carries no bytes: in arrays they travel as hexadecimal digits.
        made.create_function("bytes_of", 1, _bytes_of, deterministic=True)
        made.create_function("period_start", 3, period_start, deterministic=True)
        self._opened.append(made)
        return made

    async def close(self) -> None:
        if self._alone:
            await self.write(_ended)
        for threads in (self._readers, self._writer):
            await asyncio.to_thread(threads.end)
        for connection in self._opened:
            connection.close()


def _ended(connection: sqlite3.Connection) -> None:
    for each in _ENDING:
        connection.execute(each).close()


class _SqliteTransaction(Transaction):
    """Begins with its first job, and takes to the writer with a job whatever nobody waits for.

    Each way to the writer's thread and back takes as long as what is done there.
    """

    survives = True

    def __init__(self, database: Sqlite) -> None:
        super().__init__(database)
        self._write = database.write
        self._first: list[Callable[[sqlite3.Connection], Any]] = [_begin]

    async def _in_writer(self, job: Callable[[sqlite3.Connection], T]) -> T:
        first, self._first = self._first, []

        def all_of_it(connection: sqlite3.Connection) -> T:
            for each in first:
                each(connection)
            return job(connection)

        return await self._write(all_of_it)

    async def commit(self) -> None:
        """Ends it, unless it has not even begun, or nothing was left to do."""
        if self._first != [_begin]:
            await self._in_writer(sqlite3.Connection.commit)

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        self._watch(sql)
        return await self._in_writer(lambda each: each.execute(sql, arguments).fetchall())

    async def execute(self, sql: str, arguments: Sequence[Any]) -> int:
        self._watch(sql)
        return await self._in_writer(lambda each: each.execute(sql, arguments).rowcount)

    async def write(self, part: Part) -> int:
        text = self.texts.alone(part)
        self._watch(text)
        return await self._in_writer(lambda each: _run(each, text, part.runs))

    async def later(self, part: Part) -> None:
        text = self.texts.alone(part)
        self._watch(text)
        self._first.append(lambda each: _run(each, text, part.runs))

    async def assured(self, part: Part, otherwise: Exception) -> None:
        text = self.texts.alone(part)
        self._watch(text)
        self._first.append(lambda each: _assure(each, text, part, otherwise))

    async def at_once(self, make: Callable[[], Sequence[Part]]) -> Sequence[Part] | None:
        parts = make()
        return parts if await self._saved(parts, lambda _: None) else None

    async def completed(
        self, make: Callable[[], Sequence[Part]], behind: Callable[[], Sequence[Part]] = tuple
    ) -> bool:
        parts, last = make(), self._told(behind())

        def end(connection: sqlite3.Connection) -> None:
            # Outside the savepoint, within which each page is copied before its first change.
            _run_all(connection, last)
            connection.commit()

        if not await self._saved(parts, end):
            return False
        for text, _ in last:
            self._watch(text)
        self._first = [_begin]
        return True

    async def _saved(
        self, parts: Sequence[Part], then: Callable[[sqlite3.Connection], None]
    ) -> bool:
        """Runs parts and what comes then, or leaves nothing of them behind."""
        told = self._told(parts)

        def job(connection: sqlite3.Connection) -> bool:
            if saved(lambda each: _run_all(each, told), connection) is not None:
                return False
            then(connection)
            return True

        if not await self._in_writer(job):
            return False
        for text, _ in told:
            self._watch(text)
        return True

    def _told(self, parts: Sequence[Part]) -> list[tuple[str, Part]]:
        return [(self.texts.alone(each), each) for each in parts]


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE").close()


def _assure(connection: sqlite3.Connection, sql: str, part: Part, otherwise: Exception) -> None:
    if len(connection.execute(sql, part.runs[0]).fetchall()) != part.expected:
        raise otherwise


def _run_all(connection: sqlite3.Connection, told: Sequence[tuple[str, Part]]) -> None:
    with plainly:
        for text, part in told:
            Undone.unless(part, _run(connection, text, part.runs))


def _run(connection: sqlite3.Connection, sql: str, runs: Sequence[Sequence[Any]]) -> int:
    """Runs a statement as often as there are values, and says how many rows it touched."""
    if len(runs) > 1:
        return connection.executemany(sql, runs).rowcount
    cursor = connection.execute(sql, runs[0])
    # What it returns has to be fetched before its rows are counted; of a SELECT, that is all.
    returned = cursor.fetchall()
    return len(returned) if cursor.rowcount < 0 else cursor.rowcount


def _bytes_of(digits: str | None) -> bytes | None:
    return None if digits is None else bytes.fromhex(digits)
