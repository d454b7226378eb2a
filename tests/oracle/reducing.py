"""A smaller document that is answered wrongly as well, for whoever has to understand why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)

_PARTS = (
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ObjectFieldNode,
)
_TRIES = 150


def reduced(document: str, schema: GraphQLSchema, fails: Callable[[str], bool]) -> str:
    """Leaves out one part after the other, as long as it still fails."""
    tries, whole = _TRIES, parse(document)
    index = 0
    while tries and (smaller := _without(whole, index)) is not None:
        if validate(schema, smaller):
            index += 1
            continue
        tries -= 1
        if fails(print_ast(smaller)):
            whole = smaller
        else:
            index += 1
    return print_ast(whole)


def _without(document: DocumentNode, index: int) -> DocumentNode | None:
    """All but its part of this number, and what nobody names any more; None if it has not so many."""
    taken = _Taking(index)
    left = visit(document, taken)
    return _named(left) if taken.left < 0 else None


class _Taking(Visitor):
    """Takes one part away, those that stand further out first."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.left = index

    def enter(self, node: Node, *_: Any) -> Any:
        if isinstance(node, _PARTS):
            self.left -= 1
            if self.left == -1:
                return REMOVE
        return None


def _named(document: DocumentNode) -> DocumentNode:
    """Without fragments that are not spread and variables that are not used."""
    names = dict[type[Node], set[str]]()
    for node in _nodes(document):
        if isinstance(node, FragmentSpreadNode | VariableNode):
            names.setdefault(type(node), set()).add(node.name.value)
    left = visit(document, _Naming(names))
    return left if print_ast(left) == print_ast(document) else _named(left)


def _nodes(document: DocumentNode) -> Iterator[Node]:
    waiting: list[Any] = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list | tuple):
            waiting += node
        elif isinstance(node, Node):
            yield node
            # The variable of its own definition is no use of it.
            waiting += [
                getattr(node, key)
                for key in node.keys
                if not (isinstance(node, VariableDefinitionNode) and key == "variable")
            ]


class _Naming(Visitor):
    def __init__(self, names: dict[type[Node], set[str]]) -> None:
        super().__init__()
        self.names = names

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> Any:
        named = node.name.value in self.names.get(FragmentSpreadNode, ())
        return None if named else REMOVE

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:
        named = node.variable.name.value in self.names.get(VariableNode, ())
        return None if named else REMOVE
