"""Plans lists: pages of connections, their cursors and counts, and bounded lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    FieldNode,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
)
from sqlalchemy import column, func, select

from crmkit.engine import builder as b
from crmkit.engine import fields as f
from crmkit.engine.entity import Entity
from crmkit.engine.filters import Filters, beside
from crmkit.engine.pagination import Key, Page, beyond, keys_of, page_of
from crmkit.engine.steps import Always, Below, Cell, Read, Step, itself
from crmkit.engine.unions import Union, newest_first
from crmkit.store.column_types import Code, UtcDateTime
from crmkit.store.database import attribute

if TYPE_CHECKING:
    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.planner import Planner

Nodes = Sequence[FieldNode]


# Where the moment and the id of a record stand in the rows of a union.
_AT, _ID = 1, 2


@dataclass(eq=False)
class Parent:
    """What a list hangs below: nothing for a root field, else the rows of a step."""

    below: list[Below]
    read: Read
    order_by: Sequence[Any]
    key: f.Attribute | None = None
    step: Step | None = None
    entity: Entity | None = None

    def link(self, other: Entity) -> Any:
        """The column of the list's records that points to the parent."""
        return None if self.key is None else other.column(attribute(self.key)[1])


class Lists:
    """Plans the lists of one operation."""

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self.registry = planner.registry

    def bounded(self, parent: Parent, target: NodeSpec, limit: int, nodes: Nodes) -> b.Value:
        """All of a few records, in their declared order."""
        other = Entity.of(target.model)
        step = Step(other, parent.link(other), limit=limit)
        step.keys = self._keys(target, other, parent.order_by)
        parent.below.append(Below(step, one=parent.read))
        slots = self.planner.object(step, other, target, nodes)
        return b.Many(step, parent.read, b.Obj(itself, slots))

    def connection(
        self,
        parent: Parent,
        target: NodeSpec,
        kind: GraphQLObjectType,
        nodes: Nodes,
    ) -> b.Value:
        """One page of a list, filtered and sorted as asked."""
        arguments = self.planner.selections.arguments(kind, nodes[0])
        other = Entity.of(target.model)
        step = Step(other, parent.link(other))
        page = page_of(arguments)
        where = arguments.get("where") or {}
        chosen = [each.value for each in arguments.get("orderBy") or ()]
        keys = self._keys(target, other, parent.order_by, chosen)
        step.conditions.append(Filters(self.registry).where(target, other, where))
        for cursor, name, back in ((page.after, "after", False), (page.before, "before", True)):
            if cursor is not None:
                values = self.planner.cursors.opened(keys, cursor, name)
                step.conditions.append(beyond(keys, values, back))
        step.keys, step.backwards = keys, page.backwards
        parent.below.append(Below(step, one=parent.read))
        made = _Selected(
            self.planner,
            keys,
            page,
            lambda below: b.Obj(itself, self.planner.object(step, other, target, below)),
            lambda: [step.written(key.element) for key in keys],
        )
        slots = made.slots(kind.fields[nodes[0].name.value].type, nodes)
        # One row too many tells whether there is more, to whoever asks.
        step.limit = page.size + 1 if made.looked_ahead else page.size
        total = self._total(parent, step, target, where) if made.counted else None
        return b.ConnectionPage(step, parent.read, page, total, slots)

    def union(self, parent: Parent, kind: GraphQLObjectType, nodes: Nodes) -> b.Value:
        """One page of records of several kinds in the order of time."""
        arguments = self.planner.selections.arguments(kind, nodes[0])
        kinds = self.registry.timelines.chosen(_names(arguments), self.planner.refused)
        page = page_of(arguments)
        # What a cursor holds does not depend on the kinds, so it is good for others, too.
        keys = newest_first(column("at", UtcDateTime()), column("id", Code()))
        step = Union(kinds, page)
        for cursor, name in ((page.after, "after"), (page.before, "before")):
            if cursor is not None:
                setattr(step, name, self.planner.cursors.opened(keys, cursor, name))
        if kinds:
            parent.below.append(Below(step, one=parent.read))
        found: list[b.Kinds] = []

        def record(below: Nodes) -> b.Value:
            prefixes = [each.spec.prefix for each in kinds]
            found.append(self.planner.any(step.below, prefixes, below, Cell(_ID, required=True)))
            return found[-1]

        made = _Selected(self.planner, keys, page, record, lambda: [_AT, _ID])
        slots = made.slots(kind.fields[nodes[0].name.value].type, nodes)
        total = self._total_of(parent, step) if made.counted else None
        return b.ConnectionPage(step, parent.read, page, total, slots, found)

    def _keys(
        self,
        target: NodeSpec,
        other: Entity,
        declared: Sequence[Any],
        chosen: Sequence[tuple[str, str]] = (),
    ) -> list[Key]:
        return keys_of(self.registry, target, other, declared, chosen, self.planner.hidden)

    def _total_of(self, parent: Parent, step: Union) -> Read:
        assert parent.step is not None  # noqa: S101  it is a field of a record
        assert parent.entity is not None  # noqa: S101  it is a field of a record
        if not step.kinds:
            return Always(0)
        return Cell(parent.step.place(step.total(parent.entity)))

    def _total(
        self, parent: Parent, step: Step, target: NodeSpec, where: Mapping[str, Any]
    ) -> Read | None:
        """Below a parent the count is a scalar in its statement, else a statement of its own."""
        other = Entity.of(target.model)
        condition = Filters(self.registry).where(target, other, where)
        counted = select(func.count()).where(condition).select_from(beside(other.table, other))
        if parent.step is None or parent.entity is None:
            step.count = counted
            return None
        linked = counted.where(parent.link(other) == parent.entity.id)
        total = linked.correlate(parent.entity.table).scalar_subquery()
        return Cell(parent.step.place(total))


