"""Pages of lists: their order, their cursors, and what is cut from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from crmkit.values.errors import ErrorCode
from tests.oracle.world import Row

_MOST = 1000
_USUAL = 25


class Wrong(Exception):
    """What a client must not ask, or cannot be told; the code says why."""

    def __init__(self, code: ErrorCode = ErrorCode.INVALID) -> None:
        super().__init__(code)
        self.code = code.value


@dataclass(frozen=True)
class Key:
    """One key of an order: what it is called, which way it goes, what it is of a row."""

    name: str
    down: bool
    of: Callable[[Row], Any]


@dataclass(frozen=True)
class Order:
    """An order of the rows of one list; `name` is part of whose cursors it takes."""

    name: str
    keys: tuple[Key, ...]

    @property
    def seal(self) -> tuple[Any, ...]:
        return (self.name, *((each.name, each.down) for each in self.keys))

    def compare(self, one: Row, other: Row) -> int:
        """Below zero where `one` comes first; what has no value is the largest."""
        for key in self.keys:
            a, b = key.of(one), key.of(other)
            if a != b:
                less = b is None if a is None or b is None else a < b
                less = less and a is not None
                return -1 if less != key.down else 1
        return 0

    def sorted(self, rows: Sequence[Row]) -> list[Row]:
        return sorted(rows, key=cmp_to_key(self.compare))


@dataclass(frozen=True)
class Mark:
    """A place in a list, which an engine writes as a cursor."""

    order: tuple[Any, ...]
    row: Row


class Marks:
    """Which mark each cursor is that an engine gave out, and the other way round."""

    def __init__(self) -> None:
        self._marks: dict[str, Mark] = {}
        self._cursors: dict[tuple[Any, ...], str] = {}

    def agree(self, mark: Mark, cursor: object) -> bool:
        """Whether this cursor is this mark's; the first one that is seen is."""
        if not isinstance(cursor, str):
            return False
        place = (mark.order, mark.row.id)
        known = self._cursors.setdefault(place, cursor)
        self._marks.setdefault(cursor, mark)
        there = self._marks[cursor]
        return known == cursor and (there.order, there.row.id) == place

    def row(self, cursor: str, order: Order) -> Row:
        """The row of a cursor of this list.

        Raises:
            Wrong: It is none, or one of another list or order.
        """
        mark = self._marks.get(cursor)
        if mark is None or mark.order != order.seal:
            raise Wrong
        return mark.row


@dataclass(frozen=True)
class Page:
    """What is selected of a connection, by its GraphQL names."""

    nodes: Sequence[Row]
    edges: Sequence[Mapping[str, Any]]
    pageInfo: Mapping[str, Any]  # noqa: N815  GraphQL's name
    totalCount: int  # noqa: N815  GraphQL's name


def page(rows: Sequence[Row], order: Order, marks: Marks, asked: Mapping[str, Any]) -> Page:
    """Cuts a page.

    Raises:
        Wrong: Its size is out of bounds, or a cursor is not of this list.
    """
    first, last = asked.get("first"), asked.get("last")
    size = next((each for each in (first, last) if each is not None), _USUAL)
    if None not in (first, last) or not 0 <= size <= _MOST:
        raise Wrong
    left = order.sorted(rows)
    after, before = asked.get("after"), asked.get("before")
    if after is not None:
        row = marks.row(after, order)
        left = [each for each in left if order.compare(each, row) > 0]
    if before is not None:
        row = marks.row(before, order)
        left = [each for each in left if order.compare(each, row) < 0]
    backwards = last is not None
    cut = (left[-size:] if size else []) if backwards else left[:size]
    more = len(left) > size
    cursors = [Mark(order.seal, each) for each in cut]
    info = {
        "hasNextPage": before is not None if backwards else more,
        "hasPreviousPage": more if backwards else after is not None,
        "startCursor": cursors[0] if cut else None,
        "endCursor": cursors[-1] if cut else None,
    }
    edges = [{"node": row, "cursor": mark} for row, mark in zip(cut, cursors, strict=True)]
    return Page(cut, edges, info, len(rows))
