"""One effect for one key: the result of a unit, kept with what it did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Index, LargeBinary, select
from sqlalchemy.orm import Mapped

from crmkit.store.arrays import Binding, Sql
from crmkit.store.column_types import Code, Json
from crmkit.store.database import Base, column, table_of, unscoped
from crmkit.store.groups import inserted
from crmkit.store.parts import Kind, Part
from crmkit.values.errors import IdempotencyMismatch

if TYPE_CHECKING:
    from sqlalchemy import Dialect

    from crmkit.store.drivers import Reader, Transaction


@dataclass(slots=True)
class IdempotencyKey:
    """The key that a client gave, in its scope, and a digest of what it asked for."""

    scope: str
    key: str
    digest: bytes


class Idempotency(Base):
    """A key that was used, and the result that its repetition gets."""

    __tablename__ = "idempotency"
    __erasure__ = "mention"
    __audited__ = False
    __scope__ = unscoped("a key is found by its scope, which names the actor")
    __table_args__ = (Index("ix_idempotency_at", "at"),)

    scope: Mapped[str] = column(Code, primary_key=True, personal=False, doc="Whose key, for what.")
    key: Mapped[str] = column(Code, primary_key=True, personal=False, doc="What the client sent.")
    digest: Mapped[bytes] = column(LargeBinary, doc="Tells other arguments from the same.")
    result: Mapped[Any] = column(Json, nullable=True, personal=True, doc="What the unit returned.")
    at: Mapped[datetime] = column(doc="When it was used.")


table = table_of(Idempotency)

_KEPT = [(name, table.c[name].type) for name in ("result", "scope", "key")]

KEPT = timedelta(days=7)
"""How long a key is good for; then it is forgotten, and would count as new."""


def taken(key: IdempotencyKey, at: datetime, result: Any, dialect: Dialect) -> Part:
    """The part that takes a key; it fails where somebody has it already."""
    row = {"scope": key.scope, "key": key.key, "digest": key.digest, "result": result, "at": at}
    return inserted(table, [row], dialect)


async def claim(transaction: Transaction, key: IdempotencyKey, at: datetime, result: Any) -> bool:
    """Takes the key, and waits for whoever is taking it; says whether it was free."""
    part = taken(key, at, result, transaction.dialect)
    unless_there = f"{part.kind.write(Sql(transaction.dialect))} ON CONFLICT DO NOTHING"
    return await transaction.execute(unless_there, part.runs[0]) == 1


def kept(key: IdempotencyKey, result: Any, dialect: Dialect) -> Part:
    """The part that stores the result of a unit that took its key before it had one."""
    values = Binding.of(_KEPT, dialect).row({"result": result, "scope": key.scope, "key": key.key})

    def write(sql: Sql) -> str:
        result, scope, name = [f"{sql.name(name)} = {sql.place(kind)}" for name, kind in _KEPT]
        return f"UPDATE {sql.name(table)} SET {result} WHERE {scope} AND {name}"  # noqa: S608  names

    return Part(Kind((table, "kept"), write, table.name), [values])


async def stored(reader: Reader, key: IdempotencyKey) -> tuple[Any] | None:
    """The result that was stored under this key, if it was used.

    Raises:
        IdempotencyMismatch: It was used for something else.
    """
    found = await reader.fetch(select(table.c.digest, table.c.result).where(*_same(key)))
    if not found:
        return None
    if bytes(found[0][0]) != key.digest:
        raise IdempotencyMismatch(
            "This idempotency key was used with other arguments.", field="idempotencyKey"
        )
    return (found[0][1],)


def _same(key: IdempotencyKey) -> list[Any]:
    return [table.c.scope == key.scope, table.c.key == key.key]
