"""What a unit does, told by its writes: to which records and columns, and whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import cache, lru_cache
from operator import eq
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BinaryExpression,
    BindParameter,
    Boolean,
    ClauseElement,
    Column,
    Integer,
    LargeBinary,
    Table,
)
from sqlalchemy.sql.elements import BooleanClauseList
from sqlalchemy.sql.operators import and_, in_op

from crmkit.store.arrays import Sql, in_columns
from crmkit.store.column_types import Choice, Code, UtcDateTime, instant
from crmkit.store.reach import scope_of, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crmkit.store.drivers import Transaction
    from crmkit.store.groups import Group

MOST = 100
"""Records that one entry names; of the others it tells the number."""

_CODE = Code()
_OPEN_KINDS = (Choice, Boolean, Integer, BigInteger, UtcDateTime)

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Act(Enum):
    """What was done to a record."""

    CREATED = "created"
    """It is new."""
    CHANGED = "changed"
    """Some of its columns got other values."""
    DELETED = "deleted"
    """It is gone."""


_CREATED = Act.CREATED.value


class Trace(NamedTuple):
    """What a write does to a row, or to all rows that fulfil its condition.

    `known` is what is known of the row itself; nothing, where only the database knows which
    rows are meant. What is changed by an expression has that in the place of its value.
    """

    table: Table
    act: Act
    known: Mapping[str, Any]
    after: Mapping[str, Any] = _NOTHING
    before: Mapping[str, Any] = _NOTHING
    added: Mapping[str, int] = _NOTHING


class Owner(NamedTuple):
    """Whom an entry concerns: this record, or else whose this row of a table is."""

    id: str
    table: Table | None = None


@dataclass(slots=True)
class Entry:
    """What a unit did that concerns one record, or nobody; `texts` are about persons."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    texts: dict[str, dict[str, Any]] = field(default_factory=dict)
    count: int = 0

    def take(self, other: Entry) -> None:
        """Adds what another entry tells."""
        self.changes = (self.changes + other.changes)[:MOST]
        self.texts |= other.texts
        self.count += other.count


