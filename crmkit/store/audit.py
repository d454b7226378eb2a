"""Who did what and when: what a unit of work leaves behind, written together with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from crmkit.store.arrays import Sql, in_columns
from crmkit.store.column_types import Code, CurrentTransaction, Json, instant
from crmkit.store.database import Base, Record, column, or_null, reference, table_of
from crmkit.store.groups import inserted
from crmkit.store.parts import Kind, Part
from crmkit.store.trail import Entry, Owner, Trail, owner_sql
from crmkit.values import ids
from crmkit.values.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Dialect, Table


@dataclass(slots=True)
class Origin:
    """Where a unit of work comes from: who acts, by which operation, in which request."""

    actor: str
    operation: str
    request_id: str
    key: str | None = None


class Audit(Record):
    """What a unit of work did that concerns one record; it never changes."""

    __tablename__ = "audit"
    __append_only__ = True
    __audited__ = False
    __scope__ = or_null("about", outlives=True)
    __table_args__ = (
        Index("ix_audit_about", "about", "created_at", "id"),
        Index("ix_audit_transaction", "transaction"),
    )

    about: Mapped[str | None] = reference(
        "core.Customer",
        scoped_by="customer",
        personal=False,
        default=None,
        doc="Whom it concerns, unless that is nobody.",
    )
    actor: Mapped[str] = column(Code, personal=False, filterable=True, doc="Who acted.")
    key: Mapped[str | None] = column(
        Code, personal=False, default=None, doc="The API key that spoke for the actor, if one did."
    )
    operation: Mapped[str] = column(
        Code, personal=False, filterable=True, doc="By which operation, or handler of an event."
    )
    request_id: Mapped[str] = column(Code, personal=False, doc="In which request.")
    record: Mapped[str | None] = column(
        Code, personal=False, default=None, doc="The record that the operation was about."
    )
    changes: Mapped[Any] = column(
        Json, personal=False, doc="Which records and columns, and what nobody has to erase."
    )
    count: Mapped[int] = column(Integer, doc="How many records; more than it names, in a bulk.")
    digest: Mapped[bytes | None] = column(
        LargeBinary, default=None, doc="SHA-256 of the text beside it, if there is one."
    )
    mac: Mapped[bytes] = column(LargeBinary, doc="MAC of all this but whom it concerns.")
    # By it the sealer finds what was committed: see `Sealer`.
    transaction: Mapped[int | None] = mapped_column(
        BigInteger, server_default=CurrentTransaction(), init=False
    )


class AuditText(Base):
    """What an entry tells of persons, apart: erasing a person empties this."""

    __tablename__ = "audit_text"
    __audited__ = False

    audit_id: Mapped[str] = column(
        ForeignKey("audit.id"), primary_key=True, doc="The entry that it belongs to."
    )
    said: Mapped[Any] = column(
        Json, nullable=True, personal=True, default=None, doc="Values by their record."
    )


_TABLE, _TEXT = table_of(Audit), table_of(AuditText)
_CODE = Code()
_sealed = itemgetter("id", "actor", "key", "operation", "request_id", "record", "changes", "count")


class Auditor:
    """Writes down what units did, each entry with a MAC of its own: nobody waits for another."""

    def __init__(self, secret: str) -> None:
        # Apart from what else is sealed with the same secret.
        self._key = hashlib.sha256(b"audit:" + secret.encode()).digest()

    def parts(
        self, origin: Origin, at: datetime, trail: Trail, record: str | None, dialect: Dialect
    ) -> list[Part]:
        """What tells of a unit that wrote something."""
        rows, texts, lookups = [], [], []
        for owner, entry in trail.entries().items():
            rows.append(row := self._row(origin, at, owner, entry, record))
            lookups.append(owner if owner and owner.table is not None else None)
            if entry.texts:
                texts.append({"audit_id": row["id"], "said": entry.texts})
        written = _looking_up(rows, lookups, dialect) if any(lookups) else None
        parts = [written or inserted(_TABLE, rows, dialect, may_wait=True)]
        if texts:
            parts.append(inserted(_TEXT, texts, dialect, may_wait=written is None))
        return parts

    def remark(
        self,
        origin: Origin,
        at: datetime,
        record: str | None,
        dialect: Dialect,
        about: str | None = None,
    ) -> Part:
        """What tells of something that wrote nothing and has to be known all the same."""
        owner = Owner(about) if about else None
        row = self._row(origin, at, owner, Entry(), record)
        return inserted(_TABLE, [row], dialect, may_wait=True)

    def mac_of(self, row: Mapping[str, Any]) -> bytes:
        """The MAC of an entry: over all of it but whom it concerns, which a merge changes."""
        digest = row["digest"] and bytes(row["digest"]).hex()
        return self.mac(canonical([*_sealed(row), instant(row["created_at"]), digest]))

    def mac(self, told: bytes) -> bytes:
        """A MAC that nobody makes who does not know the secret."""
        return hashlib.blake2b(told, key=self._key, digest_size=32).digest()

    def _row(
        self, origin: Origin, at: datetime, owner: Owner | None, entry: Entry, record: str | None
    ) -> dict[str, Any]:
        row = {
            "id": ids.new_id(_TABLE.name),
            "created_at": at,
            "about": owner.id if owner and owner.table is None else None,
            "actor": origin.actor,
            "key": origin.key,
            "operation": origin.operation,
            "request_id": origin.request_id,
            "record": record,
            # Written as text once, for its MAC and for its column.
            "changes": orjson.Fragment(canonical(entry.changes)),
            "count": entry.count,
            "digest": digest_of(entry.texts) if entry.texts else None,
        }
        row["mac"] = self.mac_of(row)
        return row


def canonical(told: Any) -> bytes:
    """JSON of which there is only one for the same things.

    Raises:
        Invalid: A text among them cannot be stored.
    """
    try:
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise Invalid("A text holds a character that cannot be stored.") from error


def digest_of(texts: Any) -> bytes:
    """The digest that stands in the chain for texts that can be erased."""
    return hashlib.sha256(canonical(texts)).digest()


def _looking_up(
    rows: Sequence[Mapping[str, Any]], lookups: Sequence[Owner | None], dialect: Dialect
) -> Part:
    """The part that writes entries of which only the database knows whom they concern."""
    tables = {each.table.name: each.table for each in lookups if each and each.table is not None}
    columns = [(each.name, each.type) for each in _TABLE.columns if not each.server_default]
    given = [*columns, ("found_in", _CODE), ("found_by", _CODE)]
    values = [
        [*[row[name] for name, _ in columns], *_found(owner)]
        for row, owner in zip(rows, lookups, strict=True)
    ]

    def write(sql: Sql) -> str:
        source = sql.rows(given)
        names = [sql.name(name) for name, _ in columns]
        cells = [f"coalesce(d.about, {cases(sql)})" if n == "about" else f"d.{n}" for n in names]
        return (
            f"INSERT INTO {sql.name(_TABLE)} ({', '.join(names)}) "  # noqa: S608  names
            f"SELECT {', '.join(cells)} FROM {source}"
        )

    def cases(sql: Sql) -> str:
        found = " ".join(_cases(tables, sql))
        return f"CASE d.found_in {found} END"

    kind = Kind((_TABLE, *sorted(tables)), write, _TABLE.name, locks=False)
    return Part(kind, [in_columns(given, values, dialect)])


def _found(owner: Owner | None) -> tuple[str | None, str | None]:
    return (owner.table.name, owner.id) if owner and owner.table is not None else (None, None)


def _cases(tables: Mapping[str, Table], sql: Sql) -> Iterator[str]:
    for name, table in sorted(tables.items()):
        yield f"WHEN '{name}' THEN {owner_sql(table, sql, 'd.found_by')}"
