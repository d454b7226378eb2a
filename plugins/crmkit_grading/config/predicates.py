"""Declared predicates: a field, an operator, a value; two-valued, as filters are."""

from __future__ import annotations

import operator
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from crmkit_grading.config.facts import Kind

Test = Callable[[Any, Any], bool]

# What there is besides equality; a value that is not there passes none of these.
_ORDERED: Mapping[str, Test] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_WORDS: Mapping[str, Test] = {
    "contains": lambda have, given: given in have,
    "starts_with": lambda have, given: have.startswith(given),
}
_PASSED_BY_NOTHING = ("ne", "not_in")


def wanted(kind: Kind, name: str, value: Any) -> Any:
    """The value of a rule as its operator compares it.

    Raises:
        ValueError: It is not what this operator wants of a field of this kind.
    """
    if name == "is_null":
        return _of_kind(Kind.FLAG, value)
    if name in _WORDS and kind is not Kind.TEXT:
        raise ValueError(f"{name} is for texts; use another operator")
    if name in _ORDERED and kind not in (Kind.NUMBER, Kind.MOMENT):
        raise ValueError(f"{name} is for numbers and moments; use another operator")
    if name not in ("in", "not_in"):
        return _of_kind(kind, value)
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{name} wants a list of values")
    return tuple(_of_kind(kind, each) for each in value)


def passes(name: str, have: Any, value: Any) -> bool:
    """Says whether what a record has passes a test."""
    if name == "is_null":
        return (have is None) is value
    if have is None:
        return name in _PASSED_BY_NOTHING
    have = folded(have)
    if name in ("in", "not_in"):
        return (have in value) is (name == "in")
    if name in ("eq", "ne"):
        return (have == value) is (name == "eq")
    test = _ORDERED.get(name) or _WORDS[name]
    return test(have, value)


def folded(value: Any) -> Any:
    """A text as it compares: neither case nor width matter."""
    return unicodedata.normalize("NFKC", value).casefold() if isinstance(value, str) else value


def _of_kind(kind: Kind, value: Any) -> Any:
    if kind is Kind.MOMENT and isinstance(value, str):
        value = _moment(value)
    fits = {
        Kind.TEXT: isinstance(value, str),
        Kind.NUMBER: isinstance(value, int | float | Decimal) and not isinstance(value, bool),
        Kind.FLAG: isinstance(value, bool),
        Kind.MOMENT: isinstance(value, datetime) and value.tzinfo is not None,
    }
    if not fits[kind]:
        raise ValueError(f"{value!r} is no {_NOUNS[kind]}")
    # What TOML reads as a float is the decimal that was written there.
    return Decimal(str(value)) if kind is Kind.NUMBER else folded(value)


def _moment(value: str) -> Any:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value


_NOUNS = {
    Kind.TEXT: "text",
    Kind.NUMBER: "number",
    Kind.FLAG: "true or false",
    Kind.MOMENT: "moment with its time zone, such as 2026-01-31T09:00:00Z",
}
