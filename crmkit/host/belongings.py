"""Which rows belong to a record, in all tables of all plugins: their keys say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, Table, or_, select

from crmkit.store.reach import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Way:
    """A key by which rows belong to a record, or to rows that do."""

    key: Column[Any]
    owner: Belonging | None = None


@dataclass(frozen=True)
class Belonging:
    """A table in which rows can belong to a record."""

    table: Table
    ways: tuple[Way, ...]

    def of(self, record: str) -> ColumnElement[bool]:
        """That a row belongs to this record."""
        return or_(*[self._by(way, record) for way in self.ways])

    def _by(self, way: Way, record: str) -> ColumnElement[bool]:
        if way.owner is None:
            return way.key == record
        [id_] = way.owner.table.primary_key.columns
        return way.key.in_(select(id_).where(way.owner.of(record)))


def belongings(kind: Table, tables: Sequence[Table]) -> list[Belonging]:
    """The tables in which rows belong to records of a kind: directly, or as their scope says."""
    found: dict[Table, Belonging] = {}
    for table in tables:
        if table is not kind and (ways := tuple(_ways(table, kind, found))):
            found[table] = Belonging(table, ways)
    return list(found.values())


def _ways(table: Table, kind: Table, found: dict[Table, Belonging]) -> Iterator[Way]:
    named = f"core.{kind.info['model'].__name__}"
    for column in table.columns:
        targets = [key.column.table for key in column.foreign_keys]
        if kind in targets or column.info.get("reference") == named:
            yield Way(column)
        elif column.name in scope_of(table).keys:
            yield from (Way(column, found[each]) for each in targets if each in found)
