"""The operation that GraphiQL opens with, made of the schema that is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from graphql import get_nullable_type, is_leaf_type, is_required_argument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLField, GraphQLObjectType

    from crmkit.graph.schema import Schema

_NODE = "Customer"
_MARGIN = " " * 6
_OPERATION = """\
# The first customers, with what plugins know of them.
# Ctrl+Enter runs it, Ctrl+Space says what fits here,
# and the book at the left holds all that can be asked.
query FirstCustomers {
  customers(first: 5) {
    totalCount
    nodes {
      name
      stage {
        label
      }
%s    }
  }
}
"""


def example(schema: Schema) -> str:
    """A query that runs whichever plugins are loaded: it selects one plain field of each."""
    lines = (f"{_MARGIN}{name} # {plugin}\n" for plugin, name in _contributed(schema))
    return _OPERATION % "".join(lines)


def _contributed(schema: Schema) -> Iterator[tuple[str, str]]:
    """Each plugin that adds a plain field to customers, with the first such field."""
    registry = schema.registry
    cls = registry.named(_NODE).cls
    customer = cast("GraphQLObjectType", schema.core.type_map[_NODE])
    seen = {registry.owners[cls]}
    for each in registry.fields_of(cls):
        name = registry.name(each)
        if each.owner not in seen and _is_plain(customer.fields[name]):
            seen.add(each.owner)
            yield each.owner, name


def _is_plain(field: GraphQLField) -> bool:
    leaf = is_leaf_type(get_nullable_type(field.type))
    return leaf and not any(map(is_required_argument, field.args.values()))
