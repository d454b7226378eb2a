"""What a database is, whichever it is: readers, transactions, and the SQL that it speaks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg as postgresql

from crmkit.store.coalescing import Apart, Coalescing
from crmkit.store.drivers.lateness import may_be_late
from crmkit.store.parts import Part, Texts
from crmkit.store.reach import EVERYTHING, Deferred, Reach
from crmkit.store.ready import prepared
from crmkit.store.tally import TALLY
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import Dialect

    from crmkit.store.pool import Connection
    from crmkit.store.ready import Question
    from crmkit.store.statements import Row, Template

    Told = Callable[[Deferred], Any]

_FEW = 4
"""Keys that are looked up together with those of others; more are worth a statement of their own."""


class Reader(ABC):
    """What answers SELECTs."""

    dialect: Dialect
    texts: Texts
    watchers: list[Callable[[str], None]]

    async def fetch(self, statement: Question, reach: Reach = EVERYTHING) -> list[Row]:
        """Reads what this reach sees, as plain tuples of Python values."""
        made, arguments = prepared(statement, self.dialect, reach)
        return made.rows(await self.rows(made.sql, arguments))

    @abstractmethod
    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Runs a statement in the driver's own SQL and hands out its rows as they come."""

    def _watch(self, sql: str) -> None:
        if (tally := TALLY.get()) is not None:
            tally.statements += 1
        for watcher in self.watchers:
            watcher(sql)

    def _watch_all(self, parts: Sequence[Part]) -> None:
        """Watches statements that travel as one; their texts are made for watchers alone."""
        if (tally := TALLY.get()) is not None:
            tally.statements += len(parts)
        for watcher in self.watchers:
            for each in parts:
                watcher(self.texts.alone(each))


class Transaction(Reader):
    """Statements that take effect together or not at all."""

    survives = False
    """Whether it goes on when what was to be done at once has failed."""

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

    async def later(self, part: Part) -> None:
        """Runs a part by the time of the commit; nobody waits for what becomes of it."""
        await self.write(part)

    @abstractmethod
    async def at_once(self, make: Callable[[], Sequence[Part]]) -> Sequence[Part] | None:
        """Runs all parts and returns them; or nothing, where it has to be step by step.

        Raises:
            Undone: One of them failed, and with it all of a transaction that does not survive.
        """

    @abstractmethod
    async def completed(
        self, make: Callable[[], Sequence[Part]], behind: Callable[[], Sequence[Part]] = tuple
    ) -> bool:
        """Runs parts, those behind them and commits, unless that has to be done step by step.

        Raises:
            Undone: One of them failed, and with it all of a transaction that does not survive.
        """

    async def assured(self, part: Part, otherwise: Exception) -> None:
        """Looks whether a part finds what it expects, before or with whatever comes next.

        Raises:
            Exception: It does not: `otherwise`, here or there.
        """
        if len(await self.rows(self.texts.alone(part), part.runs[0])) != part.expected:
            raise otherwise

    async def returned(self, part: Part) -> Sequence[Sequence[Any]]:
        """Runs a part and hands out what it returns of each row that it touched."""
        [run] = part.runs
        return await self.rows(self.texts.alone(part), run)

    async def run(self, statement: Question) -> int:
        """Runs an INSERT, UPDATE or DELETE and says how many rows it touched."""
        made, arguments = prepared(statement, self.dialect, EVERYTHING)
        return await self.execute(made.sql, arguments)


class Database(Reader):
    """One database; `watchers` are told each statement, also of those that travel as one."""

    name: str
    may_have_others = False
    """Whether other processes write as well, and can be told by a `wire`."""

    has_replica = False
    """Whether what may be late is read elsewhere, where the last writes may still be missing."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.texts = Texts(dialect)
        self.watchers = []
        self._lookups: Coalescing[Sequence[str]] = Coalescing()

    async def found(
        self, made: Template, place: Deferred, keys: Sequence[str], told: Told
    ) -> Sequence[Sequence[Any]]:
        """The rows of some keys, each of which begins with its own.

        Of few keys, those are looked up in one statement that are asked for at the same moment,
        in all requests in which nothing else differs.

        Args:
            made: The statement.
            place: Where in it the keys stand.
            keys: These.
            told: What stands in all its other places.
        """
        if len(keys) <= _FEW:
            key = made.sql, made.besides(place, told), may_be_late()
            act = partial(self._found, made, place, told)
            try:
                found: Sequence[Sequence[Any]] = await self._lookups.join(key, keys, act)
            except Apart:
                pass
            else:
                return found
        return await self._rows_of(made, place, keys, told)

    async def _found(
        self, made: Template, place: Deferred, told: Told, asked: Sequence[Sequence[str]]
    ) -> Sequence[Sequence[Sequence[Any]] | Exception]:
        if len(asked) == 1:
            return [await self._rows_of(made, place, asked[0], told)]
        try:
            rows = await self._rows_of(made, place, list({*chain.from_iterable(asked)}), told)
        except Exception:  # noqa: BLE001  whose fault it is, they find out alone
            return [Apart() for _ in asked]
        by_key: dict[Any, list[Sequence[Any]]] = {}
        for each in rows:
            by_key.setdefault(each[0], []).append(each)
        return [[row for key in keys for row in by_key.get(key, ())] for keys in asked]

    async def _rows_of(
        self, made: Template, place: Deferred, keys: Sequence[str], told: Told
    ) -> Sequence[Sequence[Any]]:
        arguments = made.arguments(lambda each: keys if each is place else told(each))
        return await self.rows(made.sql, arguments)

    @abstractmethod
    async def commit(self, parts: Callable[[], Sequence[Part]]) -> None:
        """Writes all of this or nothing, and has committed it when it returns.

        Its parts are made when it is their turn to be written.

        Raises:
            Undone: It is not what was expected, or has to be done step by step.
        """

    async def wire(self) -> Connection:
        """A connection of its own, by which processes wake one another.

        Raises:
            NotImplementedError: There is nobody else here; see `may_have_others`.
        """
        raise NotImplementedError

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begins; commits at the end of the block, rolls back when it raises."""

    @abstractmethod
    async def close(self) -> None: ...


def dialect_of(url: str) -> Dialect:
    """The SQL that is spoken at this address.

    All databases of a kind share it, and with it the texts of statements that were written in it.

    Raises:
        SetupError: It is neither SQLite's nor PostgreSQL's.
    """
    return _spoken(url.partition(":")[0].partition("+")[0])


@cache
def _spoken(kind: str) -> Dialect:
    if kind == "sqlite":
        return sqlite.dialect(paramstyle="qmark")
    if kind == "postgresql":
        return postgresql.dialect()  # type: ignore[no-untyped-call]
    raise SetupError(
        "database.url is no address that crmkit knows; write sqlite:///file.db "
        "or postgresql://user@host/name."
    )
