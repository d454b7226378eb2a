"""What stats are: all rows of a kind, also of the deleted, counted one by one in Python."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cmp_to_key, partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from graphql import GraphQLObjectType, get_named_type

from crmkit.engine import fields as f
from crmkit.values.text import fold
from tests.oracle import conditions
from tests.oracle.pages import Wrong
from tests.oracle.world import Row, Unreadable

if TYPE_CHECKING:
    from tests.oracle.meaning import Meaning

Given = Mapping[str, Any]
MOST = 1000

_PERIODS: dict[str, Callable[[date], date]] = {
    "DAY": lambda day: day,
    "WEEK": lambda day: day - timedelta(days=day.weekday()),
    "MONTH": lambda day: day.replace(day=1),
    "QUARTER": lambda day: day.replace(month=1 + 3 * ((day.month - 1) // 3), day=1),
    "YEAR": lambda day: day.replace(month=1, day=1),
}


@dataclass(frozen=True)
class _Key:
    """What one value of `by` makes groups of."""

    name: str
    of: Callable[[Row], Any]


def stats(meaning: Meaning, kind: str, given: Given) -> dict[str, Any]:
    """What an executor goes on with below the stats of a kind."""
    seen = copy.copy(meaning)
    seen.world = meaning.world.whole
    rows = seen.world.rows[seen.table(seen.specs[kind])]
    where = given.get("where") or {}
    rows = [row for row in rows if conditions.holds(seen, kind, row, where)]
    keys = list(dict.fromkeys(given.get("by") or ()))
    by = [_key(seen, kind, each) for each in keys]
    if len({each.name for each in by}) < len(by):
        raise Wrong  # Two periods of one field.
    groups = _groups(rows, by) if by else []
    told = [_told(seen, kind, each, by) for each in groups[:MOST]]
    return {
        **_totals(seen, kind, rows),
        "groups": told,
        "hasMoreGroups": len(groups) > MOST,
    }


def _key(meaning: Meaning, kind: str, said: str) -> _Key:
    for name in _fields(meaning, f"{kind}Group"):
        shouted = "".join(f"_{each}" if each.isupper() else each for each in name).upper()
        if said == shouted:
            return _Key(name, partial(_shared, meaning, kind, name))
        for period, begin in _PERIODS.items():
            if said == f"{shouted}_{period}":
                return _Key(name, partial(_begin, meaning, kind, name, begin))
    raise AssertionError(f"{kind} has no group by {said}.")


def _shared(meaning: Meaning, kind: str, name: str, row: Row) -> Any:
    source = meaning.source(kind, name)
    if isinstance(source, f.ToOne):
        return meaning.to_one(row, source)
    value = meaning.value(kind, name, row)
    return fold(value) if value is not None and meaning.is_folded(kind, name) else value


def _begin(
    meaning: Meaning, kind: str, name: str, begin: Callable[[date], date], row: Row
) -> date | None:
    value = meaning.value(kind, name, row)
    if isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(meaning.t.host.settings.organisation.zone)).date()
    return None if value is None else begin(value)


def _groups(rows: Sequence[Row], by: Sequence[_Key]) -> list[list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(_stored(each.of(row)) for each in by), []).append(row)
    return [found[key] for key in sorted(found, key=cmp_to_key(_compare))]


def _stored(value: Any) -> Any:
    if isinstance(value, Row):
        return value.id
    return value.value if isinstance(value, Enum | Unreadable) else value


def _compare(one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
    for a, b in zip(one, other, strict=True):
        if a != b:
            return 1 if a is None else -1 if b is None or a < b else 1
    return 0


def _told(meaning: Meaning, kind: str, rows: list[Row], by: Sequence[_Key]) -> dict[str, Any]:
    nothing = dict.fromkeys(_fields(meaning, f"{kind}Group"))
    return {
        **nothing,
        **{each.name: each.of(rows[0]) for each in by},
        **_totals(meaning, kind, rows),
    }


def _totals(meaning: Meaning, kind: str, rows: Sequence[Row]) -> dict[str, Any]:
    told: dict[str, Any] = {"count": len(rows)}
    for name, of in _fields(meaning, f"{kind}Stats").items():
        values = [meaning.value(kind, name, row) for row in rows] if of.endswith("Stats") else []
        values = [each for each in values if each is not None]
        if of == "NumberStats":
            digits = getattr(_type(meaning, kind, name), "digits", 0)
            told[name] = _number([Decimal(each) for each in values], digits)
        elif of == "MoneyStats":
            amounts: dict[str, list[Decimal]] = {}
            for each in values:
                amounts.setdefault(each["currency"], []).append(each["amount"])
            told[name] = [
                {"currency": currency, **_number(amounts[currency], 0)}
                for currency in sorted(amounts)
            ]
    return told


def _type(meaning: Meaning, kind: str, name: str) -> Any:
    """The type of the column that a number stands in."""
    source = meaning.source(kind, name)
    assert isinstance(source, f.FromColumn | f.FromSide)
    assert source.attribute is not None
    return source.attribute.property.columns[0].type


def _number(values: list[Decimal], digits: int) -> dict[str, Any]:
    average = None
    if values:
        exact = sum(map(Fraction, values), Fraction()) / len(values)
        average = Decimal(round(exact * 10**6)).scaleb(-6)
    return {
        "count": len(values),
        "sum": sum(values, Decimal(0).scaleb(-digits)),
        "min": min(values, default=None),
        "max": max(values, default=None),
        "avg": average,
    }


def _fields(meaning: Meaning, kind: str) -> dict[str, str]:
    found = meaning.schema.get_type(kind)
    assert isinstance(found, GraphQLObjectType)
    return {name: get_named_type(each.type).name for name, each in found.fields.items()}
