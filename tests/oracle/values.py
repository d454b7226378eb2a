"""What generated operations are filled with: values that the company has, and near ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any

from crmkit.engine import fields as f
from crmkit.values import money
from tests.oracle.meaning import Meaning
from tests.oracle.world import Unreadable

_MOST = 60


class Values:
    """Values of each field as a client sends them, so that filters find something."""

    def __init__(self, meaning: Meaning, hidden: list[str]) -> None:
        self.meaning = meaning
        self.hidden = hidden
        """Ids of records that have been deleted."""
        self._known: dict[tuple[str, str], list[Any]] = {}

    def of(self, kind: str, name: str) -> list[Any]:
        """Values of a field, never none; each time the same in the same order."""
        if (kind, name) not in self._known:
            table = self.meaning.table(self.meaning.specs[kind])
            rows = sorted(self.meaning.world.rows[table], key=lambda row: row.id)
            found = [self.meaning.value(kind, name, row) for row in rows]
            there = [each for each in found if not isinstance(each, Unreadable | None)]
            near = [other for each in there for other in _near(each)]
            self._known[kind, name] = list(dict.fromkeys(map(_sent, near)))[:_MOST]
        return self._known[kind, name]

    def money_of(self, kind: str, name: str) -> list[tuple[str, str]]:
        """Currencies, each with an amount of it."""
        source = self.meaning.source(kind, name)
        assert isinstance(source, f.FromMoney)
        table = self.meaning.table(self.meaning.specs[kind])
        columns = [self.meaning.column(each) for each in (source.currency, source.minor)]
        pairs = {tuple(row[each] for each in columns) for row in self.meaning.world.rows[table]}
        return [
            (currency, format(Decimal(minor).scaleb(-money.digits(currency)), "f"))
            for currency, minor in sorted(pairs)
        ]

    @cached_property
    def ids(self) -> list[str]:
        """Ids of records of all kinds, some of them hidden, one of nobody."""
        found = [
            row.id
            for table in sorted(self.meaning.types)
            for row in self.meaning.world.rows[table][:4]
        ]
        return [*found, *self.hidden[:6], "customer_7zzzzzzzzzzzzzzzzzzzzzzzzz", "nobody", ""]


def _near(value: Any) -> Iterable[Any]:
    """A value and what lies so near that a wrong comparison takes one for the other."""
    yield value
    match value:
        case bool() | Enum():
            return
        case str() if value.partition("_")[0].isalpha() and len(value) > 30:
            return  # an id
        case str():
            yield from (value.swapcase(), value[:2], value[1:4], f"{value}x")
        case int():
            yield from (value + 1, value - 1)
        case datetime():
            yield from (value + timedelta(microseconds=1), value - timedelta(days=1))
        case date():
            yield value + timedelta(days=1)


def _sent(value: Any) -> Any:
    match value:
        case Enum():
            return value.name
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
    return value
