"""Two records become one: whatever points to the one points to the other from then on.

Nobody lists tables: the keys of all loaded plugins say what points where. Rows that a key
allows but once are folded, column by column as each declares it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Index, Table, and_, select, text, true

from crmkit.store.erasing import named
from crmkit.store.reach import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Select, Subquery

    from crmkit.host.context import Context

_STANDING = frozenset({"created_at", "updated_at", "version"})


async def join(
    context: Context[Any], into: str, record: str, kind: Table, tables: Sequence[Table]
) -> None:
    """Has all rows of these tables that point to a record of a kind point to another one.

    Both are held by the caller, so that nobody adds rows to them meanwhile.
    """
    for key in keys_to(kind, tables):
        for unique in _uniques(key, context.host.database.name):
            for pair in await _pairs(context, unique, into, record):
                await _fold(context, pair, tables)
        model = key.table.info["model"]
        context.write.update(model, where=key == record, set=named(model, {key.name: into}))


def keys_to(kind: Table, tables: Sequence[Table]) -> Iterator[Column[Any]]:
    """The columns that point to records of a kind, those of dependent tables first."""
    meant = f"core.{kind.info['model'].__name__}"
    for table in reversed(tables):
        for each in table.columns:
            points = any(key.column.table is kind for key in each.foreign_keys)
            if points or each.info.get("reference") == meant:
                yield each


@dataclass(frozen=True)
class _Unique:
    """Columns that no two rows share, and of which rows that is said."""

    key: Column[Any]
    others: tuple[str, ...]
    where: str | None = None


@dataclass(frozen=True)
class _Pair:
    """Two rows that would share what no two rows may: the one that stays, and the other."""

    table: Table
    kept: Mapping[str, Any]
    gone: Mapping[str, Any]
    alike: frozenset[str]


def _uniques(key: Column[Any], engine: str) -> Iterator[_Unique]:
    table: Table = key.table
    for constraint in table.constraints:
        names = [each.name for each in getattr(constraint, "columns", ())]
        if key.name in names and constraint.__visit_name__ in _UNIQUE:
            yield _unique(key, names)
    for index in table.indexes:
        names = [each.name for each in index.columns]
        if index.unique and key.name in names:
            yield _unique(key, names, _condition(index, engine))


_UNIQUE = ("primary_key_constraint", "unique_constraint")


def _unique(key: Column[Any], names: Sequence[str], where: str | None = None) -> _Unique:
    return _Unique(key, tuple(each for each in names if each != key.name), where)


def _condition(index: Index, engine: str) -> str | None:
    where = index.dialect_options[engine]["where"]
    return None if where is None else str(where)


async def _pairs(context: Context[Any], unique: _Unique, into: str, record: str) -> list[_Pair]:
    table: Table = unique.key.table
    kept, gone = _rows(unique, into), _rows(unique, record)
    same = and_(true(), *[kept.c[name] == gone.c[name] for name in unique.others])
    both = select(*kept.c, *gone.c).select_from(kept.join(gone, same)).with_for_update()
    names, alike = [each.name for each in table.columns], frozenset(unique.others)
    return [
        _Pair(
            table,
            dict(zip(names, row[: len(names)], strict=True)),
            dict(zip(names, row[len(names) :], strict=True)),
            alike | {unique.key.name},
        )
        for row in await context.fetch(both, EVERYTHING)
    ]


def _rows(unique: _Unique, record: str) -> Subquery:
    wanted: Select[Any] = select(unique.key.table).where(unique.key == record)
    return (wanted.where(text(unique.where)) if unique.where else wanted).subquery()


async def _fold(context: Context[Any], pair: _Pair, tables: Sequence[Table]) -> None:
    """Makes one row of two: what points to the one that goes points to the other one."""
    table, model = pair.table, pair.table.info["model"]
    keys = [each.name for each in table.primary_key.columns]
    if len(keys) == 1 and pair.kept[keys[0]] != pair.gone[keys[0]]:
        await join(context, pair.kept[keys[0]], pair.gone[keys[0]], table, tables)
    context.write.delete(model, where=_same(table, pair.gone))
    taken, added = _folded(pair, {*keys, *pair.alike, *_STANDING})
    if taken or added:
        key = tuple(pair.kept[name] for name in keys)
        context.write.change(model, key, set=named(model, taken), add=named(model, added))


def _same(table: Table, row: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*[each == row[each.name] for each in table.primary_key.columns])


def _folded(pair: _Pair, but: set[str]) -> tuple[dict[str, Any], dict[str, int]]:
    """What is to be set of the row that stays, and what is to be added to it."""
    taken: dict[str, Any] = {}
    added: dict[str, int] = {}
    for column in pair.table.columns:
        kept, gone = pair.kept[column.name], pair.gone[column.name]
        how = column.info.get("merge")
        if column.name in but or "companion_of" in column.info or gone is None:
            continue
        if kept is None:
            taken[column.name] = gone
        elif how == "sum":
            added[column.name] = gone
        elif how in ("least", "greatest"):
            taken[column.name] = (min if how == "least" else max)(kept, gone)
    return taken, added
