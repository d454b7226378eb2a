"""The scalars of the contract: how values are written in answers and read from inputs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import strawberry
from graphql import GraphQLError

from crmkit.engine.fields import BigInt, CurrencyCode
from crmkit.store.column_types import instant
from crmkit.values import money

if TYPE_CHECKING:
    from strawberry.types.scalar import ScalarDefinition

HIGHEST = 2**63 - 1


def _big_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise GraphQLError(f"BigInt cannot be {value!r}; send an integer as a string.")
    try:
        number = int(value) if len(str(value)) <= 20 and "_" not in str(value) else HIGHEST + 1
    except ValueError:
        raise GraphQLError(f"BigInt cannot be {value!r}; send an integer as a string.") from None
    if not -HIGHEST - 1 <= number <= HIGHEST:
        raise GraphQLError(f"BigInt cannot be {str(value)[:40]}; it has 64 bits.")
    return number


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise GraphQLError(f"Decimal cannot be {value!r}; send it as a string.")
    try:
        number = Decimal(value) if len(str(value)) <= 40 else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise GraphQLError(f"Decimal cannot be {str(value)[:40]!r}; send digits as a string.")
    return number


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        instant(moment)
    except (TypeError, ValueError, OverflowError):
        raise GraphQLError(
            f"DateTime cannot be {str(value)[:40]!r}; send RFC 3339 with a zone, like 2026-01-31T09:00:00Z."
        ) from None
    return moment


def _date(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise GraphQLError(
            f"Date cannot be {str(value)[:40]!r}; send it like 2026-01-31."
        ) from None


def _currency(value: Any) -> str:
    if not isinstance(value, str) or not money.is_currency(value):
        raise GraphQLError(f"{str(value)[:10]!r} is no currency; send an ISO 4217 code like EUR.")
    return value


def _whole(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphQLError(f"BigInt cannot represent {value!r}.")
    return str(value)


def _scalar(name: str, description: str, serialize: Any, parse: Any) -> ScalarDefinition:
    return strawberry.scalar(
        name=name, description=description, serialize=serialize, parse_value=parse
    )


SCALARS: dict[Any, Any] = {
    BigInt: _scalar("BigInt", "An integer of 64 bits, as a string.", _whole, _big_int),
    Decimal: _scalar(
        "Decimal", "An exact decimal number, as a string.", lambda v: format(v, "f"), _decimal
    ),
    datetime: _scalar(
        "DateTime", "A moment in UTC as RFC 3339 has it, always with six digits.", instant, _moment
    ),
    date: _scalar("Date", "A day of the calendar, like 2026-01-31.", date.isoformat, _date),
    CurrencyCode: _scalar("CurrencyCode", "An ISO 4217 currency code, like EUR.", str, _currency),
}
