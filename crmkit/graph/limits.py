"""How much a document may ask for: one pass over it that visits each fragment once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from crmkit.values.errors import QueryTooComplex

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crmkit.settings import Limits

_OF_THE_SCHEMA = frozenset({"__schema", "__type"})
_OPERATIONS = 10  # as many may be as large as one may be
_OF_LISTS = frozenset({"edges", "node", "nodes"})


def check_bytes(text: str, most: int) -> None:
    """Refuses a text that is too long to be read at all.

    Raises:
        QueryTooComplex: It is.
    """
    # A character is at most four bytes, so few texts have to be counted.
    if 4 * len(text) > most and (size := len(text.encode())) > most:
        raise _too_much("bytes", size, most)


def check(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> None:
    """Refuses a document, which need not be valid, if one of its operations asks for too much.

    Raises:
        QueryTooComplex: It does; the message names the limit.
    """
    measure = Measure(schema, document)
    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode):
            _check(measure.operation(each), limits)
        elif isinstance(each, FragmentDefinitionNode):
            _check(measure.fragment(each.name.value), limits)
    _Overlaps(measure, limits).check(document)


@dataclass(frozen=True)
class Size:
    """What a selection amounts to, its fragments written out wherever they are spread."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    data: bool = False
    """Whether it selects anything besides the schema itself."""

    def beside(self, other: Size) -> Size:
        return Size(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
            self.fields + other.fields,
            self.data or other.data,
        )


class Measure:
    """Measures the selections of one document; `visited` counts the nodes that it took."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.schema = schema
        self.visited = 0
        self.fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        self._measured: dict[str, Size] = {}

    def operation(self, node: OperationDefinitionNode) -> Size:
        own = self._directives(node)
        kind = self.schema.get_root_type(node.operation)
        return own.beside(self._of(node.selection_set, kind))

    def fragment(self, name: str) -> Size:
        """The size of a fragment; of one that spreads itself, which validation refuses."""
        if name not in self._measured:
            self._measured[name] = Size()
            if (node := self.fragments.get(name)) is not None:
                kind = self.schema.get_type(node.type_condition.name.value)
                own = self._directives(node)
                self._measured[name] = own.beside(self._of(node.selection_set, kind))
        return self._measured[name]

    def _of(self, selected: SelectionSetNode, kind: Any) -> Size:
        size = Size()
        for node in selected.selections:
            self.visited += 1
            size = size.beside(self._selection(node, kind))
            if node.directives:
                size = size.beside(self._directives(node))
        return size

    def _directives(self, node: Any) -> Size:
        """None may be repeated, so more than there are are wrong, and each would be told as an error."""
        number, most = len(node.directives or ()), len(self.schema.directives)
        if number > most:
            raise _too_much("directives at one place", number, most)
        return Size(directives=number)

    def _selection(self, node: Any, kind: Any) -> Size:
        if isinstance(node, FieldNode):
            return self._field(node, kind)
        if isinstance(node, FragmentSpreadNode):
            return self.fragment(node.name.value)
        assert isinstance(node, InlineFragmentNode)  # noqa: S101  there is no fourth kind
        if node.type_condition is not None:
            kind = self.schema.get_type(node.type_condition.name.value)
        return self._of(node.selection_set, kind)

    def _field(self, node: FieldNode, kind: Any) -> Size:
        name = node.name.value
        below = Size()
        if node.selection_set is not None:
            below = self._of(node.selection_set, _type_of(kind, name))
        return Size(
            below.depth + (0 if name in _OF_LISTS and _is_page(kind) else 1),
            below.aliases + (node.alias is not None),
            below.directives,
            below.fields + 1,
            name not in _OF_THE_SCHEMA,
        )


class _Overlaps:
    """Counts what validation compares: fields of one name, and fragments, at one place."""

    def __init__(self, measure: Measure, limits: Limits) -> None:
        self._fragments = measure.fragments
        self._most, self._most_visits = limits.overlaps, _OPERATIONS * limits.fields
        self._reached: set[str] = set()
        self._pairs = 0
        self._visits = 0

    def check(self, document: DocumentNode) -> None:
        for each in document.definitions:
            if isinstance(each, OperationDefinitionNode):
                self._place([each.selection_set])
        for name, fragment in self._fragments.items():
            # Nobody spreads it, and yet it is validated.
            if name not in self._reached:
                self._place([fragment.selection_set])

    def _place(self, selected: Sequence[SelectionSetNode]) -> None:
        """Counts at one place of the answer, where several selections may come together."""
        below: dict[str, list[SelectionSetNode]] = {}
        compared: dict[str, int] = {}
        spread: set[str] = set()
        for node in self._fields(list(selected), spread):
            key = node.alias.value if node.alias else node.name.value
            if node.selection_set is not None:
                below.setdefault(key, []).append(node.selection_set)
            if node.selection_set is not None or node.arguments:
                compared[key] = compared.get(key, 0) + 1
        self._count([*compared.values(), len(spread)])
        for each in below.values():
            self._place(each)

    def _fields(self, waiting: list[SelectionSetNode], spread: set[str]) -> Iterator[FieldNode]:
        while waiting:
            for node in waiting.pop().selections:
                self._visits += 1
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, InlineFragmentNode):
                    waiting.append(node.selection_set)
                elif isinstance(node, FragmentSpreadNode):
                    waiting += self._first_spread(node.name.value, spread)

    def _first_spread(self, name: str, spread: set[str]) -> list[SelectionSetNode]:
        if name in spread or name not in self._fragments:
            return []
        spread.add(name)
        self._reached.add(name)
        return [self._fragments[name].selection_set]

    def _count(self, alike: Sequence[int]) -> None:
        self._pairs += sum(each * (each - 1) // 2 for each in alike)
        if self._pairs > self._most:
            raise _too_much("pairs of fields or fragments at one place", self._pairs, self._most)
        if self._visits > self._most_visits:
            raise _too_much("fields in all its operations", self._visits, self._most_visits)


def _check(size: Size, limits: Limits) -> None:
    """Questions about the schema alone are as deep as they must be."""
    if size.aliases > limits.aliases:
        raise _too_much("aliases", size.aliases, limits.aliases)
    if not size.data:
        return
    if size.depth > limits.depth:
        raise QueryTooComplex(
            f"The operation is {told(size.depth)} fields deep; at most {limits.depth} are allowed, "
            "where edges, node and nodes of a connection do not count."
        )
    if size.directives > limits.directives:
        raise _too_much("directives", size.directives, limits.directives)
    if size.fields > limits.fields:
        raise _too_much("fields", size.fields, limits.fields)


def _too_much(what: str, amount: int, most: int) -> QueryTooComplex:
    return QueryTooComplex(f"The document has {told(amount)} {what}; at most {most:,} are allowed.")


def told(amount: int) -> str:
    """A number, unless it has more digits than anybody reads."""
    return f"{amount:,}" if amount < 10**9 else "more than a billion"


def _type_of(kind: Any, name: str) -> Any:
    """The type below a field; None where the document is wrong, which validation will say."""
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and name in kind.fields:
        return get_named_type(kind.fields[name].type)
    return None


def _is_page(kind: Any) -> bool:
    return isinstance(kind, GraphQLObjectType) and kind.name.endswith(("Connection", "Edge"))
