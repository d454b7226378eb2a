"""What an operation costs: the records its answer can hold, and what is dear besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
)

from crmkit.engine import fields as f
from crmkit.engine.pagination import PAGE
from crmkit.engine.unions import REACHED
from crmkit.graph.limits import told
from crmkit.values.errors import QueryTooComplex

if TYPE_CHECKING:
    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.registry import Registry
    from crmkit.engine.selection import Selections

HOP = 10
TOTAL = 100


def check(cost: int, most: int) -> None:
    """Refuses what costs more than one answer may.

    Raises:
        QueryTooComplex: It does.
    """
    if cost > most:
        raise QueryTooComplex(
            f"The operation costs {told(cost)} points; at most {most:,} are allowed. "
            "Ask for fewer records at once."
        )


@dataclass(frozen=True)
class Cost:
    """Points of a selection: once, for each object that has it, for each record of its page."""

    once: int = 0
    each: int = 0
    paged: int = 0

    def beside(self, other: Cost) -> Cost:
        return Cost(self.once + other.once, self.each + other.each, self.paged + other.paged)


class Costs:
    """Counts one operation with the variables of one request, each fragment once."""

    def __init__(self, registry: Registry, selections: Selections) -> None:
        self._registry = registry
        self._selections = selections
        self._schema = selections.schema
        self._fragments: dict[str, Cost] = {}
        self._items = 1

    def total(self) -> int:
        """The points of the operation, which is one of a valid document."""
        operation = self._selections.operation
        root = self._schema.get_root_type(operation.operation)
        if operation.operation is OperationType.MUTATION:
            fields = self._selections.of(cast("GraphQLObjectType", root), [operation]).values()
            self._items = max([1, *(_items(self._arguments(root, each[0])) for each in fields)])
        if operation.operation is OperationType.SUBSCRIPTION:
            self._items = PAGE  # Of a bulk's event as many are told at once.
        cost = self._of(operation.selection_set, root)
        return cost.once + cost.each

    def _of(self, selected: SelectionSetNode, kind: Any) -> Cost:
        cost = Cost()
        for node in selected.selections:
            if self._selections.included(node):
                cost = cost.beside(self._selection(node, kind))
        return cost

    def _selection(self, node: Any, kind: Any) -> Cost:
        if isinstance(node, FieldNode):
            return Cost() if node.name.value.startswith("__") else self._field(node, kind)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        assert isinstance(node, InlineFragmentNode)  # noqa: S101  there is no fourth kind
        if node.type_condition is not None:
            kind = self._schema.get_type(node.type_condition.name.value)
        return self._of(node.selection_set, kind)

    def _fragment(self, name: str) -> Cost:
        if name not in self._fragments:
            node = self._selections.fragments[name]
            kind = self._schema.get_type(node.type_condition.name.value)
            self._fragments[name] = self._of(node.selection_set, kind)
        return self._fragments[name]

    def _field(self, node: FieldNode, kind: Any) -> Cost:
        """The kind is that of a valid document: an object or an interface with this field."""
        name = node.name.value
        result = kind.fields[name].type
        target = get_named_type(result)
        below = Cost() if node.selection_set is None else self._of(node.selection_set, target)
        if kind.name.endswith("Connection"):
            return _of_a_page(name, result, below)
        declared = self._declared(kind, name)
        arguments = self._arguments(kind, node)
        number = self._number(declared, arguments, result)
        if target.name.endswith("Connection"):
            made = Cost(below.once, number * below.paged + below.each)
        else:
            made = Cost(below.once, number * (self._is_record(target) + below.each))
        return made.beside(self._besides(declared, arguments))

    def _declared(self, kind: Any, name: str) -> f.Declared | None:
        if kind is self._schema.query_type:
            return self._registry.field(self._registry.query, name)
        if kind is self._schema.subscription_type and self._registry.subscription is not None:
            return self._registry.field(self._registry.subscription, name)
        specs = self._registry.by_type
        if isinstance(kind, GraphQLInterfaceType):
            # What costs the same in all that implement it.
            kind = next(
                each for each in self._schema.get_possible_types(kind) if each.name in specs
            )
        spec = specs.get(kind.name)
        return None if spec is None else self._registry.field(spec.cls, name)

    def _arguments(self, kind: Any, node: FieldNode) -> Mapping[str, Any]:
        if not node.arguments or node.name.value.startswith("__"):
            return {}
        try:
            return self._selections.arguments(kind, node)
        except GraphQLError:
            # It runs into the same and says so where it belongs.
            return {}

    def _is_record(self, kind: Any) -> bool:
        return isinstance(kind, GraphQLInterfaceType) or kind.name in self._registry.by_type

    def _number(
        self, declared: f.Declared | None, arguments: Mapping[str, Any], kind: GraphQLOutputType
    ) -> int:
        """How many there can be of what a field leads to."""
        if get_named_type(kind).name.endswith("Connection"):
            asked = [arguments.get("first"), arguments.get("last")]
            return next((max(0, each) for each in asked if each is not None), PAGE)
        if not isinstance(get_nullable_type(kind), GraphQLList):
            return 1
        if "ids" in arguments:
            return len(arguments["ids"])
        source = None if declared is None else declared.source
        if isinstance(source, f.ListOf):
            return min(source.limit, PAGE)
        if isinstance(source, f.Chain):
            return REACHED
        return PAGE if isinstance(source, f.Called) else self._items

    def _besides(self, declared: f.Declared | None, arguments: Mapping[str, Any]) -> Cost:
        """What a field costs whatever it leads to."""
        if declared is None:
            return Cost()
        if isinstance(declared.source, f.Batch):
            return Cost(once=declared.cost)
        where = None if isinstance(declared.source, f.Called) else arguments.get("where")
        followed = hops(self._registry, self._target(declared), where) if where else 0
        return Cost(once=HOP * followed, each=declared.cost)

    def _target(self, declared: f.Declared) -> NodeSpec:
        if isinstance(declared.source, f.AllOf | f.StatsOf | f.LiveOf):
            return self._registry.spec(declared.source.node)
        return self._registry.target(declared)


def hops(registry: Registry, spec: NodeSpec, where: Mapping[str, Any]) -> int:
    """How many relations a filter follows."""
    return sum(
        _hops(registry, spec, name, test) for name, test in where.items() if test is not None
    )


def _hops(registry: Registry, spec: NodeSpec, name: str, test: Any) -> int:
    below = partial(hops, registry)
    if name in ("and", "or"):
        return sum(below(spec, each) for each in test)
    if name == "not":
        return below(spec, test)
    declared = registry.field(spec.cls, name)
    if isinstance(declared.source, f.ToOne):
        return 1 + below(registry.target(declared), test)
    if isinstance(declared.source, f.ToMany | f.ListOf):
        target = registry.target(declared)
        held = [each for how, each in test.items() if how != "count" and each is not None]
        return 1 + sum(below(target, each) for each in held)
    return 0


def _of_a_page(name: str, kind: GraphQLOutputType, below: Cost) -> Cost:
    """What a field of a connection costs; how long the page is, its own field knows."""
    if name == "totalCount":
        return Cost(once=TOTAL)
    if name == "nodes":
        return Cost(below.once, paged=1 + below.each)
    if name == "edges":
        return Cost(below.once, paged=below.each)
    return below


def _items(arguments: Mapping[str, Any]) -> int:
    """How many records a bulk mutation takes, and its payload can tell of."""
    given = arguments.get("input")
    found = given.get("items") if isinstance(given, Mapping) else None
    return len(found) if isinstance(found, list) else 0
