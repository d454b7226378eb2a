"""What led to a record and what followed from it, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crmkit.engine import fields as f

if TYPE_CHECKING:
    from tests.oracle.meaning import Meaning

_STEPS = 20
_MOST = 100


def walk(meaning: Meaning, start: str, *, forward: bool) -> list[str]:
    """The ids that are reached, the nearest first, then the oldest."""
    links = [
        (meaning.table(spec), meaning.column(each.source.key))
        for spec in meaning.specs.values()
        for each in meaning.registry.members[spec.cls]
        if isinstance(each.source, f.Cause)
    ]
    here, depths, moments = {start}, dict[str, int](), dict[str, Any]()
    for depth in range(1, _STEPS + 1):
        there: set[str] = set()
        for table, column in links:
            for id_, at in _next(meaning, table, column, here, forward=forward):
                there.add(id_)
                depths.setdefault(id_, depth)
                moments[id_] = min(at, moments.get(id_, at))
        here = there
    depths.pop(start, None)
    nearest = sorted(depths, key=lambda id_: (depths[id_], moments[id_], id_))
    return nearest[:_MOST]


def _next(
    meaning: Meaning, table: str, column: str, here: set[str], *, forward: bool
) -> Iterator[tuple[str, Any]]:
    """One step further, with the moment at which the record that says so was made."""
    for id_ in here:
        if forward:
            for row in meaning.world.pointing(table, column, id_):
                yield row.id, row["created_at"]
        elif (row_ := meaning.world.one(table, id_)) is not None and row_[column] is not None:
            yield row_[column], row_["created_at"]
