"""The coordinates that an operation names: fields, filters, orders, groups, mutations.

They are collected from the document once, and from the variables of each request, whatever
directives leave out: what an actor may not use is refused before anything runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInputObjectType,
    GraphQLSchema,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    type_from_ast,
    visit,
)

from crmkit.engine.conditions import said

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True)
class Named:
    """What the text of an operation names, and the variables that can name more.

    `variables` decide what is read, `inputs` what is written, which can be a thousand records.
    """

    coordinates: frozenset[str]
    variables: tuple[tuple[str, Any], ...]
    inputs: tuple[tuple[str, Any], ...]

    def together(self, variables: Mapping[str, Any], *, written: bool = False) -> Collection[str]:
        """All that a request names, whose variables have been found to be valid.

        Args:
            variables: As they were sent.
            written: Whether what it writes counts as well.
        """
        deciding = (*self.variables, *self.inputs) if written else self.variables
        if not deciding:
            return self.coordinates
        more = (
            each
            for name, kind in deciding
            if name in variables
            for each in said(kind, variables[name])
        )
        return self.coordinates.union(more)


def named(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    kinds: Collection[str],
) -> Named:
    """What an operation of a valid document names; of inputs, those of these kinds."""
    visitor = _Visitor(TypeInfo(schema))
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    waiting: list[Node] = [operation]
    while waiting:
        visit(waiting.pop(), TypeInfoVisitor(visitor.info, visitor))
        waiting += [fragments.pop(each) for each in visitor.spreads if each in fragments]
    variables = [
        (each.variable.name.value, type_from_ast(schema, each.type))
        for each in operation.variable_definitions or ()
    ]
    deciding = tuple(each for each in variables if str(get_named_type(each[1])) in kinds)
    inputs = tuple(
        each
        for each in variables
        if each not in deciding and isinstance(get_named_type(each[1]), GraphQLInputObjectType)
    )
    return Named(frozenset(visitor.found), deciding, inputs)


class _Visitor(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.found: set[str] = set()
        self.spreads: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent = self.info.get_parent_type()
        if parent is not None:
            self.found.add(f"{parent.name}.{node.name.value}")

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        parent = get_named_type(self.info.get_parent_input_type())
        if parent is not None:
            self.found.add(f"{parent.name}.{node.name.value}")

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> None:
        kind = get_named_type(self.info.get_input_type())
        if kind is not None:
            self.found.add(f"{kind.name}.{node.value}")

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.spreads.add(node.name.value)
