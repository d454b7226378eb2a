"""Statements that take effect together: their text, made once for each kind, and values."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger
from sqlalchemy.util import LRUCache

from crmkit.store.arrays import Sql
from crmkit.store.cells import Cells, Unbound, in_cells, run_as_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Dialect

_MOST = 1_000  # texts kept

_merges = attrgetter("kind.merges")


@dataclass(slots=True, frozen=True, eq=False)
class Kind:
    """What parts have in common that differ in their values alone: their text, and what it does."""

    name: Hashable
    """Kinds of one name have one text."""
    write: Callable[[Sql], str]
    table: str | None
    """What it writes; a part that only looks shares with whatever is written."""
    shares: bool = True
    """Whether it can stand beside others in one statement."""
    may_wait: bool = False
    """Whether SQLite may write it after the units of a group, beside what others let wait.

    No statement of its unit reads it, and it fails only where all of the group fails.
    """
    locks: bool = True
    """Whether it locks rows that were there before, for which others may wait."""
    copies: Sequence[str] = ()
    """The columns of rows that PostgreSQL takes by COPY; each run is a row."""
    merges: bool = False
    """Whether one statement can do it for several units: it has one run."""


@dataclass(slots=True, eq=False)
class Part:
    """A statement, the values of each of its runs, and how many rows it has to touch."""

    kind: Kind
    values: Sequence[Sequence[Any]] | Unbound
    expected: int | None = None

    @property
    def runs(self) -> Sequence[Sequence[Any]]:
        """The values of each run, as a driver takes them."""
        return self.values.runs() if isinstance(self.values, Unbound) else self.values


class Undone(Exception):
    """A part touched other rows than it has to, so none of them took effect."""

    @classmethod
    def unless(cls, part: Part, touched: int) -> None:
        """Raises if this is not what the part expects."""
        if part.expected is not None and touched != part.expected:
            raise cls


class Texts:
    """The SQL of parts, kept by their kinds."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: LRUCache[Hashable, str] = LRUCache(_MOST)

    def alone(self, part: Part) -> str:
        """The statement of one part."""
        return self._text(part.kind.name, lambda: part.kind.write(Sql(self._dialect)))

    def together(self, parts: Sequence[Part]) -> str | None:
        """One statement of PostgreSQL that does what all parts do; nothing where none can."""
        kinds = tuple([(each.kind.name, each.expected is None) for each in parts])
        return self._text(kinds, lambda: _together(parts, Sql(self._dialect))) or None

    def merged(self, units: Sequence[Sequence[Part]]) -> str | None:
        """One statement of PostgreSQL for units whose parts are of the same kinds, if there is one.

        It costs PostgreSQL less than as many statements, each of which begins and ends anew.
        """
        places = [*zip(*units, strict=True)]
        if not all(_is_one(each) or all(map(_merges, each)) for each in places):
            return None
        kinds = tuple([(each[0].kind.name, _is_one(each)) for each in places])
        return self._text(("merged", kinds), lambda: _merged(places, Sql(self._dialect)))

    def _text(self, kind: Hashable, make: Callable[[], str]) -> str:
        known = self._known.get(kind)
        if known is None:
            known = self._known[kind] = make()
        return known


def values_of(parts: Sequence[Part]) -> list[Any]:
    """The values of all parts, as `Texts.together` numbers their places."""
    values: list[Any] = []
    for each in parts:
        for run in each.runs:
            values += run
    return values + [each.expected for each in parts if each.expected is not None]


def values_of_merged(units: Sequence[Sequence[Part]]) -> list[Any]:
    """The values of all units, as `Texts.merged` numbers their places."""
    values: list[Any] = []
    for each in zip(*units, strict=True):
        values += each[0].runs[0] if _is_one(each) else [in_cells(_cells(each))]
    return values


def _is_one(parts: Sequence[Part]) -> bool:
    """Whether all look for the very same, so that it is looked for once."""
    first = parts[0]
    return first.kind.table is None and all(map(is_, parts, repeat(first)))


def _cells(parts: Sequence[Part]) -> Sequence[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for each in parts:
        if isinstance(each.values, Unbound):
            found += each.values.cells()
        else:
            found.append(run_as_cells(each.runs[0]))
    return found


def _may_share(parts: Sequence[Part]) -> bool:
    """Whether one statement can do it: no part of it sees what another one does."""
    tables = [each.kind.table for each in parts if each.kind.table is not None]
    return len(set(tables)) == len(tables) and all(each.kind.shares for each in parts)


def _together(parts: Sequence[Part], sql: Sql) -> str:
    if not _may_share(parts):
        return ""
    texts = [each.kind.write(sql) for each in parts]
    counts = [None if each.expected is None else sql.place(BigInteger()) for each in parts]
    return _checked(texts, counts)


def _merged(places: Sequence[Sequence[Part]], sql: Sql) -> str:
    texts, counts = [], []
    for parts in places:
        kind, expected = parts[0].kind, parts[0].expected
        if _is_one(parts):
            texts.append(kind.write(sql))
            counts.append(expected)
        else:
            text = kind.write(cells := Cells(sql))
            texts.append(text if kind.table else _failing(text, expected, cells))
            counts.append(None if expected is None else 0)
    return _checked(texts, counts)


def _failing(text: str, count: int | None, cells: Cells) -> str:
    """Finds the units for whom a premise is not so: each is asked what it is asked alone."""
    found = f"(SELECT count(*) FROM ({text}) AS found)"  # noqa: S608  columns
    return f"SELECT 1 FROM {cells.runs} WHERE {found} <> {count}"  # noqa: S608  columns


def _checked(texts: Sequence[str], counts: Sequence[str | int | None]) -> str:
    """Does all of it, or nothing where other rows are touched than there have to be."""
    named = [f"p{index} AS ({text})" for index, text in enumerate(texts)]
    # Nothing but an error undoes a statement, and any will do: a division by zero.
    checks = [
        f"1 / (SELECT count(*) = {count} FROM p{index})::int"  # noqa: S608  numbers
        for index, count in enumerate(counts)
        if count is not None
    ]
    return f"WITH {', '.join(named)} SELECT {', '.join(checks) or '1'}"
