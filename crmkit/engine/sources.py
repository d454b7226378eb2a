"""Where a field's values come from, and what is planned for each such place."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text

from crmkit.engine import builder as b
from crmkit.engine import fields as f
from crmkit.engine.entity import Entity
from crmkit.engine.late import all_fixed
from crmkit.engine.steps import Batched, Below, Cell, Present, itself
from crmkit.engine.unions import Walk
from crmkit.store.column_types import Code
from crmkit.store.database import attribute, table_of
from crmkit.values.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Table

    from crmkit.engine.asked import Asked
    from crmkit.engine.planner import Planner


class Sources:
    """One method for each source of a field."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._planned: dict[type[f.Source], Any] = {
            f.FromColumn: self._column,
            f.FromSide: self._column,
            f.FromMoney: self._money,
            f.Computed: self._computed,
            f.Expression: self._expression,
            f.ToOne: self._to_one,
            f.ToMany: self._to_many,
            f.ListOf: self._list_of,
            f.AnyNode: self._any_node,
            f.Cause: self._any_node,
            f.Chain: self._chain,
            f.Timeline: self._timeline,
            f.Batch: self._called,
            f.Resolver: self._called,
        }

    def value(self, asked: Asked) -> b.Value:
        """What is planned of the field."""
        source = asked.declared.source
        planned: b.Value = self._planned[type(source)](asked, source)
        return planned

    def _column(self, asked: Asked, _: f.FromColumn | f.FromSide) -> b.Value:
        return asked.leaf(f.own_column(asked.declared))

    def _money(self, asked: Asked, source: f.FromMoney) -> b.Value:
        minor = asked.read(attribute(source.minor)[1])
        currency = asked.read(attribute(source.currency)[1])

        said = self._planner.plain([], asked.type, asked.nodes, itself)
        return b.Made(_money, [minor, currency], {}, said)

    def _computed(self, asked: Asked, source: f.Computed) -> b.Value:
        reads = [asked.read(attribute(each)[1]) for each in source.of]
        named = inspect.signature(source.function).parameters
        known = {name: value for name, value in self._planner.known.items() if name in named}
        said = self._planner.plain([], asked.type, asked.nodes, itself)
        return b.Made(source.function, reads, {**asked.arguments, **known}, said)

    def _expression(self, asked: Asked, _: f.Expression) -> b.Value:
        arguments = all_fixed(asked.arguments)
        name = (asked.entity, self._planner.registry.name(asked.declared), repr(arguments))
        element = self._planner.registry.element(asked.declared, asked.entity, **arguments)
        return b.Leaf(Cell(asked.step.written(element, name)), asked.type)

    def _to_one(self, asked: Asked, source: f.ToOne) -> b.Value:
        target = self._planner.registry.target(asked.declared)
        assert source.key is not None  # noqa: S101  filled in by the registry
        key = asked.entity.column(attribute(source.key)[1])
        name = (asked.entity, self._planner.registry.name(asked.declared))
        other = asked.step.joined(name, Entity.of(target.model), lambda made: made.id == key)
        slots = self._planner.object(asked.step, other, target, asked.nodes)
        certain = _certain(table_of(target.model), other)
        there = next((each for each in certain if asked.step.has(each)), other.id)
        return b.Obj(Present(Cell(asked.step.place(there))), slots)

    def _to_many(self, asked: Asked, source: f.ToMany) -> b.Value:
        target = self._planner.registry.target(asked.declared)
        kind = self._planner.kind(asked.spec)
        parent = asked.parent(source.order_by, source.key)
        return self._planner.lists.connection(parent, target, kind, asked.nodes)

    def _list_of(self, asked: Asked, source: f.ListOf) -> b.Value:
        target = self._planner.registry.target(asked.declared)
        parent = asked.parent(source.order_by, source.key)
        return self._planner.lists.bounded(parent, target, source.limit, asked.nodes)

    def _timeline(self, asked: Asked, _: f.Timeline) -> b.Value:
        return self._planner.lists.union(
            asked.parent(), self._planner.kind(asked.spec), asked.nodes
        )

    def _chain(self, asked: Asked, source: f.Chain) -> b.Value:
        walk = Walk(self._planner.registry.timelines.links(self._planner.refused), source.forward)
        asked.step.below.append(Below(walk, one=asked.own_id))
        found = self._planner.any(
            walk.below, self._planner.registry.by_prefix, asked.nodes, Cell(1, required=True)
        )
        return b.Reached(walk, asked.own_id, found)

    def _any_node(self, asked: Asked, source: f.AnyNode) -> b.Value:
        key = asked.read(attribute(source.key)[1])
        return self._planner.any(
            asked.step.below, self._planner.registry.by_prefix, asked.nodes, key
        )

    def _called(self, asked: Asked, source: f.Called) -> b.Value:
        each = isinstance(source, f.Resolver)
        owner = asked.declared.owner
        call = Batched(source.function, each, asked.own_id, asked.arguments, owner)
        asked.step.batches.append(call)
        return b.FromBatch(call, self._planner.plain(call.below, asked.type, asked.nodes, itself))


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _certain(table: Table, other: Entity) -> Iterator[ColumnElement[Any]]:
    """The texts that each row of a table has: one that is read says whether a row is there."""
    for each in table.columns:
        if not each.nullable and isinstance(each.type, Text | Code):
            yield other.column(each)
