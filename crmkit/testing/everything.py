"""The query that asks for everything, made from a schema."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

UNLIMITED = {"limits": dict.fromkeys(("bytes", "tokens", "fields", "cost", "overlaps"), 10**9)}
"""Settings of an endpoint that answers it."""


def everything(
    schema: GraphQLSchema, root: str, depth: int = 2, without: Collection[str] = ()
) -> str:
    """Asks a list for its `$first` records with every field, and their relations with theirs.

    Of the fields whose coordinates (`Customer.name`) stand in `without`, only those are asked
    that lead to others.
    """
    assert schema.query_type is not None
    list_ = schema.query_type.fields[root]
    selected = _Selection(schema, without).below(list_, depth, wanted=not without)
    return f"query ($first: Int) {{ {root}(first: $first) {selected or '{ __typename }'} }}"


@dataclass(frozen=True)
class _Selection:
    schema: GraphQLSchema
    without: Collection[str]

    def below(self, field: GraphQLField, depth: int, *, wanted: bool) -> str:
        """What to select below a field; nothing below a leaf, or where nothing is wanted."""
        kind = get_named_type(field.type)
        if is_leaf_type(kind):
            return ""
        if isinstance(kind, GraphQLInterfaceType):
            selected = f"__typename {' '.join(self._fields(kind, 0))}"
            return f"{{ {selected} }}" if wanted or self._leads_on(kind) else ""
        assert isinstance(kind, GraphQLObjectType)
        if kind.name.endswith("Connection"):
            nodes = self.below(kind.fields["nodes"], depth, wanted=wanted)
            return f"{{ totalCount nodes {nodes} }}" if nodes else ""
        selected = " ".join(self._fields(kind, depth))
        return f"{{ {selected} }}" if selected else ""

    def _fields(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> Iterator[str]:
        """Every field that can be asked without an argument; relations while there is depth."""
        for name, field in kind.fields.items():
            is_relation = not isinstance(get_named_type(field.type), GraphQLLeafType)
            if any(map(is_required_argument, field.args.values())) or (is_relation and depth == 0):
                continue
            wanted = self._wants(kind, name)
            below = self.below(field, depth - 1, wanted=wanted)
            if wanted or below:
                yield f"{name} {below or ('{ __typename }' if is_relation else '')}"

    def _leads_on(self, kind: GraphQLInterfaceType) -> bool:
        """Whether something wanted is among what stands behind an interface; `Node` is all."""
        possible = self.schema.get_possible_types(kind)
        wanted = any(self._wants(each, name) for each in possible for name in each.fields)
        return wanted and kind.name != "Node"

    def _wants(self, kind: GraphQLObjectType | GraphQLInterfaceType, name: str) -> bool:
        return f"{kind.name}.{name}" not in self.without
