"""What a plan does, for people: its statements, and where the value of each field comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.engine import builder as b
from crmkit.engine import fields as f
from crmkit.engine.calls import ABREAST
from crmkit.engine.tallies import Tally
from crmkit.store.database import attribute

if TYPE_CHECKING:
    from sqlalchemy import Select

    from crmkit.engine.plan import Plan
    from crmkit.engine.registry import Registry
    from crmkit.store.statements import Template

Compile = Callable[["Select[Any]"], "Template"]


@dataclass(frozen=True)
class Statement:
    """One statement of a plan; it runs once, whatever the number of rows."""

    number: int
    purpose: str
    sql: str


@dataclass(frozen=True)
class Field:
    """One selected field: its key in the answer, and what its value is made of."""

    depth: int
    key: str
    coordinate: str
    origin: str


@dataclass(frozen=True)
class Explanation:
    """A plan in words."""

    statements: Sequence[Statement]
    fields: Sequence[Field]


def explained(plan: Plan, registry: Registry, engine: str, sql: Compile) -> Explanation:
    """Says what a plan does; its statements are compiled as they would run."""
    numbers: dict[Any, int] = {}
    statements: list[Statement] = []
    for step in plan.steps():
        numbers[step] = len(statements) + 1
        text = sql(step.statement(engine)).sql
        statements.append(Statement(numbers[step], _purpose(step), text))
        if step.count is not None:
            text = sql(step.count).sql
            statements.append(Statement(len(statements) + 1, "how many there are", text))
    words = _Words(registry, numbers)
    fields = [each for slot in plan.slots for each in words.field(slot, 0)]
    return Explanation(statements, fields)


class _Words:
    """Says in words where fields come from."""

    def __init__(self, registry: Registry, numbers: dict[Any, int]) -> None:
        self.registry = registry
        self.numbers = numbers

    def field(self, slot: b.Slot, depth: int) -> Iterator[Field]:
        yield Field(depth, slot.key, slot.coordinate, self.origin(slot))
        for inner in _inner(slot.value):
            yield from self.field(inner, depth + 1)

    def origin(self, slot: b.Slot) -> str:
        kind, _, name = slot.coordinate.partition(".")
        spec = self.registry.by_type.get(kind)
        cls = self.registry.query if kind == "Query" else None if spec is None else spec.cls
        said = slot.coordinate
        if cls is not None and name != "__typename":
            declared = self.registry.field(cls, name)
            said = f"{_source(declared)}, of {declared.owner}"
        used = ", ".join(str(self.numbers[step]) for step in _steps(slot.value))
        statements = f"statement {used}" if used else ""
        return "; ".join(each for each in (said, statements) if each)


def _purpose(step: Any) -> str:
    entity = getattr(step, "entity", None)
    if entity is None:
        return "rows of several kinds"
    return f"{'stats' if isinstance(step, Tally) else 'rows'} of {entity.table.element.name}"


def _source(declared: f.Declared) -> str:
    source = declared.source
    match source:
        case f.FromColumn():
            return f"column {f.own_column(declared)}"
        case f.FromSide():
            return f"column {f.own_column(declared)} at its side"
        case f.FromMoney():
            return f"columns {attribute(source.minor)[1]}, {attribute(source.currency)[1]}"
        case f.Computed():
            columns = ", ".join(str(attribute(each)[1]) for each in source.of)
            return f"Python, {_named(source.function)}({columns}) for each row"
        case f.Called():
            return f"Python, {_named(source.function)} {_OFTEN[type(source)]}"
        case f.Expression():
            return f"SQL, {_named(source.function)} as a subquery"
        case f.ToOne() | f.ToMany() | f.ListOf() | f.AnyNode():
            assert source.key is not None  # noqa: S101  filled in by the registry
            return f"{_RELATIONS[type(source)]} {attribute(source.key)[1]}"
    return _OTHERS.get(type(source), type(source).__name__)


_OFTEN: dict[type[f.Source], str] = {
    f.Asked: "once",
    f.Batch: "once for all rows",
    f.Resolver: f"once for each record, {ABREAST} at a time",
}

_RELATIONS: dict[type[f.Source], str] = {
    f.ToOne: "joined by",
    f.ToMany: "pages by",
    f.ListOf: "all by",
    f.AnyNode: "whatever is named in",
}

_OTHERS: dict[type[f.Source], str] = {
    f.AllOf: "pages of all",
    f.StatsOf: "counted of all",
    f.Lookup: "found by id",
    f.Timeline: "pages of all kinds in the order of time",
    f.Chain: "walked from cause to consequence",
}


def _named(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _parts(value: b.Value) -> Iterator[b.Value]:
    """The values that a value is directly made of, without the slots of objects."""
    match value:
        case b.Found() | b.Each() | b.Many() | b.Reached():
            yield value.item
        case b.Kinds():
            yield from value.found.values()
        case b.Made() | b.FromBatch():
            yield value.value


def _inner(value: b.Value) -> Iterator[b.Slot]:
    if isinstance(value, b.Obj | b.ConnectionPage | b.Summed):
        yield from value.slots
    for part in _parts(value):
        yield from _inner(part)


def _steps(value: b.Value) -> Iterator[Any]:
    if isinstance(value, b.Found | b.Many | b.ConnectionPage | b.Reached):
        yield value.step
    if isinstance(value, b.Summed):
        yield value.tally
    for part in _parts(value):
        yield from _steps(part)
