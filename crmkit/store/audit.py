"""Who did what and when: one row a unit, with a digest of everything it wrote."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Identity, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from crmkit.store.column_types import Code
from crmkit.store.database import Base, column, table_of, unscoped
from crmkit.store.drivers import Transaction
from crmkit.store.groups import inserted
from crmkit.store.reach import EVERYTHING, Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Dialect, Executable

    from crmkit.store.parts import Part, Texts
    from crmkit.store.statements import Row

SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the database counts up; SQLite counts only what it calls INTEGER."""


@dataclass(frozen=True)
class Origin:
    """Where a unit of work comes from: who acts, by which operation, in which request."""

    actor: str
    operation: str
    request_id: str


class Audit(Base):
    """A unit of work that wrote something."""

    __tablename__ = "audit"
    __append_only__ = True
    __scope__ = unscoped("it tells what actors did, whoever it was about")

    seq: Mapped[int] = mapped_column(SEQUENCE, Identity(), primary_key=True, init=False)
    at: Mapped[datetime] = column(doc="When it was written.")
    actor: Mapped[str] = column(Code, personal=False, doc="Who acted.")
    operation: Mapped[str] = column(Code, personal=False, doc="By which operation.")
    record: Mapped[str | None] = column(Code, personal=False, default=None, doc="On which record.")
    request_id: Mapped[str] = column(Code, personal=False, doc="In which request.")
    digest: Mapped[bytes] = column(LargeBinary, doc="SHA-256 of all that was written.")


class Recorded(Transaction):
    """A transaction that keeps a digest of everything it writes."""

    def __init__(self, transaction: Transaction) -> None:
        self.dialect = transaction.dialect
        self.watchers = transaction.watchers
        self.texts = transaction.texts
        self._transaction = transaction
        self._digest = hashlib.sha256()

    async def fetch(self, statement: Executable, reach: Reach = EVERYTHING) -> list[Row]:
        return await self._transaction.fetch(statement, reach)

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        self._note(sql, arguments)
        return await self._transaction.rows(sql, arguments)

    async def execute(self, sql: str, arguments: Sequence[Any]) -> int:
        self._note(sql, arguments)
        return await self._transaction.execute(sql, arguments)

    async def write(self, part: Part) -> int:
        self._note(self.texts.alone(part), part.runs)
        return await self._transaction.write(part)

    def _note(self, sql: str, arguments: Sequence[Any]) -> None:
        self._digest.update(_told(sql, arguments))

    def digest(self) -> bytes:
        return self._digest.digest()


def digest_of(parts: Sequence[Part], texts: Texts) -> bytes:
    """The digest of what is about to be written."""
    told = [_told(texts.alone(each), each.runs) for each in parts]
    return hashlib.sha256(b"".join(told)).digest()


def audited(
    origin: Origin, at: datetime, record: str | None, digest: bytes, dialect: Dialect
) -> Part:
    """The part that tells of a unit which wrote something."""
    row = {**vars(origin), "at": at, "record": record, "digest": digest}
    return inserted(table_of(Audit), [row], dialect)


def _told(sql: str, arguments: Sequence[Any]) -> bytes:
    return repr((sql, arguments)).encode("utf-8", "surrogatepass")
