"""A validated operation becomes a plan: steps that bring rows, slots that read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any

from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)
from strawberry.utils.str_converters import to_snake_case

from crmkit.engine import builder as b
from crmkit.engine import fields as f
from crmkit.engine.lists import Lists, Parent
from crmkit.engine.pagination import MOST, Cursors
from crmkit.engine.registry import Entity, Registry
from crmkit.engine.selection import Selections
from crmkit.engine.steps import Batched, Below, Read, Step
from crmkit.store.database import attribute
from crmkit.values import ids
from crmkit.values.errors import QueryTooComplex
from crmkit.values.money import Money

Nodes = Sequence[FieldNode]


@dataclass(eq=False)
class Plan:
    """The steps to run, and the slots that make the answer from what they bring."""

    below: list[Below] = field(default_factory=list)
    slots: list[b.Slot] = field(default_factory=list)


class Planner:
    """Plans one operation of one request."""

    def __init__(
        self,
        registry: Registry,
        schema: GraphQLSchema,
        selections: Selections,
        cursors: Cursors,
        organisation: Any,
    ) -> None:
        self.registry = registry
        self.schema = schema
        self.selections = selections
        self.cursors = cursors
        self.organisation = organisation
        self.lists = Lists(self)

    def root(self, key: str, nodes: Nodes) -> Plan:
        """The plan of one field of Query."""
        query = self.schema.query_type
        assert query is not None  # noqa: S101  every schema of ours has node()
        name = nodes[0].name.value
        plan = Plan()
        if name == "__typename":
            plan.slots.append(self.typename(key, query, nodes))
            return plan
        declared = self.registry.field(self.registry.query, name)
        arguments = self.selections.arguments(query, nodes[0])
        if isinstance(declared.source, f.AllOf):
            spec = self.registry.spec(declared.source.node)
            parent = Parent(plan.below, lambda _: None, spec.order_by)
            value = self.lists.connection(parent, spec, query, nodes, arguments)
        elif "ids" in arguments:
            value = self._nodes(plan.below, arguments["ids"], nodes)
        else:
            prefixes = [ids.prefix_of(arguments["id"])]
            value = self._any(plan.below, prefixes, nodes, lambda _: arguments["id"])
        plan.slots.append(self.slot(key, query, nodes, value))
        return plan

    def _nodes(self, below: list[Below], wanted: Sequence[str], nodes: Nodes) -> b.Value:
        if len(wanted) > MOST:
            raise QueryTooComplex(f"At most {MOST} ids at once.", field="ids")
        inner: list[Below] = []
        found = self._any(inner, {ids.prefix_of(each) for each in wanted}, nodes, lambda row: row)
        below += [lifted(each, lambda _: wanted) for each in inner]
        return b.Each(lambda _: wanted, found, required=False)

    def payload(self, key: str, nodes: Nodes, payload: object) -> Plan:
        """The plan of what is selected below a mutation's payload, a Python object."""
        mutation = self.schema.mutation_type
        assert mutation is not None  # noqa: S101  a mutation has run
        plan = Plan()
        kind = mutation.fields[nodes[0].name.value].type
        value = self._plain(plan.below, kind, nodes, lambda _: payload)
        plan.slots.append(self.slot(key, mutation, nodes, value))
        return plan

    # -- nodes ------------------------------------------------------------------------------

    def object(self, step: Step, entity: Entity, spec: f.NodeSpec, nodes: Nodes) -> list[b.Slot]:
        """The slots of a node whose columns stand in this step's rows."""
        kind = self.kind(spec)
        slots = []
        for key, same in self.selections.of(kind, nodes).items():
            if same[0].name.value == "__typename":
                slots.append(self.typename(key, kind, same))
                continue
            declared = self.registry.field(spec.cls, same[0].name.value)
            value = self._value(step, entity, spec, declared, same)
            slots.append(self.slot(key, kind, same, value))
        return slots

    def _value(
        self, step: Step, entity: Entity, spec: f.NodeSpec, declared: f.Declared, nodes: Nodes
    ) -> b.Value:
        kind = self.kind(spec)
        arguments = self.selections.arguments(kind, nodes[0])
        source = declared.source
        field_type = kind.fields[nodes[0].name.value].type
        match source:
            case f.FromColumn():
                return b.Leaf(self._read(step, entity, f.own_column(declared)), field_type)
            case f.FromSide():
                return b.Leaf(self._read_side(step, entity, f.own_column(declared)), field_type)
            case f.FromMoney():
                return self._money(step, entity, source, field_type, nodes)
            case f.Computed():
                return self._computed(step, entity, source, arguments, field_type, nodes)
            case f.Expression():
                given = _pythonic(arguments)
                name = (entity, declared.python_name, repr(given))
                element = self.registry.element(declared, entity, **given)
                return b.Leaf(itemgetter(step.place(name, element)), field_type)
            case f.ToOne():
                return self._to_one(step, entity, declared, nodes)
            case f.ToMany():
                own = itemgetter(step.place((entity, "id"), entity.id))
                parent = Parent(step.below, own, source.order_by, source.key, step, entity)
                target = self.registry.target(declared)
                return self.lists.connection(parent, target, kind, nodes, arguments)
            case f.ListOf():
                own = itemgetter(step.place((entity, "id"), entity.id))
                parent = Parent(step.below, own, source.order_by, source.key, step, entity)
                return self.lists.bounded(parent, self.registry.target(declared), source.limit, nodes)
            case f.AnyNode():
                key = self._read(step, entity, attribute(source.key)[1])
                return self._any(step.below, self.registry.by_prefix, nodes, key)
            case f.Batch():
                return self._batch(step, entity, declared, arguments, field_type, nodes)
        raise TypeError(f"{spec.name}.{declared.python_name} has no source that can be planned.")

    def _read(self, step: Step, entity: Entity, column: Any) -> Read:
        return itemgetter(step.place((entity, column.name), entity.column(column)))

    def _read_side(self, step: Step, entity: Entity, column: Any) -> Read:
        side = entity.side(column.table)
        return itemgetter(step.place((entity, column.table.name, column.name), side.c[column.name]))

    def _money(
        self, step: Step, entity: Entity, source: f.FromMoney, kind: GraphQLOutputType, nodes: Nodes
    ) -> b.Value:
        minor = self._read(step, entity, attribute(source.minor)[1])
        currency = self._read(step, entity, attribute(source.currency)[1])

        def amount(row: Any) -> Money | None:
            return None if minor(row) is None else Money(minor(row), currency(row))

        return self._plain([], kind, nodes, amount)

    def _computed(
        self,
        step: Step,
        entity: Entity,
        source: f.Computed,
        arguments: Mapping[str, Any],
        kind: GraphQLOutputType,
        nodes: Nodes,
    ) -> b.Value:
        reads = [self._read(step, entity, attribute(each)[1]) for each in source.of]
        given = _pythonic(arguments)
        if "organisation" in source.function.__code__.co_varnames:
            given["organisation"] = self.organisation

        def compute(row: Any) -> Any:
            return source.function(*[read(row) for read in reads], **given)

        return self._plain([], kind, nodes, compute)

    def _to_one(
        self, step: Step, entity: Entity, declared: f.Declared, nodes: Nodes
    ) -> b.Value:
        target = self.registry.target(declared)
        assert isinstance(declared.source, f.ToOne)  # noqa: S101  the caller has matched
        assert declared.source.key is not None  # noqa: S101  filled in by the registry
        key = entity.column(attribute(declared.source.key)[1])
        other = step.joined(
            (entity, declared.python_name), Entity.of(target.model), lambda made: made.id == key
        )
        guard = itemgetter(step.place((other, "id"), other.id))
        slots = self.object(step, other, target, nodes)
        return b.Obj(lambda row: None if guard(row) is None else row, slots)

    def _batch(
        self,
        step: Step,
        entity: Entity,
        declared: f.Declared,
        arguments: Mapping[str, Any],
        kind: GraphQLOutputType,
        nodes: Nodes,
    ) -> b.Value:
        assert isinstance(declared.source, f.Batch)  # noqa: S101  the caller has matched
        own = itemgetter(step.place((entity, "id"), entity.id))
        call = Batched(declared.source.function, own, _pythonic(arguments), declared.owner)
        step.batches.append(call)
        value = self._plain(call.below, kind, nodes, lambda found: found)
        return b.FromBatch(call, value)

    # -- any node, and what Python holds --------------------------------------------------

    def _any(
        self, below: list[Below], prefixes: Iterable[str], nodes: Nodes, key: Read
    ) -> b.Value:
        """A record of a kind that only its id tells; one step for each kind that can occur."""
        found = {
            prefix: self._found(below, spec, nodes, key)
            for prefix in prefixes
            if (spec := self.registry.by_prefix.get(prefix)) is not None
        }
        return b.Kinds(lambda row: ids.prefix_of(key(row) or ""), found)

    def _found(self, below: list[Below], spec: f.NodeSpec, nodes: Nodes, key: Read) -> b.Found:
        """The record of this kind whose id `key` reads; ids of other kinds are left alone."""
        entity = Entity.of(spec.model)
        step = Step(entity, entity.id)
        slots = self.object(step, entity, spec, nodes)

        def own(row: Any) -> str | None:
            value: str | None = key(row)
            return value if value is not None and ids.prefix_of(value) == spec.prefix else None

        below.append(Below(step, lambda row: (own(row),)))
        return b.Found(step, own, b.Obj(lambda row: row, slots))

    def _plain(self, below: list[Below], kind: GraphQLOutputType, nodes: Nodes, read: Read) -> b.Value:
        """What Python holds: a leaf, an object of ours, a node it names, or a list of them."""
        bare = get_nullable_type(kind)
        if is_leaf_type(get_named_type(bare)):
            return b.Leaf(read, kind)
        if isinstance(bare, GraphQLList):
            inner: list[Below] = []
            item = self._plain(inner, bare.of_type, nodes, lambda part: part)
            below += [lifted(each, lambda row: read(row) or ()) for each in inner]
            return b.Each(read, item, isinstance(bare.of_type, GraphQLNonNull))
        if isinstance(bare, GraphQLInterfaceType):
            return self._any(below, self.registry.by_prefix, nodes, lambda row: _id_of(read(row)))
        assert isinstance(bare, GraphQLObjectType)  # noqa: S101  we have no unions
        spec = self.registry.by_type.get(bare.name)
        if spec is not None:
            return self._found(below, spec, nodes, lambda row: _id_of(read(row)))
        return self._object_of_ours(below, bare, nodes, read)

    def _object_of_ours(
        self, below: list[Below], kind: GraphQLObjectType, nodes: Nodes, read: Read
    ) -> b.Value:
        inner: list[Below] = []
        slots = []
        for key, same in self.selections.of(kind, nodes).items():
            name = same[0].name.value
            if name == "__typename":
                slots.append(self.typename(key, kind, same))
                continue
            field = kind.fields[name]
            own = attrgetter(field.extensions["strawberry-definition"].python_name)
            slots.append(self.slot(key, kind, same, self._plain(inner, field.type, same, own)))
        below += [lifted(each, lambda row: (read(row),)) for each in inner]
        return b.Obj(read, slots)

    # -- slots ------------------------------------------------------------------------------

    def kind(self, spec: f.NodeSpec) -> GraphQLObjectType:
        found = self.schema.get_type(spec.name)
        assert isinstance(found, GraphQLObjectType)  # noqa: S101  every node is in the schema
        return found

    def slot(self, key: str, parent: GraphQLObjectType, nodes: Nodes, value: b.Value) -> b.Slot:
        name = nodes[0].name.value
        return b.Slot(key, parent.fields[name].type, value, f"{parent.name}.{name}", nodes)

    def typename(self, key: str, parent: GraphQLObjectType, nodes: Nodes) -> b.Slot:
        kind = GraphQLNonNull(GraphQLString)
        return b.Slot(key, kind, b.Constant(parent.name), f"{parent.name}.__typename", nodes)


def lifted(inner: Below, parts: Read) -> Below:
    """The same step, asked for the keys of all parts of a row instead of for a row's."""

    def keys(row: Any) -> Iterator[Any]:
        return (key for part in parts(row) if part is not None for key in inner.keys(part))

    return Below(inner.step, keys)


def _id_of(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else value.id


def _pythonic(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by the names that a declared function gave them."""
    return {to_snake_case(name): value for name, value in arguments.items()}
