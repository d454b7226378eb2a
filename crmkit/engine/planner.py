"""A validated operation becomes a plan: steps that bring rows, slots that read them."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from graphql import (
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
from crmkit.engine.asked import Asked
from crmkit.engine.entity import Entity
from crmkit.engine.late import fixed, teller, together
from crmkit.engine.lists import Lists, Parent
from crmkit.engine.pagination import MOST, Cursors
from crmkit.engine.plan import Nodes, Plan
from crmkit.engine.sources import Sources
from crmkit.engine.steps import Always, Batched, Below, Read, Step, itself
from crmkit.engine.summaries import Summaries
from crmkit.values import ids
from crmkit.values.errors import Failure, QueryTooComplex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.registry import Registry
    from crmkit.engine.selection import Selections
    from crmkit.store.reach import Reach


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
        self.sources = Sources(self)

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
        return self._sure(below, readable, nodes, teller(wanted))

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
        below += [lifted(each, teller(given)) for each in inner]
        return b.Each(teller(given), found, required=False)

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
        return self.sources.value(self._asked(step, entity, spec, nodes))

    def _asked(self, step: Step, entity: Entity, spec: NodeSpec, nodes: Nodes) -> Asked:
        kind = self.kind(spec)
        name = nodes[0].name.value
        declared = self.registry.field(spec.cls, name)
        arguments = self.selections.arguments(kind, nodes[0])
        # A declared function's arguments by the names that it gave them.
        given = {to_snake_case(each): value for each, value in arguments.items()}
        return Asked(step, entity, spec, declared, nodes, kind.fields[name].type, given)

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
        below.append(Below(step, one=key))
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
            return self.any(below, self.registry.by_prefix, nodes, _id_of(read))
        assert isinstance(bare, GraphQLObjectType)  # noqa: S101  we have no unions
        spec = self.registry.by_type.get(bare.name)
        if spec is not None:
            return self._sure(below, spec, nodes, _id_of(read))
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

    def keys(row: Any) -> Iterable[Any]:
        return inner.asked(part for part in parts(row) if part is not None)

    return Below(inner.step, keys)


def _prefixes(wanted: Sequence[str]) -> list[str]:
    return sorted({ids.prefix_of(each) for each in wanted})


def _id_of(read: Read) -> Read:
    """Reads the id of a record that Python names by that, or by itself."""

    def id_of(row: Any) -> str | None:
        value = read(row)
        return value if value is None or isinstance(value, str) else value.id

    return id_of
