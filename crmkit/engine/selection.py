"""Reads an operation's selections: fragments, directives, arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

Fields = Sequence[FieldNode]


class Selections:
    """What one validated operation selects, with the variables of this request."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: VariableValues,
    ) -> None:
        self.schema = schema
        self.document = document
        self.operation = operation
        self.variables = variables
        self.fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }

    def of(self, kind: GraphQLObjectType, nodes: Sequence[Any]) -> dict[str, list[FieldNode]]:
        """The fields selected below these nodes of a concrete type, by response key."""
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for node in nodes:
            for each in self._flat(kind, node.selection_set, seen):
                found.setdefault(each.alias.value if each.alias else each.name.value, []).append(
                    each
                )
        return found

    def arguments(self, kind: GraphQLObjectType, node: FieldNode) -> dict[str, Any]:
        """The coerced arguments of a field, by their GraphQL names."""
        return get_argument_values(kind.fields[node.name.value], node, self.variables)

    def included(self, item: Any) -> bool:
        """Whether `@skip` and `@include` leave this in."""
        if not item.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, item, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, item, self.variables)
        return not (skip and _if(skip)) and (include is None or _if(include))

    def _flat(
        self, kind: GraphQLObjectType, selections: SelectionSetNode, seen: set[str]
    ) -> Iterator[FieldNode]:
        for item in selections.selections:
            if not self.included(item):
                continue
            if isinstance(item, FieldNode):
                yield item
            elif isinstance(item, InlineFragmentNode):
                if self._applies(item.type_condition, kind):
                    yield from self._flat(kind, item.selection_set, seen)
            elif isinstance(item, FragmentSpreadNode) and item.name.value not in seen:
                seen.add(item.name.value)
                fragment = self.fragments[item.name.value]
                if self._applies(fragment.type_condition, kind):
                    yield from self._flat(kind, fragment.selection_set, seen)

    def _applies(self, condition: NamedTypeNode | None, kind: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == kind.name:
            return True
        wanted = self.schema.get_type(condition.name.value)
        return isinstance(wanted, GraphQLInterfaceType) and wanted in kind.interfaces


def _if(values: dict[str, Any]) -> bool:
    """The argument of @include and @skip, which graphql-core names `if_`."""
    return bool(values.get("if_", values.get("if")))
