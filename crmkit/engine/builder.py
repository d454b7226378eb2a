"""Rows into the response, exactly as the specification completes values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
)

from crmkit.engine import totals
from crmkit.engine.late import Request, told
from crmkit.engine.pagination import Cursors, Key, Page
from crmkit.engine.steps import Batched, Level, Read, Step
from crmkit.engine.tallies import Tally

Place = tuple[str | int, ...]


class Bubble(Exception):
    """A non-null value is missing and has been reported; the parent becomes null."""


Groups = Mapping[Any, Sequence[Any]]
"""Rows by the keys of their parents."""


class Answers:
    """What the steps and the batch functions of a plan have brought for one request."""

    __slots__ = ("_read", "batches", "counts", "errors", "request", "rows")

    def __init__(self, request: Request, rows: dict[Level, Groups] | None = None) -> None:
        self.request = request
        self.rows: dict[Level, Groups] = {} if rows is None else rows
        self.counts: dict[Level, int] = {}
        self.batches: dict[Batched, Mapping[str, Any] | Exception] = {}
        self.errors: list[GraphQLError] = []
        self._read: dict[Level, Groups] = {}

    def below(self, step: Level, key: Any) -> Sequence[Any]:
        """The rows of a parent, read as their columns' types say."""
        if step not in self._read:
            template, groups = step.template, self.rows.get(step, {})
            self._read[step] = (
                {key: template.whole(raw) for key, raw in groups.items()} if template else {}
            )
        return self._read[step].get(key, ())


class Value:
    """How one kind of field makes its value from a row of its parent."""

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        raise NotImplementedError


@dataclass(eq=False)
class Slot:
    """A selected field: its key in the response, its type, and how it is made."""

    key: str
    kind: GraphQLOutputType
    value: Value
    coordinate: str
    nodes: Sequence[FieldNode]

    def complete(self, answers: Answers, row: Any, place: Place) -> Any:
        """The finished value; null with an error where it could not be made.

        Raises:
            Bubble: The field is non-null, so its parent cannot be either.
        """
        place = (*place, self.key)
        try:
            found = self.value.build(answers, row, place)
            if found is not None or not isinstance(self.kind, GraphQLNonNull):
                return found
            raise _null(self.coordinate)
        except Bubble:
            pass
        except Exception as error:  # noqa: BLE001  reported with its path, as the specification says
            answers.errors.append(located(error, self.nodes, place))
        if isinstance(self.kind, GraphQLNonNull):
            raise Bubble
        return None


@dataclass(eq=False)
class Constant(Value):
    """`__typename`."""

    value: Any

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        return self.value


@dataclass(eq=False)
class Failing(Value):
    """A field whose planning failed, such as one with a bad cursor."""

    error: Exception

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        raise self.error


@dataclass(eq=False)
class Leaf(Value):
    """A scalar, an enum, or a list of them."""

    read: Read
    kind: GraphQLOutputType

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        return serialized(self.kind, self.read(row))


@dataclass(eq=False)
class Made(Value):
    """What a function makes of values of the row; `value` completes it."""

    function: Callable[..., Any]
    reads: Sequence[Read]
    arguments: Mapping[str, Any]
    value: Value

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        given = told(dict(self.arguments), answers.request)
        made = self.function(*[read(row) for read in self.reads], **given)
        return self.value.build(answers, made, place)


@dataclass(eq=False)
class Obj(Value):
    """An object whose fields come from what `read` makes of the parent's row."""

    read: Read
    slots: Sequence[Slot]

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        own = self.read(row)
        return None if own is None else self.made(answers, own, place)

    def made(self, answers: Answers, own: Any, place: Place) -> dict[str, Any]:
        return {slot.key: slot.complete(answers, own, place) for slot in self.slots}


@dataclass(eq=False)
class Found(Value):
    """The first row that a step brought for the key of this parent."""

    step: Step
    key: Read
    item: Obj

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        rows = answers.below(self.step, self.key(row))
        return self.item.made(answers, rows[0], place) if rows else None


@dataclass(eq=False)
class Kinds(Value):
    """A record of whatever kind: found by the step of its id's prefix."""

    kind: Read
    found: Mapping[str, Found]

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        found = self.found.get(self.kind(row))
        return None if found is None else found.build(answers, row, place)

    def has(self, answers: Answers, row: Any) -> bool:
        """Whether its record was there when it was looked for."""
        found = self.found.get(self.kind(row))
        return found is not None and bool(answers.below(found.step, found.key(row)))


@dataclass(eq=False)
class Each(Value):
    """A list: one value for each part of the parent that `parts` reads."""

    parts: Read
    item: Value
    required: bool

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        parts = self.parts(row)
        if parts is None:
            return None
        return [self._one(answers, part, (*place, index)) for index, part in enumerate(parts)]

    def _one(self, answers: Answers, part: Any, place: Place) -> Any:
        try:
            found = self.item.build(answers, part, place)
        except Bubble:
            if self.required:
                raise
            return None
        if found is None and self.required:
            raise _null("A list's item")
        return found