class Trail:
    """Collects what the writes of one unit did, by whom they concern."""

    def __init__(self) -> None:
        self._entries: dict[Owner | None, Entry] = {}
        self._owners: dict[str, Owner | None] = {}
        self._persons: dict[str, tuple[Owner | None, ...]] = {}
        self._leaving: dict[Table, list[str]] = {}
        self._created: set[str] = set()
        self._noted: list[Group] = []
        self._is_trodden = False

    def __bool__(self) -> bool:
        """Whether the unit has written anything at all."""
        return self._is_trodden

    def note(self, groups: Sequence[Group]) -> None:
        """Takes down what is about to be written."""
        self._noted += groups
        self._is_trodden = self._is_trodden or bool(groups)

    async def settle(self, transaction: Transaction) -> None:
        """Asks whose the rows are that are about to go; afterwards nobody could say."""
        self._look()
        leaving, self._leaving = self._leaving, {}
        for table, ids in leaving.items():
            sql, columns = Sql(transaction.dialect), [("id", _CODE)]
            source = sql.rows(columns)
            asked = f"SELECT d.id, {owner_sql(table, sql, 'd.id')} FROM {source}"  # noqa: S608  names
            values = in_columns(columns, [[each] for each in ids], transaction.dialect)
            for id_, about in await transaction.rows(asked, values):
                known = Owner(about) if about else None
                if entry := self._entries.pop(Owner(id_, table), None):
                    self._entries.setdefault(known, Entry()).take(entry)
                self._owners[id_] = known

    def entries(self) -> dict[Owner | None, Entry]:
        """One entry for each record that is concerned, one for what concerns nobody."""
        self._look()
        found = self._entries
        if None in found and len(found) == 2:
            # What else a unit did belongs to the only one that it was about.
            rest = found.pop(None)
            next(iter(found.values())).take(rest)
        return found or {None: Entry()}

    def _look(self) -> None:
        """Looks at what was taken down and not looked at yet."""
        noted, self._noted = self._noted, []
        for group in noted:
            place = _place(group.table)
            if place.is_audited:
                self._note_new(place, group.new)
                for each in group.traces():
                    self._note(place, each)

    def _note_new(self, place: Place, rows: Sequence[Mapping[str, Any]]) -> None:
        """Notes new rows, without a trace for each of the thousands that a bulk brings."""
        name, created = place.table.name, self._created
        key, is_side, entries = place.key, place.is_side, self._entries
        for row in rows:
            record = row[key] if key else None
            if is_side and record in created:
                continue  # It is a part of the record that it stands beside.
            if record is not None:
                created.add(record)
            for owner in self._owners_of(place, row, record):
                entry = entries.get(owner) or self._entry(owner)
                entry.count += 1
                if len(entry.changes) < MOST:
                    told = {"table": name, "act": _CREATED}
                    if record is not None:
                        told["record"] = record
                    entry.changes.append(told)

    def _note(self, place: Place, trace: Trace) -> None:
        record = trace.known.get(place.key) if place.key else None
        for owner in self._owners_of(place, trace.known, record):
            if trace.act is Act.DELETED and owner and owner.table is not None:
                self._leaving.setdefault(owner.table, []).append(owner.id)
            entry = self._entry(owner)
            entry.count += 1
            if len(entry.changes) < MOST:
                _tell(entry, trace, record)

    def _entry(self, owner: Owner | None) -> Entry:
        found = self._entries.get(owner)
        if found is None:
            found = self._entries[owner] = Entry()
        return found

    def _owners_of(
        self, place: Place, known: Mapping[str, Any], record: str | None
    ) -> Sequence[Owner | None]:
        """Whom a row concerns, each once; whoever asks for what hangs on it will know."""
        # Mostly a row says itself whose it is, and many say the same.
        if place.leads and (said := known.get(place.leads)) is not None:
            owners = self._persons.get(said)
            if owners is None:
                owners = self._persons[said] = (Owner(said),)
        elif len(place.keys) == 1:
            owners = (self._behind(place, *place.keys[0], known, record),)
        else:
            owners = tuple(dict.fromkeys(self._of(place, known, record)))
        if record is not None and not place.is_root:
            self._owners[record] = owners[0]
        return owners

    def _of(self, place: Place, known: Mapping[str, Any], record: str | None) -> list[Owner | None]:
        """Whom a row concerns, at least one; several where it stands between them."""
        if place.is_root:
            return [None if record is None else Owner(record)]
        return [self._behind(place, *each, known, record) for each in place.keys] or [None]

    def _behind(
        self,
        place: Place,
        key: str,
        parent: Table | None,
        known: Mapping[str, Any],
        record: str | None,
    ) -> Owner | None:
        if (value := known.get(key)) is not None:
            return Owner(value) if parent is None else self._owner(parent, value)
        if key in known or record is None:
            return None
        return self._owner(place.table, record)

    def _owner(self, table: Table, record: str) -> Owner | None:
        """Whose this record is, as far as the unit knows; else the database will."""
        if record not in self._owners:
            self._owners[record] = Owner(record, table)
        return self._owners[record]


@dataclass(frozen=True)
class Place:
    """How rows of a table stand to the records that scopes are about."""

    table: Table
    key: str | None
    keys: tuple[tuple[str, Table | None], ...]
    is_root: bool
    is_side: bool
    is_audited: bool
    leads: str | None
    """Its only key, if that names the record itself."""


@cache
def _place(table: Table) -> Place:
    scope = scope_of(table)
    is_root = scope.kind == "root"
    targets = [(key, target_of(table, key)) for key in scope.keys]
    key = [each.name for each in table.primary_key.columns]
    keys = tuple((name, None if _is_root(target) else target) for name, target in targets)
    own = key[0] if len(key) == 1 else None
    leads = keys[0][0] if len(keys) == 1 and keys[0][1] is None else None
    return Place(
        table,
        own,
        keys,
        is_root,
        len(key) == 1 and bool(table.c[key[0]].foreign_keys),
        table.info["model"].__audited__,
        own if is_root else leads,
    )


