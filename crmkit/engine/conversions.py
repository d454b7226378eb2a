"""From what a driver hands out to what stands in the answer, in one go for each column."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLNonNull,
    GraphQLOutputType,
    get_nullable_type,
)
from sqlalchemy import BigInteger, Boolean, Integer, String

from crmkit.engine.builder import serialized
from crmkit.engine.pagination import plain
from crmkit.store.column_types import Choice, Code, InstantText
from crmkit.store.statements import whole_number

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

    from crmkit.store.statements import Template

Convert = Callable[[Any], Any]
"""What makes the value; None where it is already what the driver hands out."""

_TEXTS = frozenset({"String", "ID", "CurrencyCode"})


class Bail(Exception):
    """This answer is not as it should be; the exact builder says what is wrong."""


def bail() -> NoReturn:
    """Leaves the answer to the exact builder."""
    raise Bail


def answered(kind: GraphQLOutputType, template: Template, place: int) -> Convert | None:
    """A value of this column, not null, as a leaf of this type is written."""
    leaf = get_nullable_type(kind)
    read = dict(template.processors).get(place)
    column = template.types[place]
    name = getattr(leaf, "name", "")
    if _is_written_as_read(name, column, template, read):
        return None
    if isinstance(column, Integer) and name in _INTEGERS:
        if read is None:
            return _INTEGERS[name]
        if read is whole_number:
            return _COMPUTED[name]
    if isinstance(leaf, GraphQLEnumType) and isinstance(column, Choice):
        return _names(leaf, column)
    if name == "Boolean" and isinstance(column, Boolean):
        return {0: False, 1: True}.__getitem__
    return _serialized(kind, read)


def sealed(template: Template, place: int) -> Convert | None:
    """A value of this column, also null, as it stands in a cursor."""
    read = dict(template.processors).get(place)
    column = template.types[place]
    if isinstance(column, InstantText) or (
        read is None and isinstance(column, String | Code | Integer)
    ):
        return None
    if read is None:
        return plain
    process = read
    return lambda value: plain(process(value))


def _serialized(kind: GraphQLOutputType, read: Convert | None) -> Convert:
    required = isinstance(kind, GraphQLNonNull)

    def convert(value: Any) -> Any:
        found = serialized(kind, read(value) if read else value)
        return bail() if required and found is None else found

    return convert


def _is_written_as_read(
    name: str, column: TypeEngine[Any], template: Template, read: Convert | None
) -> bool:
    if name == "DateTime":
        return isinstance(column, InstantText)
    if read is not None:
        return False
    if name == "Int" and isinstance(column, Integer):
        # PostgreSQL itself refuses what has more than 32 bits.
        return template.dialect.name == "postgresql" and not isinstance(column, BigInteger)
    if name == "Boolean":
        return isinstance(column, Boolean)
    return name in _TEXTS and isinstance(column, String | Code)


def _int(value: int) -> int:
    return value if -0x80000000 <= value <= 0x7FFFFFFF else bail()


_INTEGERS: dict[str, Convert] = {"BigInt": str, "Int": _int}
_COMPUTED: dict[str, Convert] = {
    "BigInt": lambda value: str(int(value)),
    "Int": lambda value: _int(int(value)),
}


def _names(kind: GraphQLEnumType, column: Choice[Any]) -> Convert:
    """What a stored word is called in the schema."""
    names = {}
    for each in column.choices:
        with suppress(GraphQLError, ValueError):  # Not every word need be in the schema.
            names[each.value] = kind.coerce_output_value(each)
    return names.__getitem__
