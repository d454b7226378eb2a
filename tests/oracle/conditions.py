"""What `where` says of a row: every test is true or false."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from crmkit.engine import fields as f
from crmkit.values import money
from crmkit.values.text import fold, sort_key

if TYPE_CHECKING:
    from tests.oracle.meaning import Meaning
    from tests.oracle.world import Row

Given = Mapping[str, Any]

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda have, want: have == want,
    "in": lambda have, want: have in want,
    "lt": lambda have, want: have < want,
    "lte": lambda have, want: have <= want,
    "gt": lambda have, want: have > want,
    "gte": lambda have, want: have >= want,
    "between": lambda have, want: want["from"] <= have <= want["to"],
    "contains": lambda have, want: want in have,
    "startsWith": lambda have, want: have.startswith(want),
}


def holds(meaning: Meaning, kind: str, row: Row, where: Given) -> bool:
    """Whether a row of this type fulfils all that is said."""
    return all(
        _part(meaning, kind, row, name, test) for name, test in where.items() if test is not None
    )


def _part(meaning: Meaning, kind: str, row: Row, name: str, test: Any) -> bool:
    match name:
        case "and":
            return all(holds(meaning, kind, row, each) for each in test)
        case "or":
            return any(holds(meaning, kind, row, each) for each in test)
        case "not":
            return not holds(meaning, kind, row, test)
    source = meaning.source(kind, name)
    if isinstance(source, f.ToOne):
        other = meaning.to_one(row, source)
        return other is not None and holds(meaning, meaning.type_of(other), other, test)
    if isinstance(source, f.ToMany | f.ListOf):
        target = meaning.target(kind, name)
        others = meaning.pointing(row, target, source)
        return all(
            _of_many(meaning, target, others, how, given)
            for how, given in test.items()
            if given is not None
        )
    if isinstance(source, f.FromMoney):
        return _money(row, meaning.column(source.minor), meaning.column(source.currency), test)
    value = meaning.value(kind, name, row)
    if meaning.is_folded(kind, name):
        return all(_text(value, how, given) for how, given in test.items())
    return all(_passes(value, how, given) for how, given in test.items())


def _of_many(meaning: Meaning, kind: str, rows: list[Row], how: str, given: Given) -> bool:
    if how == "count":
        return all(_passes(len(rows), each, want) for each, want in given.items())
    found = [holds(meaning, kind, row, given) for row in rows]
    return {"some": any(found), "none": not any(found), "every": all(found)}[how]


def _money(row: Row, minor: str, currency: str, test: Given) -> bool:
    tests = {how: want for how, want in test.items() if how != "currency"}
    if test.get("isNull"):
        return row[minor] is None and all(_passes(None, how, tests[how]) for how in tests)
    if row[minor] is None or row[currency] != test["currency"]:
        return False
    amount = Decimal(row[minor]).scaleb(-money.digits(row[currency]))
    return all(_passes(amount, how, want) for how, want in tests.items())


def _text(value: str | None, how: str, want: Any) -> bool:
    """Texts are one when their folds are; they have in them what fold or sound has."""
    if want is None or how == "isNull":
        return _passes(value, how, want)
    wanted = [fold(each) for each in want] if isinstance(want, list) else fold(want)
    if value is None or how not in ("contains", "startsWith"):
        return _passes(None if value is None else fold(value), how, wanted)
    return any(_passes(each, how, wanted) for each in (fold(value), sort_key(value)[:600]))


def _passes(value: Any, how: str, want: Any) -> bool:
    """What has no value passes `ne` and `notIn` alone; a test of null says nothing else."""
    have = value.name if isinstance(value, Enum) else value
    if how in ("eq", "ne") and want is None:
        return (have is None) == (how == "eq")
    if want is None:
        return True
    match how:
        case "isNull":
            return (have is None) == bool(want)
        case "ne":
            return have is None or have != want
        case "notIn":
            return have is None or have not in want
    return have is not None and _COMPARED[how](have, want)
