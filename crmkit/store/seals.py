"""The chain of the audit: committed entries, sealed in the order of their commits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import BigInteger, LargeBinary, Text, cast, func, literal_column, select
from sqlalchemy.orm import Mapped, mapped_column

from crmkit.store.audit import Audit, canonical
from crmkit.store.column_types import Code, Json, instant
from crmkit.store.database import Base, column, table_of, unscoped
from crmkit.store.groups import inserted
from crmkit.store.ready import statement
from crmkit.store.violations import Violation
from crmkit.values.waiting import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select

    from crmkit.store.audit import Auditor
    from crmkit.store.drivers import Database
    from crmkit.store.statements import Row
    from crmkit.values.clock import Clock

MOST = 5_000
"""Entries under one seal."""

_POLL = 0.8  # seconds; the net for what other processes write
_PAUSE = 0.5  # seconds after a commit, so that what is committed meanwhile shares the seal

entry = table_of(Audit)


class AuditSeal(Base):
    """Entries that were committed, chained to the seal before."""

    __tablename__ = "audit_seal"
    __append_only__ = True
    __audited__ = False
    __scope__ = unscoped("it holds ids and numbers")

    seq: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, doc="Its place in the chain, from 1."
    )
    at: Mapped[datetime] = column(doc="When it was made.")
    entries: Mapped[Any] = column(Json, personal=False, doc="The ids of the entries, in order.")
    total: Mapped[int] = column(doc="How many entries the chain has up to here.")
    before: Mapped[str | None] = column(
        Code,
        personal=False,
        default=None,
        doc="The last entry that another server wrote, if this database was brought here.",
    )
    mac: Mapped[bytes] = column(
        LargeBinary, doc="MAC of the seal before, of all this, and of the MAC of each entry."
    )


seal = table_of(AuditSeal)


@dataclass(frozen=True)
class Head:
    """Where the chain ends: whoever keeps it elsewhere notices when it is cut."""

    seq: int = 0
    total: int = 0
    mac: bytes = b""


def mac_of(auditor: Auditor, head: Head, made: dict[str, Any], macs: Sequence[bytes]) -> bytes:
    """The MAC of a seal that follows this head."""
    at, told = instant(made["at"]), [made["seq"], made["entries"], made["total"], made["before"]]
    return auditor.mac(head.mac + canonical([at, *told]) + b"".join(macs))


class Sealer:
    """Chains what was committed, soon after; writers neither wait for it nor for one another.

    Two sealers at once make the same next seal, and the key of its place lets one of them
    in, so nobody has to be chosen.
    """

    def __init__(self, database: Database, clock: Clock, auditor: Auditor) -> None:
        self._database = database
        self._clock = clock
        self._auditor = auditor
        self._woken = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        # The end of the chain while nobody else is known to have gone on with it.
        self._known: Last | None = None

    async def start(self) -> None:
        """Begins to seal in the background."""
        self._loop = asyncio.create_task(self._seal_for_ever(), name="sealer")

    async def stop(self) -> None:
        """Seals no more; what is not sealed yet is sealed after the next start."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
            self._loop = None

    def wake(self) -> None:
        """Says that there may be new entries."""
        self._woken.set()

    async def drain(self) -> None:
        """Seals until nothing is left that can be sealed."""
        while await self.seal():
            pass

    async def seal(self) -> bool:
        """Makes the next seal, and says whether there may be more to be sealed."""
        last = self._known or await self._last()
        rows, before = await self._unsealed(last)
        # Whoever finds nothing looks anew where the chain ends: it may have got another end.
        self._known = await self._written(last, rows, before) if rows else None
        return bool(rows) and (self._known is None or len(rows) == MOST)

    async def unsealed(self) -> list[Row]:
        """The ids and MACs of what the next seal takes."""
        rows, _ = await self._unsealed(await self._last())
        return rows

    async def _seal_for_ever(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self.drain()
            except Exception:  # noqa: BLE001
                # The database may be away for a while; the next turn tries again.
                structlog.get_logger().exception("sealer")
            if await within(self._woken, _POLL):
                await asyncio.sleep(_PAUSE)

    async def _written(self, last: Last, rows: Sequence[Row], before: str | None) -> Last | None:
        """The end of the chain when this is sealed, unless somebody else was quicker."""
        seq, total = last.head.seq + 1, last.head.total + len(rows)
        ids = [each[0] for each in rows]
        made = {"seq": seq, "at": self._clock.now(), "entries": ids, "total": total}
        made["before"] = before
        mac = mac_of(self._auditor, last.head, made, [bytes(each[1]) for each in rows])
        part = inserted(seal, [{**made, "mac": mac}], self._database.dialect)
        try:
            await self._database.commit(lambda: [part])
        except Violation:
            return None
        id_, _, number = rows[-1]
        return Last(Head(seq, total, mac), id_, before, number)

    # -- what comes next ------------------------------------------------------------------

    async def _last(self) -> Last:
        found = await self._database.fetch(_newest())
        if not found:
            return Last(Head())
        seq, total, mac, entries, before = found[0]
        return Last(Head(seq, total, bytes(mac)), entries[-1], before)

    async def _unsealed(self, last: Last) -> tuple[list[Row], str | None]:
        """What follows the last entry of the chain, in the order of commits."""
        if self._database.name == "sqlite":
            return await self._database.fetch(_by_rows(last.entry)), None
        since, open_from = last.number, None
        if since is None:
            [(since, open_from)] = await self._database.fetch(_number_of(last.entry)) or [(-1, 0)]
        if open_from is None or 0 <= since < open_from:
            rows = await self._database.fetch(_by_numbers(since, last.entry or "", last.before))
            return rows, last.before
        # No transaction of this server can have had that number: the database was brought here
        # from another. First what that one had not sealed, then what is new.
        if rows := await self._database.fetch(_of_another(since, last.entry or "")):
            return rows, last.before
        [(before,)] = await self._database.fetch(_last_of_another())
        return await self._database.fetch(_by_numbers(-1, "", before)), before


@dataclass(frozen=True)
class Last:
    """The end of the chain, its last entry, and the last entry of another server.

    `number` is that of the transaction that wrote the last entry, where that was on this
    server for certain.
    """

    head: Head
    entry: str | None = None
    before: str | None = None
    number: int | None = None


def _number(function: Any) -> ColumnElement[int]:
    return cast(cast(function(func.pg_current_snapshot()), Text()), BigInteger())


_XMIN = _number(func.pg_snapshot_xmin)
_XMAX = _number(func.pg_snapshot_xmax)
_ROWID: ColumnElement[int] = literal_column("audit.rowid")


@statement
def _newest() -> Select[int, int, bytes, Any, str | None]:
    columns = (seal.c.seq, seal.c.total, seal.c.mac, seal.c.entries, seal.c.before)
    return select(*columns).order_by(seal.c.seq.desc()).limit(1)


@statement
def _by_rows(after: str | None) -> Select[Any]:
    """SQLite: one writer at a time counts its rows up in the order of commits."""
    other = entry.alias("other")
    place: ColumnElement[int] = literal_column("other.rowid")
    last = select(place).select_from(other).where(other.c.id == after).scalar_subquery()
    later = func.coalesce(last, 0) < _ROWID
    return _sealable().where(later).order_by(_ROWID)


@statement
def _number_of(id_: str | None) -> Select[Any]:
    return select(entry.c.transaction, _XMAX).where(entry.c.id == id_)


@statement
def _by_numbers(since: int, after: str, before: str | None) -> Select[Any]:
    """PostgreSQL: below the lowest number that is still at work, nothing can come any more.

    A lower number may be committed later, so "above the last one" alone would miss it.
    """
    found = _in_order(since, after).where(entry.c.transaction < _XMIN)
    return found if before is None else found.where(entry.c.id > before)


@statement
def _of_another(since: int, after: str) -> Select[Any]:
    """What a server wrote whose numbers are higher than any that this one has given."""
    return _in_order(since, after).where(entry.c.transaction >= _XMAX)


@statement
def _last_of_another() -> Select[Any]:
    return select(func.max(entry.c.id)).where(entry.c.transaction >= _XMAX)


def _in_order(since: int, after: str) -> Select[Any]:
    number = entry.c.transaction
    later = (number > since) | ((number == since) & (entry.c.id > after))
    return _sealable().where(number >= since, later).order_by(number, entry.c.id)


def _sealable() -> Select[Any]:
    return select(entry.c.id, entry.c.mac, entry.c.transaction).limit(MOST)
