"""The ids of an input: whether their records exist and can be seen by the actor."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, union_all
from sqlalchemy.util import LRUCache

from crmkit.store import premises
from crmkit.store.column_types import Code
from crmkit.store.database import table_of
from crmkit.store.reach import Deferred
from crmkit.store.ready import statement
from crmkit.store.statements import Template, template

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Select

    from crmkit.engine.mutation_shapes import Named
    from crmkit.engine.nodes import NodeSpec
    from crmkit.host.actors import Actor
    from crmkit.host.host import Host
    from crmkit.store.parts import Part

_FEW = 8
_MOST = 1_000  # texts kept


@dataclass(frozen=True, eq=False)
class _Place(Deferred):
    index: int


_PLACES = [_Place(index) for index in range(_FEW)]
_TEMPLATES: LRUCache[Hashable, Template] = LRUCache(_MOST)


async def meant(host: Host, actor: Actor, ids: Sequence[Named]) -> dict[str, str]:
    """Whom the ids mean whose records exist and can be seen by the actor, in one read.

    An id means its record, or the one that this has become part of.
    """
    wanted: dict[NodeSpec, set[str]] = defaultdict(set)
    for each in ids:
        wanted[each.spec].add(each.id)
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


def all_seen(host: Host, actor: Actor, ids: Sequence[Named]) -> Part | None:
    """That all of the ids are seen, as a premise of the unit that uses them, if they are few."""
    distinct = {each.id: each.spec for each in ids}
    if not 0 < len(distinct) <= _FEW:
        return None
    reach = actor.reach
    given = list(distinct)

    def told(deferred: Deferred) -> Any:
        return given[deferred.index] if isinstance(deferred, _Place) else reach.told(deferred)

    key = (host.database.dialect, reach.shape, *[spec.prefix for spec in distinct.values()])
    made = _TEMPLATES.get(key)
    if made is None:
        made = template(_each_of(list(distinct.values())), host.database.dialect, reach)
        _TEMPLATES[key] = made
    return premises.found(made.sql, made.arguments(told), len(given))


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
