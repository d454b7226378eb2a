"""What a value of a mutation is: its GraphQL type, how it is read, stored and rebuilt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import strawberry
from strawberry.types.base import StrawberryList, StrawberryOptional

from crmkit.engine.fields import JSON, CurrencyCode
from crmkit.engine.nodes import MoneyType, NodeSpec, ref
from crmkit.store.column_types import instant
from crmkit.values import ids
from crmkit.values.errors import ErrorCode, Failure, Path, Problem
from crmkit.values.money import Money

if TYPE_CHECKING:
    from enum import Enum

_HALF = re.compile("[\ud800-\udfff]")
_DEPTH = 100  # levels of free properties; writing JSON has a limit of its own


@dataclass(slots=True)
class Named:
    """An id in an input, and where it stands there."""

    path: Path
    id: str
    spec: NodeSpec


@dataclass(slots=True)
class Reading:
    """What one pass over an input finds: all its faults, and the ids to look up.

    Of ids that have become others, `become` says which; the author is given those.
    """

    problems: list[Problem] = field(default_factory=list)
    ids: list[Named] = field(default_factory=list)
    become: Mapping[str, str] = field(default_factory=dict)

    def invalid(self, path: Path, message: str, **params: Any) -> None:
        self.problems.append(Problem(path, ErrorCode.INVALID, message, params))

    def failed(self, path: Path, failure: Failure) -> None:
        """Takes up what a value said of itself when it was made."""
        own = failure.problems or [Problem((), failure.code, failure.message)]
        self.problems.extend(each.below(path) for each in own)


class Shape:
    """A value that is the same in GraphQL, in Python and in JSON: a number, a truth."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind  # What Strawberry makes the GraphQL type of.

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        """Makes the author's value of a coerced one; of a bad one, only problems."""
        return value

    def dump(self, value: Any) -> Any:
        """Makes JSON of the author's value, to be stored with the effect.

        Of what holds other values, `written_records.dumper` makes it.
        """
        return value

    def load(self, stored: Any) -> Any:
        """Makes the author's value of its JSON."""
        return stored


class TextShape(Shape):
    """A text that both databases can hold."""

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if (fault := fault_of_text(value)) is not None:
            reading.invalid(path, fault)
        return value


class SecretShape(TextShape):
    """A text that is said once and not stored with the effect."""

    def dump(self, value: Any) -> Any:
        return None


class DecimalShape(Shape):
    """An exact number."""

    def __init__(self) -> None:
        super().__init__(Decimal)

    def dump(self, value: Any) -> Any:
        return str(value)

    def load(self, stored: Any) -> Any:
        return Decimal(stored)


class MomentShape(Shape):
    """A moment, in UTC from here on."""

    def __init__(self) -> None:
        super().__init__(datetime)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        try:
            instant(value)
        except (ValueError, OverflowError):
            reading.invalid(path, "A moment needs its zone, like 2026-01-31T09:00:00Z.")
            return None
        return value.astimezone(UTC)

    def dump(self, value: Any) -> Any:
        return instant(value)

    def load(self, stored: Any) -> Any:
        return datetime.fromisoformat(stored)


class DayShape(Shape):
    """A day of the calendar."""

    def __init__(self) -> None:
        super().__init__(date)

    def dump(self, value: Any) -> Any:
        return value.isoformat()

    def load(self, stored: Any) -> Any:
        return date.fromisoformat(stored)


class JsonShape(Shape):
    """Free properties; `keyed` where only an object with keys will do."""

    def __init__(self, *, keyed: bool) -> None:
        super().__init__(JSON)
        self.keyed = keyed

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if self.keyed and not isinstance(value, Mapping):
            reading.invalid(path, "This is an object with keys and values.")
        for fault in _faults_of_json(value):
            reading.invalid(path, fault)
        return value


class ChoiceShape(Shape):
    """A member of a closed enum."""

    def __init__(self, kind: type[Enum]) -> None:
        super().__init__(kind)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        return self.kind(value)

    def dump(self, value: Any) -> Any:
        return value.name

    def load(self, stored: Any) -> Any:
        return self.kind[stored]


@strawberry.input(name="MoneyInput", description="An amount and its currency.")
class MoneyInput:
    """An amount and its currency, as clients send it."""

    amount: Decimal = strawberry.field(description="With no more digits than its currency has.")
    currency: CurrencyCode = strawberry.field(description="An ISO 4217 code.")


class MoneyShape(Shape):
    """An amount of a currency."""

    def __init__(self, *, out: bool) -> None:
        super().__init__(MoneyType if out else MoneyInput)

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        try:
            return Money.of(value["amount"], value["currency"])
        except Failure as failure:
            reading.failed(path, failure)
            return None

    def dump(self, value: Any) -> Any:
        return [value.minor, value.currency]

    def load(self, stored: Any) -> Any:
        return Money(*stored)


