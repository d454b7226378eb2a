"""The ids of an input: whether their records exist and can be seen by the actor."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, union_all

from crmkit.store import premises
from crmkit.store.column_types import Code
from crmkit.store.database import table_of
from crmkit.store.reach import Deferred
from crmkit.store.ready import statement
from crmkit.store.statements import Template, template

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Select

    from crmkit.engine.nodes import NodeSpec
    from crmkit.host.actors import Actor
    from crmkit.host.host import Host
    from crmkit.store.parts import Part
    from crmkit.store.reach import Reach

FEW = 8
"""Ids that a unit finds out about itself."""

_MOST = 1_000  # texts kept


@dataclass(frozen=True, eq=False)
class _Place(Deferred):
    index: int


_PLACES = [_Place(index) for index in range(FEW)]
_TEMPLATES: dict[Hashable, Template] = {}


async def meant(host: Host, actor: Actor, ids: Mapping[str, NodeSpec]) -> dict[str, str]:
    """Whom the ids mean whose records exist and can be seen by the actor, in one read.

    An id means its record, or the one that this has become part of.
    """
    wanted: dict[NodeSpec, set[str]] = defaultdict(set)
    for id_, spec in ids.items():
        wanted[spec].add(id_)
    if not wanted:
        return {}
    asked = _meant(*chain.from_iterable(wanted.items()))
    return dict(await host.database.fetch(asked, actor.reach))


@statement
def _meant(*wanted: Any) -> Any:
    """What ids mean, as pairs of what is given and what is there; they follow their node."""
    pairs = zip(wanted[::2], wanted[1::2], strict=True)
    return union_all(*[each for spec, ids in pairs for each in _of_node(spec, ids)])


def _of_node(spec: NodeSpec, ids: Sequence[str]) -> Iterator[Select[Any]]:
    yield select(_id(spec).label("given"), _id(spec).label("there")).where(_id(spec).in_(ids))
    if spec.aliases:
        yield spec.aliases.among(ids)


def all_seen(host: Host, actor: Actor, ids: Mapping[str, NodeSpec]) -> Part | None:
    """That all of the ids, which are few, are seen: a premise of the unit that uses them."""
    if not ids:
        return None
    reach, dialect = actor.reach, host.database.dialect
    key = (dialect, reach.shape, *[spec.prefix for spec in ids.values()])
    made = _TEMPLATES.get(key)
    if made is None:
        if len(_TEMPLATES) >= _MOST:
            _TEMPLATES.clear()
        made = _TEMPLATES[key] = template(_each_of(list(ids.values())), dialect, reach)
    given: Sequence[Any] = list(ids)
    if len(made.constants) > len(given):  # The reach has values of its own.
        given = _arguments(made, given, reach)
    return premises.found(made.sql, given, len(ids))


def _arguments(made: Template, ids: Sequence[str], reach: Reach) -> Sequence[Any]:
    def told(deferred: Deferred) -> Any:
        return ids[deferred.index] if isinstance(deferred, _Place) else reach.told(deferred)

    return made.arguments(told)


def _each_of(specs: Sequence[NodeSpec]) -> Any:
    places = [bindparam(f"id_{index}", _PLACES[index], Code()) for index in range(len(specs))]
    selects = [
        _named(spec).where(_id(spec) == place) for spec, place in zip(specs, places, strict=True)
    ]
    return union_all(*selects) if len(selects) > 1 else selects[0]


def _named(spec: NodeSpec) -> Select[Any]:
    return select(_id(spec))


def _id(spec: NodeSpec) -> ColumnElement[Any]:
    return table_of(spec.model).c.id
