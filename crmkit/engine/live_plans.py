"""Plans of subscriptions: what one event tells somebody, read from rows that are committed."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from graphql import GraphQLObjectType, get_named_type

from crmkit.engine import builder as b
from crmkit.engine import fields as f
from crmkit.engine.entity import Entity
from crmkit.engine.filters import Filters
from crmkit.engine.plan import Plan
from crmkit.engine.steps import Below, Cell, Step, itself
from crmkit.store.database import table_of
from crmkit.store.reach import scope_of, with_deleted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from graphql import FieldNode
    from sqlalchemy import Select

    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.planner import Planner


class _Gone(Step):
    """Records that are deleted, of whom nothing is told but that they were there."""

    def statement(self, engine: str) -> Select[Any]:
        return with_deleted(super().statement(engine))


def planned(planner: Planner, key: str, nodes: Sequence[FieldNode], *, gone: bool) -> Plan:
    """The plan of one field of Subscription for an `Occasion`, the request's payload.

    Its first step brings those of the records that the actor may see and that fulfil his
    `where`; where there are none, nothing is told.
    """
    kind = planner.schema.subscription_type
    root = planner.registry.subscription
    assert kind is not None  # noqa: S101  the document is valid
    assert root is not None  # noqa: S101  the document is valid
    name = nodes[0].name.value
    source = planner.registry.field(root, name).source
    assert isinstance(source, f.LiveOf)  # noqa: S101  all its fields are
    spec = planner.registry.spec(source.node)
    entity = Entity.of(spec.model)
    step = (_Gone if gone else Step)(entity, entity.id)
    deleted = scope_of(table_of(spec.model)).deleted
    if gone and deleted:  # An event may also be about some who stay.
        step.conditions.append(entity.table.c[deleted].is_not(None))
    where = planner.selections.arguments(kind, nodes[0]).get("where") or {}
    step.conditions.append(Filters(planner.registry).where(spec, entity, where))
    payload = get_named_type(kind.fields[name].type)
    assert isinstance(payload, GraphQLObjectType)  # noqa: S101  made above
    told = _Told(planner, spec, entity, step, gone)
    value = b.Obj(attrgetter("payload"), told.slots(payload, nodes))
    plan = Plan([Below(step, attrgetter("payload.ids"))])
    plan.slots.append(planner.slot(key, kind, nodes, value))
    return plan


class _Told:
    """Plans what is selected of one payload."""

    def __init__(
        self, planner: Planner, spec: NodeSpec, entity: Entity, step: Step, gone: bool
    ) -> None:
        self.planner, self.spec = planner, spec
        self.entity, self.step, self.gone = entity, step, gone

    def slots(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode]) -> list[b.Slot]:
        found = []
        for key, same in self.planner.selections.of(kind, nodes).items():
            if same[0].name.value == "__typename":
                found.append(self.planner.typename(key, kind, same))
            else:
                found.append(self.planner.slot(key, kind, same, self._value(kind, same)))
        return found

    def _value(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode]) -> b.Value:
        name = nodes[0].name.value
        if name not in ("nodes", "gone"):
            return b.Leaf(attrgetter(name), kind.fields[name].type)
        if self.gone != (name == "gone"):
            return b.Constant([])
        own = Cell(self.step.place(self.entity.id), required=True)
        item: b.Value = b.Leaf(own, get_named_type(kind.fields[name].type))
        if name == "nodes":
            slots = self.planner.object(self.step, self.entity, self.spec, nodes)
            item = b.Obj(itself, slots)
        return b.Those(self.step, attrgetter("ids"), item)
