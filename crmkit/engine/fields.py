"""How a field says where its value comes from."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import strawberry
from sqlalchemy import Column, Select
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.scalars import JSON as JSON
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case
from typing_extensions import TypeAliasType

from crmkit.store.database import Base, Record, Versioned, attribute, table_of

T = TypeVar("T")
N = TypeVar("N")
M = TypeVar("M", bound=Base)
E = TypeVar("E", bound=Enum)

Attribute = InstrumentedAttribute[Any]

if TYPE_CHECKING:
    BigInt = int  # A scalar is what Python holds, so Select[int] may fill it without a cast.
    CurrencyCode = str
else:
    from typing import NewType

    BigInt = NewType("BigInt", int)
    CurrencyCode = NewType("CurrencyCode", str)

ID = strawberry.ID

Ref = TypeAliasType("Ref", str, type_params=(N,))
"""An id of a node in an input: a str to mypy, its target to whoever reads the hint."""


# -- where a value comes from ---------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Source:
    """Where the value of a field comes from; each kind is a subclass."""


@dataclass(frozen=True, eq=False)
class FromColumn(Source):
    """A column of the own row; without an attribute, the one of the field's name."""

    attribute: Attribute | None = None


@dataclass(frozen=True, eq=False)
class FromSide(Source):
    """A column of a 1:1 side table whose primary key is the own row's id."""

    attribute: Attribute


@dataclass(frozen=True, eq=False)
class FromMoney(Source):
    """Minor units and currency code, two columns of the own row."""

    minor: Attribute
    currency: Attribute


@dataclass(frozen=True, eq=False)
class Computed(Source):
    """A pure function of named columns of the own row, and of arguments."""

    function: Callable[..., Any]
    of: tuple[Attribute, ...]


@dataclass(frozen=True, eq=False)
class ToOne(Source):
    """The record that a foreign key points to."""

    key: Attribute | None = None


@dataclass(frozen=True, eq=False)
class AnyNode(Source):
    """The record of whatever kind that an id names."""

    key: Attribute


@dataclass(frozen=True, eq=False)
class ToMany(Source):
    """The records whose key points here, as a connection."""

    key: Attribute | None = None
    order_by: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class ListOf(Source):
    """The few records whose key points here, all of them up to `limit`."""

    key: Attribute | None = None
    order_by: tuple[Any, ...] = ()
    limit: int = 100


@dataclass(frozen=True, eq=False)
class Expression(Source):
    """A scalar subquery over the own row."""

    function: Callable[..., Select[Any]]
    filterable: bool = False


@dataclass(frozen=True, eq=False)
class Batch(Source):
    """A Python function, called once for all parents of a level."""

    function: Callable[..., Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, eq=False)
class AllOf(Source):
    """All records of a kind: the root field that a node's `list` makes."""

    node: type


@dataclass(frozen=True, eq=False)
class Lookup(Source):
    """`node(id:)` and `nodes(ids:)`."""

    many: bool = False


class Declared(StrawberryField):
    """A field whose source is known before a query runs."""

    source: Source = FromColumn()
    permission: str | None = None
    owner: str = ""

    def __copy__(self) -> Declared:
        made = Declared(
            python_name=self.python_name,
            graphql_name=self.graphql_name,
            type_annotation=self.type_annotation,
            origin=self.origin,
            description=self.description,
            deprecation_reason=self.deprecation_reason,
        )
        made.source, made.permission, made.owner = self.source, self.permission, self.owner
        return made


def column(
    attribute: Attribute | None = None,
    *,
    description: str | None = None,
    permission: str | None = None,
) -> Any:
    """A column of the own row under another name, or with a permission of its own."""
    return _declared(FromColumn(attribute), description, permission)


def side(
    attribute: Attribute, *, description: str | None = None, permission: str | None = None
) -> Any:
    """A column of a 1:1 side table: filterable and sortable by that table's index."""
    return _declared(FromSide(attribute), description, permission)


def money(
    minor: Attribute,
    currency: Attribute,
    *,
    description: str | None = None,
    permission: str | None = None,
) -> Any:
    """An amount in minor units and its currency, as one `Money`."""
    return _declared(FromMoney(minor, currency), description, permission)


def computed(
    function: Callable[..., T],
    *of: Attribute,
    description: str | None = None,
    permission: str | None = None,
) -> T:
    """What a pure function makes of the values of these columns; keywords are arguments."""
    made: T = _declared(Computed(function, of), description or _doc(function), permission)
    return made


def to_one(
    key: Attribute | None = None, *, description: str | None = None, permission: str | None = None
) -> Any:
    """The record that `key` points to; by default the only foreign key that fits."""
    return _declared(ToOne(key), description, permission)


def any_node(
    key: Attribute, *, description: str | None = None, permission: str | None = None
) -> Any:
    """The record of whatever kind that the id in `key` names."""
    return _declared(AnyNode(key), description, permission)


