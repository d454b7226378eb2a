"""Where rows are: asyncpg's pool, or SQLite with reader threads and one writer."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Dialect, Executable, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg as postgresql

from crmkit.store.group_commit import GroupCommit
from crmkit.store.interrupts import Interruptible, Overseer
from crmkit.store.parts import Part, Texts, Undone, may_share, values_of
from crmkit.store.pool import PATIENCE, Connection, Pool
from crmkit.store.reach import EVERYTHING, Reach
from crmkit.store.statements import Row, template
from crmkit.store.tally import TALLY
from crmkit.store.violations import translated
from crmkit.values.errors import SetupError
from crmkit.values.periods import period_start

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from crmkit.settings import DatabaseSettings

T = TypeVar("T")

_ROLLED_BACK = 1  # second that a server has to roll back
_LATER = 0.5  # seconds after which a server that should have answered does not


async def open_database(settings: DatabaseSettings) -> Database:
    """Opens the database that the settings name.

    Raises:
        SetupError: The address is neither SQLite's nor PostgreSQL's.
        Unavailable: Nobody answers there.
    """
    if dialect_of(settings.url).name == "sqlite":
        return await Sqlite.open(settings)
    return await Postgres.open(settings)


def dialect_of(url: str) -> Dialect:
    """The SQL that is spoken at this address.

    Raises:
        SetupError: It is neither SQLite's nor PostgreSQL's.
    """
    kind = url.partition(":")[0].partition("+")[0]
    if kind == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    if kind == "postgresql":
        return postgresql.dialect()  # type: ignore[no-untyped-call]
    raise SetupError(
        "database.url is no address that crmkit knows; write sqlite:///file.db "
        "or postgresql://user@host/name."
    )


class Reader(ABC):
    """What answers SELECTs."""

    dialect: Dialect
    watchers: list[Callable[[str], None]]

    async def fetch(self, statement: Executable, reach: Reach = EVERYTHING) -> list[Row]:
        """Reads what this reach sees, as plain tuples of Python values."""
        made = template(statement, self.dialect, reach)
        return made.rows(await self.rows(made.sql, made.arguments(reach.told)))

    @abstractmethod
    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Runs a statement in the driver's own SQL and hands out its rows as they come."""

    def _watch(self, sql: str) -> None:
        if (tally := TALLY.get()) is not None:
            tally.statements += 1
        for watcher in self.watchers:
            watcher(sql)


class Transaction(Reader):
    """Statements that take effect together or not at all."""

    def __init__(self, database: Database) -> None:
        self.dialect = database.dialect
        self.watchers = database.watchers
        self.texts = database.texts

    @abstractmethod
    async def execute(self, sql: str, arguments: Sequence[Any]) -> int:
        """Runs a statement in the driver's own SQL and says how many rows it touched."""

    async def write(self, part: Part) -> int:
        """Runs a part and says how many rows it touched."""
        text = self.texts.alone(part)
        return sum([await self.execute(text, run) for run in part.runs])

    async def returned(self, part: Part) -> Sequence[Sequence[Any]]:
        """Runs a part and hands out what it returns of each row that it touched."""
        [run] = part.runs
        return await self.rows(self.texts.alone(part), run)

    async def run(self, statement: Executable) -> int:
        """Runs an INSERT, UPDATE or DELETE and says how many rows it touched."""
        made = template(statement, self.dialect)
        return await self.execute(made.sql, made.constants)


