"""A validated operation becomes a plan: steps that bring rows, slots that read them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLError,
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
from crmkit.engine.entity import Entity, is_beside, key_leading
from crmkit.engine.generated import Build
from crmkit.engine.late import all_fixed, fixed, together, told
from crmkit.engine.lists import Lists, Parent
from crmkit.engine.nodes import NodeSpec
from crmkit.engine.pagination import MOST, Cursors
from crmkit.engine.steps import Always, Batched, Below, Cell, Level, Present, Read, Step, itself
from crmkit.engine.summaries import Summaries
from crmkit.engine.unions import Walk
from crmkit.store.database import attribute, table_of
from crmkit.values import ids
from crmkit.values.errors import Failure, QueryTooComplex
from crmkit.values.money import Money

if TYPE_CHECKING:
    from sqlalchemy import Alias

    from crmkit.engine.registry import Registry
    from crmkit.engine.selection import Selections
    from crmkit.store.reach import Reach

Nodes = Sequence[FieldNode]


@dataclass(eq=False)
class Plan:
    """The steps to run, and the slots that make the answer from what they bring."""

    below: list[Below] = field(default_factory=list)
    calls: list[Batched] = field(default_factory=list)
    slots: list[b.Slot] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    introspected: list[FieldNode] = field(default_factory=list)
    runs: int = 0
    build: Build | None = None

    def steps(self) -> Iterator[Level]:
        """All steps, also those that hang below others."""
        called = (each for call in self.calls for each in call.below)
        waiting = [each.step for each in reversed([*self.below, *called])]
        while waiting:
            step = waiting.pop()
            yield step
            inner = [*step.below, *(each for batch in step.batches for each in batch.below)]
            waiting += [each.step for each in reversed(inner)]


@dataclass(eq=False)
class Asked:
    """One selected field of a node, and the step whose rows it is read from."""

    step: Step
    entity: Entity
    spec: NodeSpec
    declared: f.Declared
    nodes: Nodes
    type: GraphQLOutputType
    arguments: dict[str, Any]

    @property
    def own_id(self) -> Cell:
        return Cell(self.step.place(self.entity.id), required=True)

    def read(self, column: Any) -> Cell:
        """Reads a column of the own row, of a side row, or of a record that the own row names."""
        rows = self._rows(column.table)
        return Cell(self.step.place(rows.c[column.name]), required=self._is_there(rows, column))

    def leaf(self, column: Any) -> b.Leaf:
        """The same column as nothing but a part of the answer."""
        rows = self._rows(column.table)
        place = self.step.written(rows.c[column.name])
        return b.Leaf(Cell(place, required=self._is_there(rows, column)), self.type)

    def parent(self, order_by: Sequence[Any] = (), key: f.Attribute | None = None) -> Parent:
        return Parent(self.step.below, self.own_id, order_by, key, self.step, self.entity)

    def _is_there(self, rows: Alias, column: Any) -> bool:
        return rows is self.entity.table and not column.nullable

    def _rows(self, table: Any) -> Alias:
        own = table_of(self.spec.model)
        if table is own:
            return self.entity.table
        if is_beside(table, own):
            return self.entity.side(table)
        key = self.entity.column(key_leading(own, table))
        model = table.info["model"]
        other = self.step.joined((self.entity, table), Entity.of(model), lambda it: it.id == key)
        return other.table


class Planner:
    """Plans one operation, for one request or for all that are like it."""

    def __init__(
        self,
        registry: Registry,
        schema: GraphQLSchema,
        selections: Selections,
        cursors: Cursors,
        known: Mapping[str, Any],
        reach: Reach | None = None,
        *,
        alone: bool = False,
    ) -> None:
        self.registry = registry
        self.schema = schema
        self.selections = selections
        self.cursors = cursors
        self.known = known
        self.refused = reach.refused if reach else frozenset()
        self.hidden = reach.hidden if reach else {}
        self.alone = alone
        """Whether it plans for one request alone, in which a field can fail by itself."""
        self.lists = Lists(self)
        self.summaries = Summaries(self)
        self._sources: dict[type[f.Source], Any] = {
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

    def root(self, key: str, nodes: Nodes) -> Plan:
        """The plan of one field of Query."""
        query = self.schema.query_type
        assert query is not None  # noqa: S101  every schema of ours has node()
        plan = Plan()
        if nodes[0].name.value == "__typename":
            plan.slots.append(self.typename(key, query, nodes))
            return plan
        value = self._attempted(self._root, plan, query, nodes)
        plan.slots.append(self.slot(key, query, nodes, value))
        return plan

    def _root(self, plan: Plan, query: GraphQLObjectType, nodes: Nodes) -> b.Value:
        declared = self.registry.field(self.registry.query, nodes[0].name.value)
        arguments, below = self.selections.arguments(query, nodes[0]), plan.below
        if isinstance(declared.source, f.AllOf):
            spec = self.registry.spec(declared.source.node)
            parent = Parent(below, Always(None), spec.order_by)
            return self.lists.connection(parent, spec, query, nodes)
        if isinstance(declared.source, f.StatsOf):
            spec = self.registry.spec(declared.source.node)
            return self.summaries.plan(below, spec, arguments, nodes)
        if isinstance(declared.source, f.Asked):
            return self._asked_once(plan, declared, declared.source, arguments, query, nodes)
        if "ids" in arguments:
            return self._nodes(below, arguments["ids"], nodes)
        wanted = arguments["id"]
        # Plans for ids of other kinds are other plans, so nobody has to look again.
        readable = self._readable(fixed(wanted, ids.prefix_of))
        if readable is None:
            return b.Constant(None)
        return self._sure(below, readable, nodes, lambda request: told(wanted, request))

    def _asked_once(
        self,
        plan: Plan,
        declared: f.Declared,
        source: f.Asked,
        arguments: Mapping[str, Any],
        query: GraphQLObjectType,
        nodes: Nodes,
    ) -> b.Value:
        """What a function says that knows of no record."""

        async def asked(context: Any, _: Any, **given: Any) -> Any:
            return await source.function(context, **given)

        given = {to_snake_case(each): value for each, value in arguments.items()}
        call = Batched(asked, True, Always(""), given, declared.owner)
        plan.calls.append(call)
        kind = query.fields[nodes[0].name.value].type
        return b.FromBatch(call, self.plain(call.below, kind, nodes, itself))

    def _nodes(self, below: list[Below], wanted: list[Any], nodes: Nodes) -> b.Value:
        if len(wanted) > MOST:
            raise QueryTooComplex(f"At most {MOST} ids at once.", field="ids")
        inner: list[Below] = []
        given = together(wanted)
        found = self.any(inner, fixed(given, _prefixes), nodes, itself)
        below += [lifted(each, lambda request: told(given, request)) for each in inner]
        return b.Each(lambda request: told(given, request), found, required=False)

    def payload(self, key: str, nodes: Nodes) -> Plan:
        """The plan of what is selected below a mutation's payload, a Python object."""
        mutation = self.schema.mutation_type
        assert mutation is not None  # noqa: S101  a mutation has run
        plan = Plan()
        kind = mutation.fields[nodes[0].name.value].type
        value = self.plain(plan.below, kind, nodes, attrgetter("payload"))
        plan.slots.append(self.slot(key, mutation, nodes, value))
        return plan

    # -- nodes ------------------------------------------------------------------------------

    def object(self, step: Step, entity: Entity, spec: NodeSpec, nodes: Nodes) -> list[b.Slot]:
        """The slots of a node whose columns stand in this step's rows."""
        kind = self.kind(spec)
        slots = []
        for key, same in self.selections.of(kind, nodes).items():
            if same[0].name.value == "__typename":
                slots.append(self.typename(key, kind, same))
                continue
            value = self._attempted(self._field, step, entity, spec, same)
            slots.append(self.slot(key, kind, same, value))
        return slots

    def _attempted(self, plan: Callable[..., b.Value], *given: Any) -> b.Value:
        """What is planned of a field; for one request alone, its failure is its value."""
        try:
            return plan(*given)
        except (Failure, GraphQLError) as error:
            if not self.alone:
                raise
            return b.Failing(error)

    def _field(self, step: Step, entity: Entity, spec: NodeSpec, nodes: Nodes) -> b.Value:
        return self._value(self._asked(step, entity, spec, nodes))

    def _asked(self, step: Step, entity: Entity, spec: NodeSpec, nodes: Nodes) -> Asked:
        kind = self.kind(spec)
        name = nodes[0].name.value
        declared = self.registry.field(spec.cls, name)
        arguments = self.selections.arguments(kind, nodes[0])
        # A declared function's arguments by the names that it gave them.
        given = {to_snake_case(each): value for each, value in arguments.items()}
        return Asked(step, entity, spec, declared, nodes, kind.fields[name].type, given)

    def _value(self, asked: Asked) -> b.Value:
        source = asked.declared.source
        planned: b.Value = self._sources[type(source)](asked, source)
        return planned

    # -- one method for each source of a field ---------------------------------------------

    def _column(self, asked: Asked, _: f.FromColumn | f.FromSide) -> b.Value:
        return asked.leaf(f.own_column(asked.declared))

    def _money(self, asked: Asked, source: f.FromMoney) -> b.Value:
        minor = asked.read(attribute(source.minor)[1])
        currency = asked.read(attribute(source.currency)[1])

        said = self.plain([], asked.type, asked.nodes, itself)
        return b.Made(_money, [minor, currency], {}, said)

    def _computed(self, asked: Asked, source: f.Computed) -> b.Value:
        reads = [asked.read(attribute(each)[1]) for each in source.of]
        named = inspect.signature(source.function).parameters
        known = {name: value for name, value in self.known.items() if name in named}
        said = self.plain([], asked.type, asked.nodes, itself)
        return b.Made(source.function, reads, {**asked.arguments, **known}, said)

    def _expression(self, asked: Asked, _: f.Expression) -> b.Value:
        arguments = all_fixed(asked.arguments)
        name = (asked.entity, self.registry.name(asked.declared), repr(arguments))
        element = self.registry.element(asked.declared, asked.entity, **arguments)
        return b.Leaf(Cell(asked.step.written(element, name)), asked.type)

    def _to_one(self, asked: Asked, source: f.ToOne) -> b.Value:
        target = self.registry.target(asked.declared)
        assert source.key is not None  # noqa: S101  filled in by the registry
        key = asked.entity.column(attribute(source.key)[1])
        name = (asked.entity, self.registry.name(asked.declared))
        other = asked.step.joined(name, Entity.of(target.model), lambda made: made.id == key)
        guard = Cell(asked.step.place(other.id))
        slots = self.object(asked.step, other, target, asked.nodes)
        return b.Obj(Present(guard), slots)

    def _to_many(self, asked: Asked, source: f.ToMany) -> b.Value:
        target = self.registry.target(asked.declared)
        kind = self.kind(asked.spec)
        parent = asked.parent(source.order_by, source.key)
        return self.lists.connection(parent, target, kind, asked.nodes)

    def _list_of(self, asked: Asked, source: f.ListOf) -> b.Value:
        target = self.registry.target(asked.declared)
        parent = asked.parent(source.order_by, source.key)
        return self.lists.bounded(parent, target, source.limit, asked.nodes)

    def _timeline(self, asked: Asked, _: f.Timeline) -> b.Value:
        return self.lists.union(asked.parent(), self.kind(asked.spec), asked.nodes)

    def _chain(self, asked: Asked, source: f.Chain) -> b.Value:
        walk = Walk(self.registry.timelines.links(self.refused), source.forward)
        asked.step.below.append(Below(walk, lambda row: (asked.own_id(row),)))
        found = self.any(walk.below, self.registry.by_prefix, asked.nodes, Cell(1, required=True))
        return b.Reached(walk, asked.own_id, found)

    def _any_node(self, asked: Asked, source: f.AnyNode) -> b.Value:
        key = asked.read(attribute(source.key)[1])
        return self.any(asked.step.below, self.registry.by_prefix, asked.nodes, key)

    def _called(self, asked: Asked, source: f.Called) -> b.Value:
        each = isinstance(source, f.Resolver)
        owner = asked.declared.owner
        call = Batched(source.function, each, asked.own_id, asked.arguments, owner)
        asked.step.batches.append(call)
        return b.FromBatch(call, self.plain(call.below, asked.type, asked.nodes, itself))

    # -- any node, and what Python holds --------------------------------------------------

    def any(self, below: list[Below], prefixes: Iterable[str], nodes: Nodes, key: Read) -> b.Kinds:
        """A record of a kind that only its id tells; one step for each kind that can occur.

        Of a kind that the actor may not read there is no record.
        """
        found = {
            prefix: self._found(below, spec, nodes, key)
            for prefix in prefixes
            if (spec := self._readable(prefix)) is not None
        }
        return b.Kinds(lambda row: ids.prefix_of(key(row) or ""), found)

    def _readable(self, prefix: str) -> NodeSpec | None:
        spec = self.registry.by_prefix.get(prefix)
        return None if spec is None or spec.read in self.refused else spec

    def _found(self, below: list[Below], spec: NodeSpec, nodes: Nodes, key: Read) -> b.Found:
        """The record of this kind whose id `key` reads; ids of other kinds are left alone."""

        def own(row: Any) -> str | None:
            value: str | None = key(row)
            return value if value is not None and ids.prefix_of(value) == spec.prefix else None

        return self._sure(below, spec, nodes, own)

    def _sure(self, below: list[Below], spec: NodeSpec, nodes: Nodes, key: Read) -> b.Found:
        """The record whose id `key` reads, which is of this kind or nothing."""
        entity = Entity.of(spec.model)
        step = Step(entity, entity.id, aliases=spec.aliases)
        slots = self.object(step, entity, spec, nodes)
        below.append(Below(step, lambda row: (key(row),)))
        return b.Found(step, key, b.Obj(itself, slots))

    def plain(
        self, below: list[Below], kind: GraphQLOutputType, nodes: Nodes, read: Read
    ) -> b.Value:
        """What Python holds: a leaf, an object of ours, a node it names, or a list of them."""
        bare = get_nullable_type(kind)
        if is_leaf_type(get_named_type(bare)):
            return b.Leaf(read, kind)
        if isinstance(bare, GraphQLList):
            inner: list[Below] = []
            item = self.plain(inner, bare.of_type, nodes, itself)
            below += [lifted(each, lambda row: read(row) or ()) for each in inner]
            return b.Each(read, item, isinstance(bare.of_type, GraphQLNonNull))
        if isinstance(bare, GraphQLInterfaceType):
            return self.any(below, self.registry.by_prefix, nodes, lambda row: _id_of(read(row)))
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
            slots.append(self.slot(key, kind, same, self.plain(inner, field.type, same, own)))
        below += [lifted(each, lambda row: (read(row),)) for each in inner]
        return b.Obj(read, slots)

    # -- slots ------------------------------------------------------------------------------

    def kind(self, spec: NodeSpec) -> GraphQLObjectType:
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


def _prefixes(wanted: Sequence[str]) -> list[str]:
    return sorted({ids.prefix_of(each) for each in wanted})


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _id_of(value: Any) -> str | None:
    return None if value is None else value if isinstance(value, str) else value.id
