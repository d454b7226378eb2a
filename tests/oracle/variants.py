"""Other values of the same type: what a client sends with the same document the next time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    get_nullable_type,
    is_non_null_type,
)

from tests.oracle.values import Values


class Variants:
    """Changes a little of a value, so that a plan serves both or must not."""

    def __init__(self, random: Random, values: Values) -> None:
        self.random = random
        self._leaves: Mapping[str, Callable[[Any], Any]] = {
            "Boolean": lambda value: not value,
            "Int": lambda value: random.choice((value + 1, 2 * value, 0)),
            "BigInt": lambda value: str(int(value) + random.choice((1, -1))),
            "Decimal": lambda _: random.choice(("0", "42", "-1")),
            "DateTime": lambda value: _later(datetime.fromisoformat(value), random),
            "Date": lambda value: _later(date.fromisoformat(value), random),
            "String": lambda value: random.choice((value.swapcase(), value[:2], f"{value}x", "")),
            "ID": lambda _: random.choice(values.ids),
            # Another currency may have other digits, and then the amount beside it is none.
            "CurrencyCode": lambda value: value,
        }

    def of(self, kind: GraphQLInputType, value: Any) -> Any:
        """A value of this type that is near the given one, or null where it may be."""
        if not is_non_null_type(kind) and self.random.randrange(10) == 0:
            return None
        bare = get_nullable_type(kind)
        if value is None:
            return None
        if isinstance(bare, GraphQLList):
            return self._listed(bare.of_type, value)
        if isinstance(bare, GraphQLInputObjectType):
            return self._object(bare, value)
        if isinstance(bare, GraphQLEnumType):
            return self.random.choice(list(bare.values))
        return self._leaves[bare.name](value)

    def _listed(self, kind: GraphQLInputType, value: list[Any]) -> list[Any]:
        if not value:
            return []
        match self.random.randrange(4):
            case 0:
                return value[:-1]
            case 1:
                return [*value, value[0]]
        index = self.random.randrange(len(value))
        return [*value[:index], self.of(kind, value[index]), *value[index + 1 :]]

    def _object(self, kind: GraphQLInputObjectType, value: Mapping[str, Any]) -> dict[str, Any]:
        if not value:
            return {}
        name = self.random.choice(list(value))
        field = kind.fields[name].type
        if not is_non_null_type(field) and self.random.randrange(4) == 0:
            return {key: part for key, part in value.items() if key != name}
        return {**value, name: self.of(field, value[name])}


def _later(moment: date, random: Random) -> str:
    return (moment + timedelta(days=random.choice((1, -1, 30)))).isoformat()
