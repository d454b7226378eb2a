"""What a unit takes for granted: the very statement that writes finds out if it is so."""

from __future__ import annotations

from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any

from crmkit.store.arrays import Binding, Sql, bound
from crmkit.store.database import Base, table_of
from crmkit.store.parts import Kind, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Dialect

_TEXTS = {str, NoneType}

Remembered = tuple[tuple[str, Any], ...]
"""Some columns of a row, its key among them, and what they hold."""


class Unfounded(Exception):
    """Something that a unit took for granted is not so; nothing of it took effect."""


def found(sql: str, arguments: Sequence[Any], count: int) -> Part:
    """That a statement of the driver's own SQL finds so many rows; it can only stand first."""
    # What else there may be, has a type that only its text knows.
    return Part(
        _finds(sql, count, len(arguments), {*map(type, arguments)} <= _TEXTS), [arguments], count
    )


@lru_cache(1_000)
def _finds(sql: str, count: int, places: int, merges: bool) -> Kind:
    return Kind(
        (sql, count), lambda each: each.first(sql, places), None, locks=False, merges=merges
    )


def absent(model: type[Base], values: Sequence[Any], dialect: Dialect) -> Part:
    """That no row has one of these keys."""
    [key] = table_of(model).primary_key.columns
    bound_values = bound(list(values), key.type, dialect)

    def write(sql: Sql) -> str:
        places = ", ".join(sql.place(key.type) for _ in values)
        return f"SELECT 1 FROM {sql.name(key.table)} WHERE {sql.name(key.name)} IN ({places})"  # noqa: S608  columns

    name = (key.table, "absent", len(values))
    return Part(Kind(name, write, None, locks=False, merges=True), [bound_values], 0)


@lru_cache(1_000)
def unchanged(model: type[Base], rows: tuple[Remembered, ...], dialect: Dialect) -> Part:
    """That rows still are as they are remembered; it is one for all units that do so."""
    table, names = table_of(model), tuple(name for name, _ in rows[0])
    binding = Binding.of([(name, table.c[name].type) for name in names], dialect)
    values = [each for row in rows for each in binding.row(dict(row))]

    def write(sql: Sql) -> str:
        columns = [(name, table.c[name].type) for name in names]
        same = "IS NOT DISTINCT FROM" if dialect.name == "postgresql" else "IS"
        # An index serves `=` alone.
        tests = [
            " AND ".join(
                f"{sql.name(name)} {'=' if table.c[name].primary_key else same} {sql.place(kind)}"
                for name, kind in columns
            )
            for _ in rows
        ]
        return f"SELECT 1 FROM {sql.name(table)} WHERE {' OR '.join(tests)}"  # noqa: S608  columns

    name = (table, len(rows), names)
    return Part(Kind(name, write, None, locks=False, merges=True), [values], len(rows))
