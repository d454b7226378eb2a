"""How a field says where its value comes from."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

import strawberry
from sqlalchemy import Column, Select
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.scalars import JSON as JSON
from typing_extensions import TypeAliasType

from crmkit.engine.made_types import MadeField
from crmkit.store.database import Base, attribute

T = TypeVar("T")
N = TypeVar("N")
M = TypeVar("M", bound=Base)
E = TypeVar("E", bound=Enum)

Attribute = InstrumentedAttribute[Any]

if TYPE_CHECKING:
    BigInt = int  # A scalar is what Python holds, so Select[int] may fill it without a cast.
    CurrencyCode = str
    Secret = str
else:
    from typing import NewType

    BigInt = NewType("BigInt", int)
    CurrencyCode = NewType("CurrencyCode", str)
    # A text that nobody keeps: in a payload it is null when a repeat is answered.
    Secret = NewType("Secret", str)

ID = strawberry.ID

KNOWN = ("organisation", "clock")
"""Keywords of computed fields that are no arguments: the app fills them in."""

CALL_COST = 10
"""Points of a call of a batch or resolver function unless it says another number."""

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
    """A pure function of named columns of the own or a 1:1 side row, and of arguments."""

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
class Cause(AnyNode):
    """The record of whatever kind that led to this one; chains follow it."""


@dataclass(frozen=True, eq=False)
class Chain(Source):
    """What led to this record, or what followed from it, at any distance."""

    forward: bool


@dataclass(frozen=True, eq=False)
class Timeline(Source):
    """What is about this record, of all kinds, as a connection in the order of time."""


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
class Called(Source):
    """An async function of Python, which may fail by itself."""

    function: Callable[..., Awaitable[Any]]


@dataclass(frozen=True, eq=False)
class Batch(Called):
    """A Python function, called once for all parents of a level."""


@dataclass(frozen=True, eq=False)
class Resolver(Called):
    """A Python function, called once for each parent, many at a time."""


@dataclass(frozen=True, eq=False)
class Asked(Called):
    """A Python function that is called once: a root field that `@query` makes."""


@dataclass(frozen=True, eq=False)
class AllOf(Source):
    """All records of a kind: the root field that a node's `list` makes."""

    node: type


@dataclass(frozen=True, eq=False)
class StatsOf(Source):
    """What all records of a kind come to: the root field beside that list."""

    node: type


@dataclass(frozen=True, eq=False)
class LiveOf(Source):
    """Records of a kind that events are about: a field of Subscription."""

    node: type
    on: frozenset[str]
    gone: frozenset[str]


@dataclass(frozen=True, eq=False)
class Lookup(Source):
    """`node(id:)` and `nodes(ids:)`."""

    many: bool = False


class Declared(MadeField):
    """A field whose source is known before a query runs."""

    source: Source = FromColumn()
    permission: str | None = None
    owner: str = ""
    cost: int = 0

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
        made.cost = self.cost
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
    """What a pure function makes of the values of these columns; keywords are arguments.

    Those named `organisation` and `clock` are filled in by the app instead.
    """
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


def cause(key: Attribute, *, description: str | None = None, permission: str | None = None) -> Any:
    """The record of whatever kind that led to this one, named by the id in `key`.

    Chains of causes and consequences follow it.
    """
    return _declared(Cause(key), description, permission)


def timeline(*, description: str | None = None, permission: str | None = None) -> Any:
    """What plugins register with `schema.timeline(…)`, as a connection in the order of time."""
    return _declared(Timeline(), description, permission)


def to_many(
    key: Attribute | None = None,
    *,
    order_by: Any = (),
    description: str | None = None,
    permission: str | None = None,
) -> Any:
    """The records whose `key` points here, as a connection, in this order unless asked."""
    return _declared(ToMany(key, as_tuple(order_by)), description, permission)


def list_of(
    key: Attribute | None = None,
    *,
    order_by: Any = (),
    limit: int = 100,
    description: str | None = None,
    permission: str | None = None,
) -> Any:
    """The few records whose `key` points here, unpaged, at most `limit`."""
    return _declared(ListOf(key, as_tuple(order_by), limit), description, permission)


def expression(
    function: Callable[..., Select[T]],
    *,
    filterable: bool = False,
    description: str | None = None,
    permission: str | None = None,
    cost: int = 0,
) -> T:
    """The one value of `function(model, **arguments)`, a select over the own row.

    `cost` is what it adds to an operation's points for each record.
    """
    source = Expression(function, filterable)
    made: T = _declared(source, description or _doc(function), permission, cost)
    return made


def batch(
    function: Callable[..., Awaitable[Mapping[str, T]]],
    *,
    description: str | None = None,
    permission: str | None = None,
    cost: int = CALL_COST,
) -> T:
    """What `function(context, ids, **arguments)` knows of each id; called once a level.

    `cost` is what a call adds to an operation's points.
    """
    made: T = _declared(Batch(function), description or _doc(function), permission, cost)
    return made


def resolver(
    function: Callable[..., Awaitable[T]],
    *,
    description: str | None = None,
    permission: str | None = None,
    cost: int = CALL_COST,
) -> T:
    """What `function(context, id, **arguments)` makes of one record; many calls run at once.

    For what is asked of another system one by one; what can be asked for all records of a
    page together is `batch`. `cost` is what a call adds to an operation's points.
    """
    made: T = _declared(Resolver(function), description or _doc(function), permission, cost)
    return made


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


def _declared(
    source: Source, description: str | None, permission: str | None, cost: int = 0
) -> Any:
    made = Declared(description=description)
    made.source, made.permission, made.cost = source, permission, cost
    return made


def _doc(function: Callable[..., Any]) -> str | None:
    return inspect.getdoc(function)


def as_tuple(given: Any) -> tuple[Any, ...]:
    """One thing or several, as several."""
    return tuple(given) if isinstance(given, tuple | list) else (given,)
