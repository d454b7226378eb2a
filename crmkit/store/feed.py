"""Events in the order in which they were committed, each once, whoever committed them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Text, cast, func, literal, not_, select
from sqlalchemy.types import UserDefinedType

from crmkit.store.database import table_of
from crmkit.store.outbox import Outbox
from crmkit.store.ready import number, statement

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from crmkit.store.drivers import Database

AT_ONCE = 200
"""Events that are read together."""

event = table_of(Outbox)
_TOLD = tuple(event.c[each] for each in ("seq", "name", "record", "payload", "at"))


@dataclass(frozen=True)
class Happening:
    """An event that was committed."""

    seq: int
    name: str
    record: str
    payload: Mapping[str, Any]
    at: datetime


class Feed(ABC):
    """What is committed from its beginning on, whichever process commits it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @abstractmethod
    async def begin(self) -> None:
        """Passes over all that has been committed so far."""

    @abstractmethod
    async def next(self) -> list[Happening]:
        """What has been committed since the last look, at most AT_ONCE."""

    is_behind = False
    """Whether more may have been committed by the time of the last look."""


def feed_of(database: Database) -> Feed:
    """The feed of a database, as its engine numbers what is committed."""
    return (_Snapshots if database.may_have_others else _Numbers)(database)


class _Numbers(Feed):
    """SQLite has one writer at a time, so numbers are in the order of commits."""

    _last = 0

    async def begin(self) -> None:
        [(last,)] = await self._database.fetch(select(func.max(event.c.seq)))
        self._last = last or 0

    async def next(self) -> list[Happening]:
        new = _above(self._last, AT_ONCE)
        found = [Happening(*row) for row in await self._database.fetch(new)]
        self._last = found[-1].seq if found else self._last
        self.is_behind = len(found) == AT_ONCE
        return found


class _Snapshots(Feed):
    """PostgreSQL: what this snapshot sees and the one before did not.

    A lower number may be committed later, so "above the last one" would miss it; and to
    wait until nothing lower is open would wait for every long transaction.
    """

    _since = ""
    _until: str | None = None
    _last = 0

    async def begin(self) -> None:
        [(self._since,)] = await self._database.fetch(_snapshot())
        self._until = None

    async def next(self) -> list[Happening]:
        page = _page(self._since, self._until, self._last, AT_ONCE)
        rows = await self._database.fetch(page)
        # Whoever reads up to an older snapshot has seen nothing yet of what came after it.
        self.is_behind = len(rows) == AT_ONCE or self._until is not None
        if rows:
            self._pass(rows[-1][0], rows[-1][-1], is_whole=len(rows) < AT_ONCE)
        elif self._until is not None:
            self._since, self._until = self._until, None
        return [Happening(*row[:-1]) for row in rows]

    def _pass(self, last: int, snapshot: str, *, is_whole: bool) -> None:
        """Goes on from the snapshot, or first to the next page of what it sees."""
        if is_whole:
            self._since, self._until = self._until or snapshot, None
        else:
            self._until, self._last = self._until or snapshot, last


class _Snapshot(UserDefinedType[str]):
    """Which transactions had been committed at a moment."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "pg_snapshot"


class _Number(UserDefinedType[int]):
    """A transaction's number."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


# -- its statements, built once: whoever listens asks them after every commit -------------------


@statement
def _above(last: int, limit: int) -> Select[Any]:
    new = select(*_TOLD).where(event.c.seq > last).order_by(event.c.seq)
    return new.limit(number(limit))


@statement
def _snapshot() -> Select[Any]:
    return select(_now())


@statement
def _page(since: str, until: str | None, last: int, limit: int) -> Select[Any]:
    """What was committed after one snapshot and, if another is given, before that."""
    known = cast(literal(since, Text()), _Snapshot())
    # Nothing below this can have been open, so the index leads to what may be new.
    lowest = cast(cast(func.pg_snapshot_xmin(known), Text()), BigInteger())
    new = (event.c.transaction >= lowest, not_(_is_seen(known)))
    page = select(*_TOLD, _now()).where(*new).order_by(event.c.seq).limit(number(limit))
    if until is None:
        return page
    end = cast(literal(until, Text()), _Snapshot())
    return page.where(_is_seen(end), event.c.seq > last)


def _now() -> ColumnElement[str]:
    return cast(func.pg_current_snapshot(), Text())


def _is_seen(snapshot: ColumnElement[Any]) -> ColumnElement[bool]:
    number = cast(cast(event.c.transaction, Text()), _Number())
    found: ColumnElement[bool] = func.pg_visible_in_snapshot(number, snapshot)
    return found
