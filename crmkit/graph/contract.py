"""A room's part of the contract: what the schema has with it and lacks without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    is_introspection_type,
    is_specified_scalar_type,
    print_type,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import GraphQLSchema

_WITH_FIELDS = GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType


def added(before: GraphQLSchema | None, after: GraphQLSchema) -> str:
    """New types, and `extend …` for what grew, in GraphQL's own language, sorted by name."""
    known: Mapping[str, GraphQLNamedType] = {} if before is None else before.type_map
    parts = [
        text
        for name, kind in sorted(after.type_map.items())
        for text in _part(known.get(name), kind)
    ]
    return "\n\n".join(parts) + "\n"


def _part(before: GraphQLNamedType | None, after: GraphQLNamedType) -> Iterator[str]:
    if is_introspection_type(after) or is_specified_scalar_type(after):
        return
    if before is None:
        yield print_type(after)
        return
    if (grown := _grown(before, after)) is not None:
        yield f"extend {print_type(grown)}"


def _grown(before: Any, after: GraphQLNamedType) -> GraphQLNamedType | None:
    """A type of what is new alone; None where nothing is."""
    if isinstance(after, _WITH_FIELDS):
        fields = {name: each for name, each in after.fields.items() if name not in before.fields}
        # The kind is kept, so that it is printed with the word that the kind has.
        return type(after)(after.name, fields) if fields else None
    if isinstance(after, GraphQLEnumType):
        values = {name: each for name, each in after.values.items() if name not in before.values}
        return GraphQLEnumType(after.name, values) if values else None
    return None
