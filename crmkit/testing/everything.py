"""The query that asks for everything, made from a schema."""

from __future__ import annotations

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

UNLIMITED = {"limits": dict.fromkeys(("bytes", "tokens", "fields", "cost", "overlaps"), 10**9)}
"""Settings of an endpoint that answers it."""


def everything(schema: GraphQLSchema, root: str, first: int, depth: int = 2) -> str:
    """Asks a list for its first records with every field, and their relations with theirs."""
    assert schema.query_type is not None
    selected = _of(schema.query_type.fields[root], depth)
    return f"{{ {root}(first: {first}) {selected} }}"


def _of(field: GraphQLField, depth: int) -> str:
    """What to select below a field; nothing below a leaf."""
    kind = get_named_type(field.type)
    if is_leaf_type(kind):
        return ""
    if isinstance(kind, GraphQLInterfaceType):
        return f"{{ __typename {' '.join(_fields(kind, 0))} }}"
    assert isinstance(kind, GraphQLObjectType)
    if kind.name.endswith("Connection"):
        return f"{{ totalCount nodes {_of(kind.fields['nodes'], depth)} }}"
    return f"{{ {' '.join(_fields(kind, depth))} }}"


def _fields(kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> list[str]:
    """Every field that can be asked without an argument; relations while there is depth."""
    selected = []
    for name, field in kind.fields.items():
        leads_on = not isinstance(get_named_type(field.type), GraphQLLeafType)
        if any(map(is_required_argument, field.args.values())) or (leads_on and depth == 0):
            continue
        selected.append(f"{name} {_of(field, depth - 1)}")
    return selected
