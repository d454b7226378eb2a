"""All rows of a company in memory, as far as somebody who asks may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Table, select

from crmkit.store.reach import EVERYTHING, scope_of, target_of
from crmkit.store.statements import template
from crmkit.testing import Trial


@dataclass(frozen=True)
class Unreadable:
    """What stands in a column although its type does not allow it; it has no name."""

    value: Any
    name: None = None


@dataclass(eq=False)
class Row:
    """A row of a table; its columns are read like the items of a dict."""

    table: str
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    @property
    def id(self) -> str:
        return str(self.values["id"])


@dataclass(eq=False)
class World:
    """The rows that nobody has deleted, neither themselves nor whose they are."""

    rows: dict[str, list[Row]]
    keys: dict[str, str] = field(default_factory=dict)
    """The primary key of each table."""
    hidden: list[str] = field(default_factory=list)
    """Ids of customers who are not seen."""
    _pointing: dict[tuple[str, str], dict[str, list[Row]]] = field(default_factory=dict)

    @classmethod
    async def of(
        cls, t: Trial, tables: Iterable[Table], sees: Callable[[Row], bool] = bool
    ) -> World:
        """What somebody sees who sees these customers."""
        tables = list(tables)
        rows = {}
        for table in tables:
            rows[table.name] = await _read(t, table)
        keys = {each.name: next(iter(each.primary_key.columns)).name for each in tables}
        hidden = sorted(row.id for row in rows["customer"] if row["deleted_at"] is not None)
        everybody = rows["customer"]
        rows["customer"] = [each for each in everybody if sees(each)]
        are_all = len(rows["customer"]) == len(everybody)
        named = {each.name: each for each in tables}
        made = cls(_seen(rows, named, keys, are_all=are_all), keys, hidden)
        made.whole = cls(_seen(rows, named, keys, are_all=are_all, deleted=True), keys, hidden)
        return made

    @cached_property
    def whole(self) -> World:
        """The same with all that is deleted."""
        raise AssertionError("It is made with the world.")

    @cached_property
    def by_key(self) -> dict[str, dict[str, Row]]:
        return {
            table: {row[self.keys[table]]: row for row in rows} for table, rows in self.rows.items()
        }

    def one(self, table: str, key: str | None) -> Row | None:
        """The row of this primary key, which is nowhere where there is no key."""
        return None if key is None else self.by_key.get(table, {}).get(key)

    def pointing(self, table: str, column: str, key: str) -> list[Row]:
        """The rows that point to this key, found again by whoever asks a second time."""
        if (table, column) not in self._pointing:
            index: dict[str, list[Row]] = {}
            for row in self.rows[table]:
                index.setdefault(row[column], []).append(row)
            self._pointing[table, column] = index
        return self._pointing[table, column].get(key, [])


async def _read(t: Trial, table: Table) -> list[Row]:
    database = t.host.database
    names = [each.name for each in table.columns]
    made = template(select(table), database.dialect)
    found = await database.rows(made.sql, made.arguments(EVERYTHING.told))
    readers = dict(made.processors)
    return [
        Row(
            table.name,
            {
                name: _value(readers.get(place), value)
                for place, (name, value) in enumerate(zip(names, values, strict=True))
            },
        )
        for values in found
    ]


def _value(read: Callable[[Any], Any] | None, value: Any) -> Any:
    try:
        return read(value) if read else value
    except ValueError:
        return Unreadable(value)


def _seen(
    rows: Mapping[str, list[Row]],
    tables: Mapping[str, Table],
    keys: Mapping[str, str],
    *,
    are_all: bool,
    deleted: bool = False,
) -> dict[str, list[Row]]:
    """Leaves out what is deleted or not seen, and what belongs to that.

    What outlives its customer stays for those who see them all (`are_all`).
    """
    left: dict[str, dict[str, Row]] = {}

    def of(name: str) -> dict[str, Row]:
        if name not in left:
            scope = scope_of(tables[name])
            owners = [(key, target_of(tables[name], key).name) for key in scope.keys]
            nobodys = scope.kind == "or_null"
            owners = [] if scope.outlives and are_all else owners
            left[name] = {
                row[keys[name]]: row
                for row in rows[name]
                if (deleted or not scope.deleted or row[scope.deleted] is None)
                and all(
                    row[key] in of(owner) or (nobodys and row[key] is None) for key, owner in owners
                )
            }
        return left[name]

    return {name: list(of(name).values()) for name in tables}