def _is_root(table: Table) -> bool:
    return scope_of(table).kind == "root"


def named_rows(table: Table, where: ClauseElement | None) -> list[dict[str, Any]]:
    """What a condition says of the rows it means: their key, or whose they are."""
    place = _place(table)
    said = dict(_equal(table, where))
    for name in (place.key, *[key for key, _ in place.keys]):
        if name in said:
            return [{name: each} for each in said[name]]
    return []


def _equal(table: Table, where: Any) -> Iterator[tuple[str, Any]]:
    """The columns that a condition compares with values, and these."""
    if isinstance(where, BooleanClauseList) and where.operator is and_:
        for each in where.clauses:
            yield from _equal(table, each)
    elif isinstance(where, BinaryExpression) and isinstance(where.right, BindParameter):
        column, value = where.left, where.right.effective_value
        if isinstance(column, Column) and column.table.name == table.name:
            if where.operator is eq:
                yield column.name, [value]
            elif where.operator is in_op:
                yield column.name, value


def owner_sql(table: Table, sql: Sql, id_: str) -> str:
    """The record that a row of this table belongs to, by the row's id, as a scalar query."""
    [key, *_] = scope_of(table).keys
    target, [own] = target_of(table, key), [each.name for each in table.primary_key.columns]
    found = (
        f"(SELECT {sql.name(key)} FROM {sql.name(table)} "  # noqa: S608  names
        f"WHERE {sql.name(own)} = {id_})"
    )
    return found if _is_root(target) else owner_sql(target, sql, found)


# -- what may stand where --------------------------------------------------------------


def _tell(entry: Entry, trace: Trace, record: str | None) -> None:
    told: dict[str, Any] = {"table": trace.table.name, "act": trace.act.value}
    if record is not None:
        told["record"] = record
    entry.changes.append(told)
    if not (trace.after or trace.added):
        return
    said = _said(trace.table, frozenset([*trace.after, *trace.added]))
    if not said.names:
        return
    told["columns"] = said.names
    personal: dict[str, Any] = {}
    after = {**trace.after, **{name: f"{by:+d}" for name, by in trace.added.items()}}
    for when, values in (("before", trace.before), ("after", after)):
        for place, names in ((told, said.openly), (personal, said.apart)):
            if values and names and (found := _plainly(values, names)):
                place[when] = found
    if personal and record is not None:
        entry.texts[f"{trace.table.name}.{record}"] = personal


class _Said(NamedTuple):
    """What an entry says of columns that got other values: all their names, and whose values."""

    names: list[str]
    openly: list[str]
    apart: list[str]


@lru_cache(1_000)
def _said(table: Table, changed: frozenset[str]) -> _Said:
    columns = [table.c[name] for name in sorted(changed)]
    columns = [each for each in columns if "companion_of" not in each.info]
    told = [each for each in columns if not _hides(each)]
    return _Said(
        [each.name for each in columns],
        [each.name for each in told if is_open(each)],
        [each.name for each in told if not is_open(each)],
    )


def _hides(column: Column[Any]) -> bool:
    """Whether its values are secrets or what is kept of one."""
    return bool(column.info.get("secret")) or isinstance(column.type, LargeBinary)


def _plainly(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Those of these that are values at all; expressions are known to the database alone."""
    return {
        name: plain(values[name])
        for name in names
        if name in values and not isinstance(values[name], ClauseElement)
    }


def is_open(column: Column[Any]) -> bool:
    """Whether its values may stand in the chain, where nobody can erase them."""
    personal = column.info.get("personal")
    if personal is not None:
        return not personal
    return bool(column.primary_key or column.foreign_keys) or isinstance(column.type, _OPEN_KINDS)


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str | dict | list):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)