class RefShape(Shape):
    """The id of a record of one kind, or of any of several kinds."""

    def __init__(self, specs: Mapping[str, NodeSpec]) -> None:
        super().__init__(strawberry.ID)
        self.specs = specs

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        prefix = ids.prefix_of(value)
        if prefix in self.specs:
            reading.ids.append(Named(path, value, self.specs[prefix]))
        else:
            self._refuse(prefix, path, reading)
        return reading.become.get(value, value)

    def _refuse(self, prefix: str, path: Path, reading: Reading) -> None:
        given = f"This is the id of {_a(prefix)}" if prefix else "This is no id"
        if len(self.specs) == 1:
            expected = next(iter(self.specs))
            message = f"{given}; the id of {_a(expected)} is asked for."
            reading.invalid(path, message, given=prefix, expected=expected)
        else:
            reading.invalid(path, f"{given}; there are no records of that kind.", given=prefix)


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


class NodeShape(Shape):
    """A record in a payload: only named here, read after the commit."""

    def load(self, stored: Any) -> Any:
        return ref(self.kind, stored)


class ListShape(Shape):
    """Several values of one shape."""

    def __init__(self, of: Shape) -> None:
        super().__init__(StrawberryList(of.kind))
        self.of = of

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        return tuple(self.of.read(each, (*path, i), reading) for i, each in enumerate(value))

    def load(self, stored: Any) -> Any:
        return [self.of.load(each) for each in stored]


class OptionalShape(Shape):
    """A value that may be null; not `nullable`, it may only be left out."""

    def __init__(self, of: Shape, *, nullable: bool = True) -> None:
        super().__init__(StrawberryOptional(of.kind))
        self.of = of
        self.nullable = nullable

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        if value is not None:
            return self.of.read(value, path, reading)
        if not self.nullable:
            reading.invalid(path, "This may be left out, but not be null.")
        return None

    def load(self, stored: Any) -> Any:
        return None if stored is None else self.of.load(stored)


@dataclass(frozen=True)
class Member:
    """A field of an author's dataclass: its names there and in GraphQL, and its shape."""

    attribute: str
    name: str
    shape: Shape
    description: str


class RecordShape(Shape):
    """A dataclass of the author's, field by field."""

    def __init__(self, cls: type, kind: Any, members: tuple[Member, ...]) -> None:
        super().__init__(kind)
        self.cls = cls
        self.members = members
        self.names = {each.attribute: each.name for each in members}
        self.names |= {each.name: each.name for each in members}
        nodes = [each.attribute for each in members if isinstance(each.shape, NodeShape)]
        self.node = nodes[0] if nodes else None
        """The first of its fields that is a record."""
        # What is the same in Python is taken as it is.
        self._same = [(m.attribute, m.name) for m in members if type(m.shape).read is Shape.read]
        self._read = [
            (m.attribute, m.name, m.shape) for m in members if type(m.shape).read is not Shape.read
        ]

    def read(self, value: Any, path: Path, reading: Reading) -> Any:
        faults = len(reading.problems)
        given = {attribute: value[name] for attribute, name in self._same if name in value}
        for attribute, name, shape in self._read:
            if name in value:
                given[attribute] = shape.read(value[name], (*path, name), reading)
        if len(reading.problems) > faults:
            return None
        try:
            return self.cls(**given)
        except Failure as failure:
            reading.failed(path, failure)
            return None

    def load(self, stored: Any) -> Any:
        return self.cls(**{m.attribute: m.shape.load(stored[m.attribute]) for m in self.members})


def fault_of_text(text: str) -> str | None:
    """Says what makes a text one that no database of ours can hold, if anything."""
    if "\0" in text:
        return "A text cannot hold the character NUL."
    if not text.isascii() and _HALF.search(text):
        return "A text cannot hold half of a surrogate pair."
    return None


def _faults_of_json(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        if (fault := fault_of_text(value)) is not None:
            yield fault
    elif isinstance(value, Mapping | list):
        yield from _faults_inside(value, depth + 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield "A number here has at most 64 bits."
    elif isinstance(value, float) and not isfinite(value):
        yield "A number here is finite."


def _faults_inside(value: Mapping[str, Any] | list[Any], depth: int) -> Iterator[str]:
    if depth > _DEPTH:
        yield f"Free properties are nested at most {_DEPTH} levels deep."
        return
    for each in [*value, *value.values()] if isinstance(value, Mapping) else value:
        yield from _faults_of_json(each, depth)