def to_many(
    key: Attribute | None = None,
    *,
    order_by: Any = (),
    description: str | None = None,
    permission: str | None = None,
) -> Any:
    """The records whose `key` points here, as a connection, in this order unless asked."""
    return _declared(ToMany(key, _tuple(order_by)), description, permission)


def list_of(
    key: Attribute | None = None,
    *,
    order_by: Any = (),
    limit: int = 100,
    description: str | None = None,
    permission: str | None = None,
) -> Any:
    """The few records whose `key` points here, unpaged, at most `limit`."""
    return _declared(ListOf(key, _tuple(order_by), limit), description, permission)


def expression(
    function: Callable[..., Select[T]],
    *,
    filterable: bool = False,
    description: str | None = None,
    permission: str | None = None,
) -> T:
    """The one value of `function(model, **arguments)`, a select over the own row."""
    made: T = _declared(Expression(function, filterable), description or _doc(function), permission)
    return made


def batch(
    function: Callable[..., Awaitable[Mapping[str, T]]],
    *,
    description: str | None = None,
    permission: str | None = None,
) -> T:
    """What `function(context, ids, **arguments)` knows of each id; called once a level."""
    made: T = _declared(Batch(function), description or _doc(function), permission)
    return made


# -- nodes and what is added to them --------------------------------------------------


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

    @property
    def name(self) -> str:
        return self.cls.__name__

    @property
    def prefix(self) -> str:
        return table_of(self.model).name


@dataclass(eq=False)
class Extension:
    """Fields for a node of somebody else; `target` is its class, or `"plugin.Class"`."""

    cls: type
    target: type | str
    fields: list[Declared]


def node(
    model: type[Record], *, read: str, list: str | None = None, order_by: Any = ()
) -> Callable[[type[N]], type[N]]:
    """Makes a node type that mirrors a table.

    Args:
        model: Its table.
        read: The permission that reading it takes.
        list: The name of the root field that lists it; without one it is not listed.
        order_by: The order of that list unless the client asks for another.
    """

    def decorate(cls: type[N]) -> type[N]:
        _add_standing_fields(cls, model)
        strawberry.type(cls, description=description_of(cls))
        definition: Any = cls.__strawberry_definition__  # type: ignore[attr-defined]
        definition.interfaces.append(Node.__strawberry_definition__)  # type: ignore[attr-defined]
        definition.fields = _fields_of(cls)
        cls.__node__ = NodeSpec(cls, model, list, read, _tuple(order_by), definition.fields)  # type: ignore[attr-defined]
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


def node_spec(cls: type) -> NodeSpec | None:
    """What `@node` knows of a class, None where it is no node."""
    return cls.__dict__.get("__node__")


def own_column(field: Declared) -> Column[Any]:
    """The column that a column, side or money field is read from and filtered by."""
    source = field.source
    if isinstance(source, FromMoney):
        return attribute(source.minor)[1]
    assert isinstance(source, FromColumn | FromSide)  # noqa: S101  the kinds with a column
    assert source.attribute is not None  # noqa: S101  filled in when the registry was made
    return attribute(source.attribute)[1]


def is_filterable(field: Declared) -> bool:
    """Whether there is an index that makes filtering and sorting by this field cheap."""
    source = field.source
    if isinstance(source, Expression):
        return source.filterable
    if isinstance(source, FromColumn | FromSide | FromMoney):
        column = own_column(field)
        return bool(column.info.get("filterable") or column.primary_key)
    return False


def description_of(thing: Any) -> str | None:
    """The docstring, unless it is the one that `@dataclass` writes by itself."""
    doc = vars(thing).get("__doc__") if isinstance(thing, type) else thing.__doc__
    if doc is None or doc.startswith(f"{thing.__name__}("):
        return None
    return inspect.cleandoc(doc)


def attribute_docs(cls: type) -> Mapping[str, str]:
    """The string under an attribute is its description, as Sphinx and pydantic read it."""
    return _docs_in(cls.__module__).get(cls.__qualname__, {})


@cache
def _docs_in(module: str) -> Mapping[str, Mapping[str, str]]:
    """What stands under the attributes of all classes of a module, which is read once."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):  # made at run time: there is no source to read
        return {}
    return {name: _docs_of(each) for name, each in _classes(tree, "")}


def _classes(scope: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for each in ast.iter_child_nodes(scope):
        if isinstance(each, ast.ClassDef):
            yield prefix + each.name, each
            yield from _classes(each, f"{prefix}{each.name}.")
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _classes(each, f"{prefix}{each.name}.<locals>.")


def _docs_of(cls: ast.ClassDef) -> Mapping[str, str]:
    found = {}
    for statement, text in pairwise(cls.body):
        name = _assigned(statement)
        if name and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[name] = inspect.cleandoc(str(text.value.value))
    return found


def _assigned(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None


def _declared(source: Source, description: str | None, permission: str | None) -> Any:
    made = Declared(description=description)
    made.source, made.permission = source, permission
    return made


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


def _doc(function: Callable[..., Any]) -> str | None:
    return inspect.getdoc(function)


def _tuple(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, tuple | list) else (given,)
