"""Changes of rows by their keys: folded, guarded, and told apart when one fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, select

from crmkit.store.arrays import Sql, bound, in_columns
from crmkit.store.groups import Group, Key, noun_of
from crmkit.store.parts import Kind, Part
from crmkit.store.trail import Act, Trace
from crmkit.values.errors import Conflict, Failure, NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Dialect, Table

    from crmkit.store.drivers import Transaction

_NUMBER = BigInteger()


@dataclass
class Entry:
    """The changes of one row, folded; what was said stays, to tell who failed."""

    set: dict[str, Any]
    add: dict[str, int]
    expected: int | None
    said: list[tuple[dict[str, int], Failure | None]] = field(default_factory=list)
    was: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Shape:
    """What changes must have in common to be one statement."""

    set: tuple[str, ...]
    add: tuple[str, ...]
    at_least: int | None
    falling: bool
    versioned: bool
    expecting: bool

    @property
    def folds(self) -> bool:
        """Whether two changes of one row are as good as their sum.

        Steps that only go down end at their lowest: if the sum stays above the floor,
        so does every step. Of other guarded changes that is not true.
        """
        return not self.expecting and (self.at_least is None or self.falling)


class Changes(Group):
    """Changes of rows by their keys."""

    def __init__(self, table: Table, shape: Shape, at: datetime) -> None:
        super().__init__(table, frozenset([table.name]))
        self.shape = shape
        self.entries: dict[Key, Entry] = {}
        self._at = at
        self._key = list(table.primary_key.columns)

    def takes(self, key: Key) -> bool:
        return self.shape.folds or key not in self.entries

    def put(self, key: Key, entry: Entry) -> None:
        there = self.entries.setdefault(key, entry)
        if there is not entry:
            there.set.update(entry.set)
            for name, number in entry.add.items():
                there.add[name] += number
            there.said += entry.said
            there.was = {**entry.was, **there.was}

    def part(self, dialect: Dialect) -> Part:
        # SQLite takes a row of JSON apart as long as it takes to change five rows.
        return self._whole(dialect) if dialect.name == "postgresql" else self._singly(dialect)

    def traces(self) -> Iterable[Trace]:
        names = [each.name for each in self._key]
        for key, entry in self.entries.items():
            known = dict(zip(names, key, strict=True))
            yield Trace(self.table, Act.CHANGED, known, entry.set, entry.was, entry.add)

    async def _run(self, transaction: Transaction) -> None:
        part = self._whole(transaction.dialect)
        changed = {tuple(each) for each in await transaction.returned(part)}
        for key, entry in self.entries.items():
            if self._bound(key, transaction.dialect) not in changed:
                raise await self._failure(transaction, key, entry)

    def _whole(self, dialect: Dialect) -> Part:
        """One statement for all rows, which says which of them it has changed."""
        columns, rows = self._rows()
        values = self._moment(dialect) + in_columns(columns, rows, dialect)
        kind = Kind((self.table, self.shape), self._text, self.table.name)
        return Part(kind, [values], len(self.entries))

    def _singly(self, dialect: Dialect) -> Part:
        """A statement that is run once for each row."""
        columns, rows = self._rows()
        places = {alias: index for index, (alias, _) in enumerate(columns)}
        order = [places[alias] for alias in self._order()]
        values = [
            bound([row[index] for row in rows], kind, dialect)
            for index, (_, kind) in enumerate(columns)
        ]
        runs = [
            [*self._moment(dialect), *each]
            for each in zip(*[values[index] for index in order], strict=True)
        ]
        kind = Kind((self.table, self.shape, "singly"), self._text_singly, self.table.name)
        return Part(kind, runs, len(self.entries))

    def _moment(self, dialect: Dialect) -> list[Any]:
        """When a row that counts its versions was changed last."""
        if not self.shape.versioned:
            return []
        return bound([self._at], self.table.columns["updated_at"].type, dialect)

    def _order(self) -> list[str]:
        """The aliases of all values in the order of their places."""
        added, taken = self._columns("add"), self._columns("set")
        times = ["times"] if self.shape.versioned else []
        expected = ["expected"] if self.shape.expecting else []
        floored = [] if self.shape.at_least is None else [alias for _, alias in added]
        keys = [f"k{index}" for index in range(len(self._key))]
        return [*times, *[each for _, each in taken + added], *keys, *expected, *floored]

    def _text_singly(self, sql: Sql) -> str:
        c = self.table.columns
        added, taken = self._columns("add"), self._columns("set")
        changes, where = (
            [],
            [f"{sql.name(each.name)} = {sql.place(each.type)}" for each in self._key],
        )
        if self.shape.versioned:
            changes.append(f"updated_at = {sql.place(c.updated_at.type)}")
            changes.append(f"version = version + {sql.place(_NUMBER)}")
        changes += [f"{sql.name(name)} = {sql.place(c[name].type)}" for name, _ in taken]
        more = [f"{sql.name(name)} + {sql.place(c[name].type)}" for name, _ in added]
        changes += [
            f"{sql.name(name)} = {each}" for (name, _), each in zip(added, more, strict=True)
        ]
        if self.shape.expecting:
            where.append(f"version = {sql.place(_NUMBER)}")
        if self.shape.at_least is not None:
            where += [f"{each} >= {self.shape.at_least:d}" for each in more]
        return (
            f"UPDATE {sql.name(self.table)} SET {', '.join(changes)} "  # noqa: S608  columns
            f"WHERE {' AND '.join(where)}"
        )

    def _text(self, sql: Sql) -> str:
        c = self.table.columns
        added, taken = self._columns("add"), self._columns("set")
        changes = [f"{sql.name(name)} = d.{alias}" for name, alias in taken]
        changes += [f"{sql.name(name)} = t.{sql.name(name)} + d.{alias}" for name, alias in added]
        if self.shape.versioned:
            changes.append(f"updated_at = {sql.place(c.updated_at.type)}")
            changes.append("version = t.version + d.times")
        keys = [sql.name(each.name) for each in self._key]
        where = [f"t.{name} = d.k{index}" for index, name in enumerate(keys)]
        if self.shape.expecting:
            where.append("t.version = d.expected")
        if self.shape.at_least is not None:
            floor = self.shape.at_least
            where += [f"t.{sql.name(name)} + d.{alias} >= {floor:d}" for name, alias in added]
        source = sql.rows(self._rows()[0])
        return (
            f"UPDATE {sql.name(self.table)} AS t SET {', '.join(changes)} "  # noqa: S608  columns
            f"FROM {source} WHERE {' AND '.join(where)} RETURNING {', '.join(keys)}"
        )

    def _columns(self, which: str) -> list[tuple[str, str]]:
        """Columns and what the arrays call them."""
        names = self.shape.add if which == "add" else self.shape.set
        return [(name, f"{which[0]}{index}") for index, name in enumerate(names)]

    def _rows(self) -> tuple[list[tuple[str, Any]], list[list[Any]]]:
        c = self.table.columns
        added, taken = self._columns("add"), self._columns("set")
        columns = [(f"k{index}", each.type) for index, each in enumerate(self._key)]
        columns += [(alias, c[name].type) for name, alias in taken + added]
        columns += [("times", _NUMBER), ("expected", _NUMBER)]
        # Sorted, so that two units lock rows in one order.
        rows = [
            [
                *key,
                *[entry.set[name] for name, _ in taken],
                *[entry.add[name] for name, _ in added],
                len(entry.said),
                entry.expected,
            ]
            for key, entry in sorted(self.entries.items(), key=lambda each: str(each[0]))
        ]
        return columns, rows

    def _bound(self, key: Key, dialect: Dialect) -> Key:
        pairs = zip(key, self._key, strict=True)
        return tuple(bound([value], column.type, dialect)[0] for value, column in pairs)

    async def _failure(self, transaction: Transaction, key: Key, entry: Entry) -> Failure:
        """Why the row of this key was left alone; the others were changed already."""
        names = [*self.shape.add, *(["version"] if self.shape.expecting else [])]
        same = [each == value for each, value in zip(self._key, key, strict=True)]
        columns = [self.table.columns[name] for name in names] or self._key
        found = await transaction.fetch(select(*columns).where(*same))
        if not found:
            said = next((otherwise for _, otherwise in entry.said if otherwise), None)
            return said or NotFound(f"There is no {noun_of(self.table)} {key[0]}.")
        now = dict(zip(names, found[0], strict=False))
        if self.shape.expecting and now["version"] != entry.expected:
            current = {"current": now["version"]}
            message = f"This {noun_of(self.table)} has changed meanwhile."
            return Conflict(message, field="version", params=current)
        return self._fallen(now, entry)

    def _fallen(self, now: dict[str, Any], entry: Entry) -> Failure:
        """The failure of the first step that would have gone below the floor."""
        floor = self.shape.at_least
        for steps, otherwise in entry.said:
            for name, number in steps.items():
                now[name] = None if now[name] is None else now[name] + number
            if floor is None or any(now[each] is None or now[each] < floor for each in steps):
                return otherwise or Refused(
                    f"This would take a {noun_of(self.table)} below {floor}."
                )
        return Conflict(f"This {noun_of(self.table)} has changed meanwhile.")