@dataclass(eq=False)
class Many(Value):
    """All rows that a step brought for the key of this parent."""

    step: Step
    key: Read
    item: Obj

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        rows = answers.below(self.step, self.key(row))
        return [self.item.made(answers, each, (*place, i)) for i, each in enumerate(rows)]


@dataclass(eq=False)
class Those(Value):
    """The rows that a step brought for these keys, without those that it did not find."""

    step: Step
    keys: Read
    item: Value

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        found = (answers.below(self.step, each) for each in self.keys(row))
        rows = [each[0] for each in found if each]
        return [self.item.build(answers, each, (*place, i)) for i, each in enumerate(rows)]


@dataclass(eq=False)
class Reached(Value):
    """The records of whatever kind that a walk reached, without those that are hidden."""

    step: Level
    key: Read
    item: Kinds

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        rows = answers.below(self.step, self.key(row))
        there = [each for each in rows if self.item.has(answers, each)]
        return [self.item.build(answers, each, (*place, i)) for i, each in enumerate(there)]


@dataclass(eq=False)
class Rows:
    """One page of a connection, in the order of the list."""

    rows: Sequence[Any]
    more: bool
    total: Any


ROWS: Read = attrgetter("rows")
MORE: Read = attrgetter("more")
TOTAL: Read = attrgetter("total")


def FIRST(page: Rows) -> Any:  # noqa: N802  read like the others
    """The first row of a page, if it has one."""
    return page.rows[0] if page.rows else None


def LAST(page: Rows) -> Any:  # noqa: N802  read like the others
    """The last row of a page, if it has one."""
    return page.rows[-1] if page.rows else None


@dataclass(eq=False)
class ConnectionPage(Value):
    """A connection: cuts the page from the rows, then completes what is selected of it."""

    step: Level
    key: Read
    page: Page
    total: Read | None
    slots: Sequence[Slot]
    kinds: Sequence[Kinds] = ()

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        rows = answers.below(self.step, self.key(row))
        more = len(rows) > self.page.size
        # What has vanished since the page was read is not on it any more.
        rows = [
            each
            for each in rows[: self.page.size]
            if all(kinds.has(answers, each) for kinds in self.kinds)
        ]
        rows = rows[::-1] if self.page.backwards else rows
        total = answers.counts.get(self.step) if self.total is None else self.total(row)
        own = Rows(rows, more, total)
        return {slot.key: slot.complete(answers, own, place) for slot in self.slots}


@dataclass(eq=False)
class Summed(Value):
    """What the rows of a tally come to."""

    tally: Tally
    slots: Sequence[Slot]

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        own = self.said(answers)
        return {slot.key: slot.complete(answers, own, place) for slot in self.slots}

    def said(self, answers: Answers) -> Mapping[str, Any]:
        return totals.told(self.tally, answers.below(self.tally, None))


@dataclass(eq=False)
class CursorOf(Value):
    """The sealed cursor of a row of a page."""

    cursors: Cursors
    keys: Sequence[Key]
    places: Sequence[int]
    row: Read

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        own = self.row(row)
        if own is None:
            return None
        return self.cursors.seal(self.keys, [own[each] for each in self.places])


@dataclass(eq=False)
class FromBatch(Value):
    """What a batch function said of this row; `below` makes a value of it."""

    batch: Batched
    value: Value

    def build(self, answers: Answers, row: Any, place: Place) -> Any:
        found = answers.batches.get(self.batch, {})
        if isinstance(found, Exception):
            raise found
        said = found.get(self.batch.key(row))
        if isinstance(said, Exception):
            raise said
        return None if said is None else self.value.build(answers, said, place)


def located(error: Exception, nodes: Sequence[FieldNode], place: Place) -> GraphQLError:
    """An error with its path; what it was made from stays reachable."""
    original = error.original_error if isinstance(error, GraphQLError) else error
    message = error.message if isinstance(error, GraphQLError) else str(error)
    return GraphQLError(message, list(nodes), path=list(place), original_error=original)


def serialized(kind: GraphQLOutputType, value: Any) -> Any:
    """A leaf as its type writes it, or a list of leaves.

    Raises:
        GraphQLError: The value is none of this type, or null where none may be.
    """
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            raise GraphQLError(f"Cannot return null for the non-null type {kind}.")
        return serialized(kind.of_type, value)
    if value is None:
        return None
    if isinstance(kind, GraphQLList):
        return [serialized(kind.of_type, each) for each in value]
    assert isinstance(kind, GraphQLScalarType | GraphQLEnumType)  # noqa: S101  all leaves there are
    return kind.coerce_output_value(value)


def _null(coordinate: str) -> GraphQLError:
    return GraphQLError(f"Cannot return null for non-nullable field {coordinate}.")
