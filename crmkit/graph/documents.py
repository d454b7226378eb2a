"""Documents that were parsed, measured and validated, kept for those that send them again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    NoSchemaIntrospectionCustomRule,
    ObjectValueNode,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    get_named_type,
    parse,
    specified_rules,
    validate,
    visit,
)

from crmkit.engine.late import shape_of
from crmkit.graph import cost, limits
from crmkit.graph.errors import Wrong
from crmkit.values.errors import QueryTooComplex

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphql import ASTValidationRule

    from crmkit.graph.coordinates import Named
    from crmkit.graph.variables import Declared
    from crmkit.settings import Limits

KEPT = 300_000
"""Characters of all documents that are kept; one takes some hundred times its text."""

_ERRORS = 10
"""Faults that are told of one document: with their suggestions they cost milliseconds each."""

_RULES = tuple(specified_rules)
_RULES_OF_OTHERS = (*_RULES, NoSchemaIntrospectionCustomRule)
_COSTS = 100
_TOO_MANY = "Parsing aborted."


@dataclass(eq=False)
class Document:
    """A validated document."""

    text: str
    parsed: DocumentNode
    _asked: dict[str | None, Operation] = field(default_factory=dict)

    def operation(self, name: str | None) -> Operation:
        """The operation of this name, or the only one.

        Raises:
            GraphQLError: It has none of this name, or several.
        """
        if (known := self._asked.get(name)) is None:
            known = self._asked[name] = Operation(self.text, self.parsed, self._found(name))
        return known

    def _found(self, name: str | None) -> OperationDefinitionNode:
        found = [e for e in self.parsed.definitions if isinstance(e, OperationDefinitionNode)]
        if name is not None:
            found = [each for each in found if each.name and each.name.value == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise GraphQLError("The document has several operations; say operationName.")
        raise GraphQLError(
            "There is no such operation in the document." if name else "There is no operation."
        )


@dataclass(slots=True, eq=False)
class Root:
    """A root field of a mutation: its key in the answer, its nodes, and what they say."""

    key: str
    nodes: Sequence[FieldNode]
    name: str
    variable: str | None
    """The variable that is its input, if that is one."""

    @classmethod
    def of(cls, key: str, nodes: Sequence[FieldNode]) -> Root:
        given = [each.value for each in nodes[0].arguments or ()]
        variables = [each.name.value for each in given if isinstance(each, VariableNode)]
        return cls(key, nodes, nodes[0].name.value, variables[0] if variables else None)


class Operation:
    """An operation of a document, and what whoever runs it first finds out about it.

    It does not lead back to its document: what has no circle is gone when it is forgotten.
    """

    def __init__(self, text: str, parsed: DocumentNode, node: OperationDefinitionNode) -> None:
        self.text, self.parsed, self.node = text, parsed, node
        self.kind: str = node.operation.value
        self.name = node.name.value if node.name else None
        self.named: Named | None = None
        """What it names."""
        self.declared: Sequence[Declared] | None = None
        """Its variables."""
        self.roots: Sequence[Root] | None = None
        """The root fields of a mutation, where these are the same each time."""
        self._costs: dict[Hashable, int] = {}

    @cached_property
    def below(self) -> frozenset[str]:
        """The variables that stand below root fields, or in fragments."""
        found = _Variables()
        for each in self.parsed.definitions:
            if isinstance(each, FragmentDefinitionNode):
                visit(each, found)
            elif isinstance(each, OperationDefinitionNode):
                for node in each.selection_set.selections:
                    if (inner := getattr(node, "selection_set", None)) is not None:
                        visit(inner, found)
        return frozenset(found.names)

    @cached_property
    def decisive(self) -> tuple[tuple[str, str], ...]:
        """The variables that the cost depends on, and what of them it depends on."""
        found = _Decisive()
        visit(self.parsed, found)
        for each in self.declared or ():
            # Of one record, however much is said of it, nothing depends.
            is_one = "items" not in getattr(get_named_type(each.signature.type), "fields", ())
            if is_one and found.names.get(each.name) == "input":
                del found.names[each.name]
        return tuple(found.names.items())

    @cached_property
    def is_fixed(self) -> bool:
        """Whether it has the same root fields each time, because no directive leaves one out."""
        return all(
            isinstance(each, FieldNode) and not each.directives
            for each in self.node.selection_set.selections
        )

    def check_cost(self, variables: Mapping[str, Any], count: Callable[[], int], most: int) -> int:
        """What it costs, counted once for variables that are alike.

        Raises:
            QueryTooComplex: It costs too much.
        """
        decisive = self.decisive  # Mostly nothing is.
        key = tuple([_seen(how, variables.get(name)) for name, how in decisive]) if decisive else ()
        if (known := self._costs.get(key)) is None:
            if len(self._costs) >= _COSTS:
                self._costs.clear()
            known = self._costs[key] = count()
        if known > most:
            cost.check(known, most)
        return known


@dataclass(slots=True)
class Wanted:
    """An operation of a valid document, as somebody asks for it."""

    operation: Operation
    variables: Mapping[str, Any]

    @property
    def key(self) -> Hashable:
        """Those who ask for the same have the same."""
        said = orjson.dumps(self.variables, option=orjson.OPT_SORT_KEYS)
        return self.operation.text, self.operation.name, said


class Documents:
    """The documents of one app that were used last."""

    def __init__(
        self,
        schema: GraphQLSchema,
        most: Limits,
        *,
        suggestions: bool = True,
    ) -> None:
        self._schema = schema
        self._most = most
        self._suggestions = suggestions
        self._kept: OrderedDict[tuple[str, bool], Document | list[GraphQLError]] = OrderedDict()
        self._characters = 0

    def __call__(self, text: str, *, introspection: bool = True) -> Document:
        """The document, as somebody sends it who may ask about the schema or not.

        Raises:
            Wrong: It is not valid.
            GraphQLError: It cannot be parsed.
            QueryTooComplex: It asks for too much.
        """
        key = text, introspection
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        else:
            found = self._prepared(text, _RULES if introspection else _RULES_OF_OTHERS)
            self._keep(key, found)
        if isinstance(found, list):
            raise Wrong(found)
        return found

    def _prepared(
        self, text: str, rules: Sequence[type[ASTValidationRule]]
    ) -> Document | list[GraphQLError]:
        limits.check_bytes(text, self._most.bytes)
        parsed = _parsed(text, self._most.tokens)
        # Before validation, which takes seconds over documents that are made for it.
        limits.check(self._schema, parsed, self._most)
        wrong = validate(
            self._schema, parsed, rules, _ERRORS, hide_suggestions=not self._suggestions
        )
        return wrong or Document(text, parsed)

    def _keep(self, key: tuple[str, bool], made: Document | list[GraphQLError]) -> None:
        self._kept[key] = made
        self._characters += len(key[0])
        while self._characters > KEPT:
            (oldest, _), _ = self._kept.popitem(last=False)
            self._characters -= len(oldest)


def _parsed(text: str, tokens: int) -> DocumentNode:
    try:
        return parse(text, max_tokens=tokens)
    except GraphQLSyntaxError as error:
        if not error.message.endswith(_TOO_MANY):
            raise
        told = error.message.removeprefix("Syntax Error: ").removesuffix(_TOO_MANY).strip()
        raise QueryTooComplex(told) from None


_SIZES = ("first", "last")
_SHAPES = ("where", "ids")


def _seen(how: str, value: Any) -> Hashable:
    """What the cost depends on: a number of records, which relations a filter names."""
    if how == "input":
        how, value = "items", value.get("items") if isinstance(value, dict) else None
    if how == "items":
        return len(value) if isinstance(value, list) else None
    return value if how == "whole" and isinstance(value, int) else shape_of(value)


class _Decisive(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, str] = {}

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        name = node.name.value
        if name in _SIZES:
            self._note(node, "whole")
        elif name in _SHAPES:
            self._note(node, "shape")
        elif name == "input" and isinstance(node.value, VariableNode):
            self._note(node, "input")
        elif name == "input" and isinstance(node.value, ObjectValueNode):
            # Of what is written, however large, only the number of records counts.
            for each in node.value.fields:
                if each.name.value == "items":
                    self._note(each, "items" if isinstance(each.value, VariableNode) else "shape")

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self._note(node, "shape")

    def _note(self, node: Node, how: str) -> None:
        found = _Variables()
        visit(node, found)
        for each in found.names:
            # A variable used in two ways is looked at whole.
            self.names[each] = how if self.names.get(each, how) == how else "whole"


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)
