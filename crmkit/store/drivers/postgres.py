"""PostgreSQL by asyncpg's connections."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg  # type: ignore[import-untyped]

from crmkit.store.drivers.database import Database, Transaction, dialect_of
from crmkit.store.drivers.postgres_commits import Commits
from crmkit.store.drivers.postgres_errors import plainly
from crmkit.store.parts import Part, Undone, values_of
from crmkit.store.pool import Connection, Pool
from crmkit.store.violations import Violation

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence

    from crmkit.settings import DatabaseSettings

_ROLLED_BACK = 1  # second that a server has to roll back
_LATER = 0.5  # seconds after which a server that should have answered does not

# PostgreSQL thinks that a merge begins at the cursor; it reads all that stands before it.
_PLANNING = {"enable_mergejoin": "off"}


class Postgres(Database):
    """asyncpg's connections."""

    name = "postgresql"
    may_have_others = True

    def __init__(self, pool: Pool) -> None:
        super().__init__(dialect_of("postgresql:"))
        self._pool = pool
        self._commits = Commits(self.texts, self._lent, self._watch_all)

    @classmethod
    async def open(cls, settings: DatabaseSettings) -> Postgres:
        pool = pool_of(settings, settings.url)
        with plainly:
            pool.give(await pool.take())
        return cls(pool)

    async def wire(self) -> Connection:
        with plainly:
            return await self._pool.connected()

    def rows(
        self, sql: str, arguments: Sequence[Any]
    ) -> Coroutine[Any, Any, Sequence[Sequence[Any]]]:
        self._watch(sql)
        return self._fetched(sql, arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        with plainly:
            connection = await self._pool.take()
        try:
            with plainly:
                await _begun(connection)
            opened = _PostgresTransaction(self, connection)
            try:
                yield opened
                await opened.commit()
            except BaseException:
                if not connection.is_closed():
                    await _rolled_back(connection)
                raise
        finally:
            if not connection.is_closed() and connection.is_in_transaction():
                connection.terminate()
            self._pool.give(connection)

    def commit(self, parts: Callable[[], Sequence[Part]]) -> Coroutine[Any, Any, None]:
        return self._commits.commit(parts)

    def _fetched(
        self, sql: str, arguments: Sequence[Any], pool: Pool | None = None
    ) -> Coroutine[Any, Any, list[Sequence[Any]]]:
        return self._lent(lambda connection: connection.fetch(sql, *arguments), pool)

    async def _lent(
        self, ask: Callable[[Connection], Awaitable[Any]], pool: Pool | None = None
    ) -> Any:
        """Has a connection asked something, and gives it back as it is then."""
        pool = pool or self._pool
        with plainly:
            connection = pool.taken() or await pool.take()
            try:
                found = await ask(connection)
            except asyncpg.InternalClientError:
                _give_over(pool, connection)
                raise
            except (asyncio.CancelledError, TimeoutError):
                pool.give_stopped(connection)
                raise
            except BaseException:
                pool.give(connection)
                raise
            pool.give(connection)
            return found

    async def close(self) -> None:
        await self._pool.close()


def pool_of(settings: DatabaseSettings, url: str) -> Pool:
    """Connections to one server, as the settings want them."""
    return Pool(
        url.replace("postgresql+asyncpg:", "postgresql:", 1),
        settings.pool_size,
        timeout=settings.connect_seconds,
        # The server stops what is slow; when it does not answer at all, we do.
        command_timeout=settings.statement_seconds + _LATER,
        server_settings={
            "statement_timeout": f"{settings.statement_seconds * 1000:.0f}",
            **_PLANNING,
        },
    )


async def _begun(connection: Connection) -> None:
    """Begins a transaction, or breaks the connection; see `_give_over`."""
    try:
        await connection.execute("BEGIN")
    except asyncpg.InternalClientError:
        connection.terminate()
        raise


def _give_over(pool: Pool, connection: Connection) -> None:
    """Gives back a connection on which the server has said unasked that it is over.

    It says so a moment before it closes, and until then nothing shows that it is of no use.
    """
    connection.terminate()
    pool.give(connection)


async def _rolled_back(connection: Connection) -> None:
    """Rolls back, or breaks the connection, which the server understands as well."""
    try:
        async with asyncio.timeout(_ROLLED_BACK):
            await connection.execute("ROLLBACK")
    except TimeoutError:
        connection.terminate()


class _PostgresTransaction(Transaction):
    def __init__(self, database: Database, connection: Connection) -> None:
        super().__init__(database)
        self._connection = connection
        self._is_over = False

    async def commit(self) -> None:
        """Ends it, unless it has ended with what was completed."""
        if not self._is_over:
            with plainly:
                # What somebody set in it could outlive it. A single statement leaves nothing
                # behind; not having to ask halves what it costs.
                reset = self._connection.get_reset_query()
                await self._connection.execute(f"COMMIT; {reset}")
            self._is_over = True

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        self._watch(sql)
        with plainly:
            found: list[Sequence[Any]] = await self._connection.fetch(sql, *arguments)
            return found

    async def execute(self, sql: str, arguments: Sequence[Any]) -> int:
        self._watch(sql)
        with plainly:
            status = await self._connection.execute(sql, *arguments)
        # `UPDATE 3` counts rows, `CREATE TABLE` does not.
        rows: str = status.rpartition(" ")[2]
        return int(rows) if rows.isdigit() else 0

    async def write(self, part: Part) -> int:
        if not part.kind.copies:
            return await super().write(part)
        self._watch(self.texts.alone(part))
        with plainly:
            await self._connection.copy_records_to_table(
                part.kind.table, records=part.runs, columns=part.kind.copies
            )
        return len(part.runs)

    async def at_once(self, make: Callable[[], Sequence[Part]]) -> Sequence[Part] | None:
        if not (parts := make()):
            return parts
        if (text := self.texts.together(parts)) is None:
            return None
        self._watch_all(parts)
        try:
            with plainly:
                await self._connection.fetch(text, *values_of(parts))
        except (asyncpg.DivisionByZeroError, Violation) as error:
            raise Undone from error
        return parts

    async def completed(
        self, make: Callable[[], Sequence[Part]], behind: Callable[[], Sequence[Part]] = tuple
    ) -> bool:
        # The audit looks up whose the rows are before any of them goes.
        if await self.at_once(lambda: [*behind(), *make()]) is None:
            return False
        await self.commit()
        return True
