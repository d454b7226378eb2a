"""Plans stats: which numbers of a list are counted together, and by what they are grouped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from graphql import FieldNode, GraphQLObjectType, get_named_type

from crmkit.engine import builder as b
from crmkit.engine import fields as f
from crmkit.engine.entity import Entity
from crmkit.engine.filters import Filters
from crmkit.engine.steps import Below, Cell, itself
from crmkit.engine.tallies import By, Measure, Tally
from crmkit.store.column_types import Scaled, UtcDateTime
from crmkit.store.database import attribute, companions
from crmkit.store.statements import Unreadable
from crmkit.values.errors import Invalid

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.planner import Planner
    from crmkit.engine.stats import Grouping
    from crmkit.settings import Organisation

Nodes = Sequence[FieldNode]


class Summaries:
    """Plans the stats of one operation."""

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self.registry = planner.registry

    def plan(
        self, below: list[Below], spec: NodeSpec, arguments: Mapping[str, Any], nodes: Nodes
    ) -> b.Value:
        """What all records of a kind come to, in one statement."""
        entity = Entity.of(spec.model)
        condition = Filters(self.registry).where(spec, entity, arguments.get("where") or {})
        chosen = [each.value for each in arguments.get("by") or ()]
        tally = Tally(entity, condition, [self._by(entity, each) for each in _each_once(chosen)])
        below.append(Below(tally))
        kind = self.planner.schema.get_type(f"{spec.name}Stats")
        return b.Summed(tally, _Selected(self.planner, spec, tally).slots(kind, nodes))

    def _by(self, entity: Entity, grouping: Grouping) -> By:
        source = grouping.field.source
        if isinstance(source, f.ToOne):
            assert source.key is not None  # noqa: S101  filled in by the registry
            return By(grouping.name, entity.column(attribute(source.key)[1]))
        element = _element(entity, grouping.field)
        organisation = cast("Organisation", self.planner.known["organisation"])
        zone = organisation.zone if isinstance(element.type, UtcDateTime) else None
        return By(grouping.name, element, grouping.period, zone)


class _Selected:
    """Plans what is selected of the stats of one list."""

    def __init__(self, planner: Planner, spec: NodeSpec, tally: Tally) -> None:
        self.planner, self.tally = planner, tally
        self.types = planner.registry.stats
        self.numbers = self.types.numbers(spec)
        self.nodes = {
            name: planner.registry.target(each)
            for name, each in self.types.keys(spec).items()
            if isinstance(each.source, f.ToOne)
        }

    def slots(self, kind: Any, nodes: Nodes) -> list[b.Slot]:
        """The slots of the whole, or of a group."""
        found = []
        for key, same in self.planner.selections.of(kind, nodes).items():
            name = same[0].name.value
            if name == "__typename":
                found.append(self.planner.typename(key, kind, same))
            else:
                found.append(self.planner.slot(key, kind, same, self._value(kind, name, same)))
        return found

    def _value(self, kind: GraphQLObjectType, name: str, nodes: Nodes) -> b.Value:
        read = _named(name)
        if name == "groups":
            inner = self.slots(get_named_type(kind.fields[name].type), nodes)
            return b.Each(read, b.Obj(itself, inner), required=True)
        if name in self.numbers:
            self._measure(name, self.numbers[name])
        if name in self.nodes:
            return self._record(name, read, nodes)
        return self.planner.plain([], kind.fields[name].type, nodes, read)

    def _measure(self, name: str, field: f.Declared) -> None:
        entity, source = self.tally.entity, field.source
        if name in self.tally.measures:
            return
        if isinstance(source, f.FromMoney):
            minor, currency = (
                entity.column(attribute(each)[1]) for each in (source.minor, source.currency)
            )
            self.tally.measures[name] = Measure(name, minor, currency=currency)
        else:
            column = f.own_column(field)
            digits = column.type.digits if isinstance(column.type, Scaled) else 0
            self.tally.measures[name] = Measure(name, _element(entity, field), digits)

    def _record(self, name: str, read: Callable[[Any], Any], nodes: Nodes) -> b.Value:
        """The record in which a group agrees; those of all groups are read together."""
        if name not in [each.name for each in self.tally.by]:
            return b.Constant(None)
        place = self.tally.place(name)
        kind = self.planner.kind(self.nodes[name])
        inner: list[Below] = []
        value = self.planner.plain(inner, kind, nodes, read)
        self.tally.below += [Below(each.step, one=Cell(place)) for each in inner]
        return value


def _element(entity: Entity, field: f.Declared) -> ColumnElement[Any]:
    """The column of a field of the own or of a 1:1 side row; of a searched text, its fold."""
    column = f.own_column(field)
    rows = entity.side(column.table) if isinstance(field.source, f.FromSide) else entity.table
    names = companions(column)
    return rows.c[names[0] if names else column.name]


def _named(name: str) -> Callable[[Any], Any]:
    def read(said: Mapping[str, Any]) -> Any:
        value = said.get(name)
        if isinstance(value, Unreadable):
            raise value.error
        return value

    return read


def _each_once(chosen: Sequence[Grouping]) -> list[Grouping]:
    found: dict[str, Grouping] = {}
    for each in chosen:
        if found.setdefault(each.name, each) is not each:
            raise Invalid(
                f"Groups are made by one period of {each.name}, not by its "
                f"{found[each.name].period} and its {each.period}.",
                field="by",
            )
    return list(found.values())
