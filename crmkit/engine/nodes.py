"""Node types that mirror tables, what is added to them, and the types around them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import strawberry
from strawberry.utils.str_converters import to_camel_case
from typing_extensions import dataclass_transform

from crmkit.engine.descriptions import attribute_docs, description_of
from crmkit.engine.fields import CurrencyCode, Declared, as_tuple
from crmkit.store.aliases import Aliases
from crmkit.store.database import Record, Versioned, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import InstrumentedAttribute
    from strawberry.types.field import StrawberryField

T = TypeVar("T")
N = TypeVar("N")
E = TypeVar("E", bound=Enum)


@strawberry.interface(description="Anything that has an id.")
class Node:
    """Anything that has an id."""

    id: strawberry.ID = strawberry.field(description="Globally unique; its prefix names the kind.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = strawberry.field(description="Whether more follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether something precedes this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first edge.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last edge.")


@strawberry.type(description="One record in a list, and its place there.")
class Edge(Generic[T]):
    """One record in a list, and its place there."""

    cursor: str = strawberry.field(description="Continue before or after this record.")
    node: T = strawberry.field(description="The record.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    """One page of a list."""

    edges: list[Edge[T]] = strawberry.field(description="The records with their cursors.")
    nodes: list[T] = strawberry.field(description="The records alone.")
    page_info: PageInfo = strawberry.field(description="Whether there is more, and where.")
    total_count: int = strawberry.field(
        description="How many there are on all pages; counted only when asked for."
    )


@strawberry.type(name="Money", description="An amount and its currency.")
class MoneyType:
    """An amount and its currency, as clients see it."""

    amount: Decimal = strawberry.field(description="With exactly the digits of its currency.")
    currency: CurrencyCode = strawberry.field(description="An ISO 4217 code.")


@dataclass(eq=False)
class NodeSpec:
    """What `@node` was told, and the fields it found."""

    cls: type
    model: type[Record]
    list_name: str | None
    read: str
    order_by: tuple[Any, ...]
    fields: list[Declared]
    aliases: Aliases | None = None

    @property
    def name(self) -> str:
        return self.cls.__name__

    @cached_property
    def prefix(self) -> str:
        return table_of(self.model).name


@dataclass(eq=False)
class Extension:
    """Fields for a node of somebody else; `target` is its class, or `"plugin.Class"`."""

    cls: type
    target: type | str
    fields: list[Declared]


def node(
    model: type[Record],
    *,
    read: str,
    list: str | None = None,
    order_by: Any = (),
    aliases: InstrumentedAttribute[str] | None = None,
) -> Callable[[type[N]], type[N]]:
    """Makes a node type that mirrors a table.

    Args:
        model: Its table.
        read: The permission that reading it takes.
        list: The name of the root field that lists it; without one it is not listed.
        order_by: The order of that list unless the client asks for another.
        aliases: Where ids stand that records had before they became one of these.
    """

    def decorate(cls: type[N]) -> type[N]:
        _add_standing_fields(cls, model)
        strawberry.type(cls, description=description_of(cls))
        definition: Any = cls.__strawberry_definition__  # type: ignore[attr-defined]
        definition.interfaces.append(Node.__strawberry_definition__)  # type: ignore[attr-defined]
        definition.fields = _fields_of(cls)
        known = None if aliases is None else Aliases.of(aliases)
        cls.__node__ = NodeSpec(  # type: ignore[attr-defined]
            cls, model, list, read, as_tuple(order_by), definition.fields, known
        )
        return cls

    return decorate


def extend(target: type | str) -> Callable[[type[N]], type[N]]:
    """Adds the fields of the decorated class to a node of the core or of another plugin.

    A node of a plugin that may be absent is named: `@sdk.extend("orders.Order")`.
    """

    def decorate(cls: type[N]) -> type[N]:
        # Only to have the annotations resolved in their module: it enters no schema.
        strawberry.type(cls)
        cls.__extension__ = Extension(cls, target, _fields_of(cls))  # type: ignore[attr-defined]
        return cls

    return decorate


@dataclass_transform(kw_only_default=True)
def value(cls: type[N]) -> type[N]:
    """Makes a type of what Python holds and no table does, for batch and computed fields.

    Its instances are made with keywords; the string under an attribute describes it.
    """
    made = strawberry.type(cls, description=description_of(cls))
    docs = attribute_docs(cls)
    for each in made.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        each.description = each.description or docs.get(each.python_name)
    return made


def enum(cls: type[E]) -> type[E]:
    """Makes a closed vocabulary a GraphQL enum; the string under a member describes it."""
    made = strawberry.enum(cls, description=description_of(cls))
    docs = attribute_docs(cls)
    for value in made.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = docs.get(value.name)
    return made


def ref(cls: type[N], id: str) -> N:
    """The record that a mutation hands back: only named here, read after the commit."""
    made = object.__new__(cls)
    made.__dict__["id"] = id
    return made


def id_of(record: object) -> str:
    """The id of a record that a mutation handed back to code; the other end of `ref`."""
    named: str = record.__dict__["id"]
    return named


def node_spec(cls: type) -> NodeSpec | None:
    """What `@node` knows of a class, None where it is no node."""
    return cls.__dict__.get("__node__")


def _add_standing_fields(cls: type, model: type[Record]) -> None:
    """What every node has (contract: id and createdAt; updatedAt and version if it changes)."""
    own = inspect.get_annotations(cls)
    standing: dict[str, Any] = {"created_at": datetime}
    if issubclass(model, Versioned):
        standing |= {"updated_at": datetime, "version": int}
    cls.__annotations__ = {"id": strawberry.ID, **standing, **own}


def _fields_of(cls: type) -> list[Declared]:
    docs = attribute_docs(cls)
    found = []
    for each in cls.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        made = each if isinstance(each, Declared) else _plain(each)
        made.description = made.description or docs.get(made.python_name)
        if made.python_name.endswith("_"):  # Python's own words, such as `from_`.
            made.graphql_name = to_camel_case(made.python_name.rstrip("_"))
        found.append(made)
    return found


def _plain(given: StrawberryField) -> Declared:
    """An annotation without a specifier is the column of that name."""
    return Declared(
        python_name=given.python_name,
        type_annotation=given.type_annotation,
        origin=given.origin,
        description=given.description,
    )