class _Selected:
    """Plans what is selected of one connection."""

    def __init__(
        self,
        planner: Planner,
        keys: Sequence[Key],
        page: Page,
        node: Callable[[Nodes], b.Value],
        places: Callable[[], Sequence[int]],
    ) -> None:
        self.planner, self.keys, self.page = planner, keys, page
        self.places = places
        self.counted = self.looked_ahead = False
        self._values: dict[str, Callable[[Nodes, Any], b.Value]] = {
            "nodes": lambda nodes, _: b.Each(b.ROWS, node(nodes), required=True),
            "node": lambda nodes, _: node(nodes),
            "edges": lambda nodes, kind: b.Each(
                b.ROWS, b.Obj(itself, self._each(kind, nodes)), required=True
            ),
            "cursor": lambda *_: self._cursor(itself),
            "pageInfo": lambda nodes, kind: b.Obj(itself, self._each(kind, nodes)),
            "totalCount": lambda _, kind: self._total(kind),
            "startCursor": lambda *_: self._cursor(b.FIRST),
            "endCursor": lambda *_: self._cursor(b.LAST),
            "hasNextPage": lambda _, kind: b.Leaf(self._is_there(ahead=True), kind),
            "hasPreviousPage": lambda _, kind: b.Leaf(self._is_there(ahead=False), kind),
        }

    def slots(self, kind: GraphQLOutputType, nodes: Nodes) -> list[b.Slot]:
        return self._each(cast("GraphQLObjectType", get_nullable_type(kind)), nodes)

    def _each(self, kind: GraphQLObjectType, nodes: Nodes) -> list[b.Slot]:
        found = []
        for key, same in self.planner.selections.of(kind, nodes).items():
            name = same[0].name.value
            if name == "__typename":
                found.append(self.planner.typename(key, kind, same))
            else:
                value = self._values[name](same, get_named_type(kind.fields[name].type))
                found.append(self.planner.slot(key, kind, same, value))
        return found

    def _total(self, kind: GraphQLOutputType) -> b.Value:
        self.counted = True
        return b.Leaf(b.TOTAL, kind)

    def _cursor(self, row: Read) -> b.Value:
        return b.CursorOf(self.planner.cursors, self.keys, self.places(), row)

    def _is_there(self, *, ahead: bool) -> Read:
        """Whether there is more: known from one row too many, or from the cursor given."""
        if ahead != self.page.backwards:
            self.looked_ahead = True
            return b.MORE
        given = self.page.before if ahead else self.page.after
        return Always(given is not None)


def _names(arguments: Mapping[str, Any]) -> list[str] | None:
    """The kinds that are asked for; None where all are."""
    given = arguments.get("kinds")
    return None if given is None else [each.value for each in given]