class Database(Reader):
    """One database; `watchers` are told each statement, also of those that travel as one."""

    name: str

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.texts = Texts(dialect)
        self.watchers = []

    @abstractmethod
    async def commit(self, parts: Sequence[Part]) -> None:
        """Writes all of this or nothing, and has committed it when it returns.

        Raises:
            Undone: It is not what was expected, or has to be done step by step.
        """

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begins; commits at the end of the block, rolls back when it raises."""

    @abstractmethod
    async def close(self) -> None: ...


# -- PostgreSQL -----------------------------------------------------------------------


# PostgreSQL thinks that a merge begins at the cursor; it reads all that stands before it.
_PLANNING = {"enable_mergejoin": "off"}


class Postgres(Database):
    """asyncpg's connections."""

    name = "postgresql"

    def __init__(self, pool: Pool) -> None:
        super().__init__(dialect_of("postgresql:"))
        self._pool = pool

    @classmethod
    async def open(cls, settings: DatabaseSettings) -> Postgres:
        address = settings.url.replace("postgresql+asyncpg:", "postgresql:", 1)
        pool = Pool(
            address,
            settings.pool_size,
            timeout=settings.connect_seconds,
            # The server stops what is slow; when it does not answer at all, we do.
            command_timeout=settings.statement_seconds + _LATER,
            server_settings={
                "statement_timeout": f"{settings.statement_seconds * 1000:.0f}",
                **_PLANNING,
            },
        )
        with _plainly:
            pool.give(await pool.take())
        return cls(pool)

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        self._watch(sql)
        return await self._fetched(sql, arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        with _plainly:
            connection = await self._pool.take()
        try:
            begun = connection.transaction()
            with _plainly:
                await begun.start()
            try:
                yield _PostgresTransaction(self, connection)
            except BaseException:
                if not connection.is_closed():
                    await _rolled_back(begun, connection)
                raise
            with _plainly:
                await begun.commit()
                # What somebody set in it could outlive it. A single statement leaves nothing
                # behind; not having to ask halves what it costs.
                await connection.reset()
        finally:
            if not connection.is_closed() and connection.is_in_transaction():
                connection.terminate()
            self._pool.give(connection)

    async def commit(self, parts: Sequence[Part]) -> None:
        if not may_share(parts):
            raise Undone
        for each in parts:
            self._watch(self.texts.alone(each))
        try:
            await self._fetched(self.texts.together(parts), values_of(parts))
        except asyncpg.DivisionByZeroError as error:
            raise Undone from error

    async def _fetched(self, sql: str, arguments: Sequence[Any]) -> list[Sequence[Any]]:
        with _plainly:
            connection = await self._pool.take()
            try:
                found: list[Sequence[Any]] = await connection.fetch(sql, *arguments)
            except (asyncio.CancelledError, TimeoutError):
                self._pool.give_stopped(connection)
                raise
            except BaseException:
                self._pool.give(connection)
                raise
            self._pool.give(connection)
            return found

    async def close(self) -> None:
        await self._pool.close()


async def _rolled_back(begun: Any, connection: Connection) -> None:
    """Rolls back, or breaks the connection, which the server understands as well."""
    try:
        async with asyncio.timeout(_ROLLED_BACK):
            await begun.rollback()
    except TimeoutError:
        connection.terminate()


class _PostgresTransaction(Transaction):
    def __init__(self, database: Database, connection: Connection) -> None:
        super().__init__(database)
        self._connection = connection

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        self._watch(sql)
        with _plainly:
            found: list[Sequence[Any]] = await self._connection.fetch(sql, *arguments)
            return found

    async def execute(self, sql: str, arguments: Sequence[Any]) -> int:
        self._watch(sql)
        with _plainly:
            status = await self._connection.execute(sql, *arguments)
        # `UPDATE 3` counts rows, `CREATE TABLE` does not.
        rows: str = status.rpartition(" ")[2]
        return int(rows) if rows.isdigit() else 0

    async def write(self, part: Part) -> int:
        if not part.copies:
            return await super().write(part)
        self._watch(self.texts.alone(part))
        with _plainly:
            await self._connection.copy_records_to_table(
                part.table, records=part.runs, columns=part.copies
            )
        return len(part.runs)


# -- SQLite ---------------------------------------------------------------------------


class Sqlite(Database):
    """One file: reader threads that cannot write, and one thread that does."""

    name = "sqlite"

    def __init__(self, path: str, settings: DatabaseSettings) -> None:
        super().__init__(dialect_of("sqlite:"))
        self._path = path
        self._overseer = Overseer(settings.statement_seconds)
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(settings.readers, "sqlite-reader")
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._turn = asyncio.Lock()
        self._in_a_group = GroupCommit(self._turn, self.write)

    @classmethod
    async def open(cls, settings: DatabaseSettings) -> Sqlite:
        path = make_url(settings.url).database
        if not path or path == ":memory:":
            raise SetupError("database.url names no file; write sqlite:///crmkit.db.")
        made = cls(path, settings)
        await made.write(lambda connection: connection.execute("PRAGMA journal_mode = WAL").close())
        return made

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        self._watch(sql)
        return await self._in(
            self._readers,
            lambda connection: connection.execute(sql, arguments).fetchall(),
            "PRAGMA query_only = ON",
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        # A queue in the process is fair; SQLite's own busy timeout polls and is not.
        async with self._turn:
            try:
                await self.write(lambda connection: connection.execute("BEGIN IMMEDIATE").close())
                yield _SqliteTransaction(self)
                await self.write(sqlite3.Connection.commit)
            except BaseException:
                # The thread works in order, so even a cancelled wait ends in a rollback.
                await asyncio.shield(self.write(sqlite3.Connection.rollback))
                raise

    async def commit(self, parts: Sequence[Part]) -> None:
        texts = [self.texts.alone(each) for each in parts]
        for each in texts:
            self._watch(each)

        def job(connection: sqlite3.Connection) -> None:
            with _plainly:
                for text, part in zip(texts, parts, strict=True):
                    Undone.unless(part, _run(connection, text, part.runs))

        await self._in_a_group(job)

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Runs a job on the writer's thread."""
        return await self._in(self._writer, job, "PRAGMA synchronous = NORMAL")

    async def _in(
        self,
        threads: ThreadPoolExecutor,
        job: Callable[[sqlite3.Connection], T],
        pragma: str,
    ) -> T:
        def work() -> T:
            if not hasattr(self._own, "connection"):
                self._own.connection = self._connect(pragma)
            return running.run(self._own.connection)

        running = Interruptible(job)
        loop = asyncio.get_running_loop()
        self._overseer.watch(running)
        try:
            with _plainly:
                return await loop.run_in_executor(threads, work)
        except asyncio.CancelledError:
            running.stop()
            raise
        finally:
            self._overseer.forget(running)

    def _connect(self, pragma: str) -> sqlite3.Connection:
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
        made.execute(pragma)
        # JSON carries no bytes: in arrays they travel as hexadecimal digits.
        made.create_function("bytes_of", 1, _bytes_of, deterministic=True)
        made.create_function("period_start", 3, period_start, deterministic=True)
        self._opened.append(made)
        return made

    async def close(self) -> None:
        for threads in (self._readers, self._writer):
            await asyncio.to_thread(threads.shutdown)
        for connection in self._opened:
            connection.close()


class _SqliteTransaction(Transaction):
    def __init__(self, database: Sqlite) -> None:
        super().__init__(database)
        self._in_writer = database.write

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


class _Plainly:
    """Lets no driver's error out untranslated if it means something to a caller."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Exception) and (meant := translated(error)) is not None:
            raise meant from error


_plainly = _Plainly()
