"""What of a listed node is counted together: its numbers, what it is grouped by, the types."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import strawberry
from sqlalchemy import Boolean, Integer
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case, to_snake_case

from crmkit.engine import fields as f
from crmkit.engine.inputs import Later, argument, scalar_of, shouted
from crmkit.engine.made_types import made_type
from crmkit.store.column_types import Choice, Scaled
from crmkit.store.database import table_of
from crmkit.store.reach import is_scoped
from crmkit.values.errors import SetupError
from crmkit.values.periods import PERIODS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strawberry.types.arguments import StrawberryArgument

    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.registry import Registry

GROUPS = 1000
"""How many groups are told of at most."""

COST = 100
"""Points: all records are read, as for a `totalCount`."""

TAKEN = ("count", "groups", "hasMoreGroups")


@strawberry.type(description="What a number comes to, over all records that have one.")
class NumberStats:
    """What a number comes to, over all records that have one."""

    count: int = strawberry.field(description="How many records have a value.")
    sum: Decimal = strawberry.field(description="All values together; exact.")
    min: Decimal | None = strawberry.field(description="The least value.")
    max: Decimal | None = strawberry.field(description="The greatest value.")
    avg: Decimal | None = strawberry.field(
        description="The average of the values, with six digits, rounded half to even."
    )


@strawberry.type(description="What the amounts of one currency come to.")
class MoneyStats:
    """What the amounts of one currency come to."""

    currency: f.CurrencyCode = strawberry.field(description="An ISO 4217 code.")
    count: int = strawberry.field(description="How many records have an amount in it.")
    sum: Decimal = strawberry.field(description="All amounts together; exact.")
    min: Decimal = strawberry.field(description="The least amount.")
    max: Decimal = strawberry.field(description="The greatest amount.")
    avg: Decimal = strawberry.field(
        description="The average of the amounts, with six digits, rounded half to even."
    )


@dataclass(frozen=True, eq=False)
class Grouping:
    """One value of `by`: a field, and of a field that is a time, a period of the calendar."""

    name: str
    field: f.Declared
    period: str | None


class StatTypes:
    """The types of the stats of one schema, each made when the schema asks for it."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._made: dict[str, Any] = {}

    def root_field(self, spec: NodeSpec) -> f.Declared:
        """The field of Query beside the list of a node."""
        made = f.Declared(
            python_name=f"{to_snake_case(spec.name)}_stats",
            graphql_name=to_camel_case(f"{to_snake_case(spec.name)}_stats"),
            type_annotation=StrawberryAnnotation(self.later(f"{spec.name}Stats")),
            description=f"How many records of the kind {spec.name} there are, and what their numbers come "
            "to; records of deleted customers count.",
        )
        made.source, made.permission, made.cost = f.StatsOf(spec.cls), spec.read, COST
        return made

    def arguments(self, spec: NodeSpec) -> Iterator[StrawberryArgument]:
        """The arguments of that field."""
        where = StrawberryOptional(self.registry.inputs.later(f"{spec.name}Where"))
        by = StrawberryOptional(StrawberryList(self.later(f"{spec.name}GroupBy")))
        yield argument("where", where, "Which of them; all unless said.")
        yield argument("by", by, "By what they are grouped; without it there are no groups.")

    def later(self, name: str) -> Any:
        """A type by its name."""
        return Later(name, "", None, self)

    def made(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def check(self, spec: NodeSpec) -> None:
        """Refuses names that stats have for something else.

        Raises:
            SetupError: A number, or what groups agree in, has one.
        """
        for name, field in {**self.numbers(spec), **self.keys(spec)}.items():
            if name in TAKEN:
                raise SetupError(
                    f"{spec.name}.{name} of the plugin {field.owner} has the name of what all stats "
                    f"have ({', '.join(TAKEN)}); rename the field."
                )

    def numbers(self, spec: NodeSpec) -> dict[str, f.Declared]:
        """The numbers of a node: amounts, whatever has 64 bits or digits, and what is filtered by."""
        found = (each for each in self.registry.fields_of(spec.cls) if _is_number(each))
        return {self.registry.name(each): each for each in found}

    def keys(self, spec: NodeSpec) -> dict[str, f.Declared]:
        """The fields of a node that many records share a value of."""
        found = (each for each in self.registry.fields_of(spec.cls) if self._groups(each))
        return {self.registry.name(each): each for each in found}

    def groupings(self, spec: NodeSpec) -> Iterator[tuple[str, Grouping]]:
        """What `by` can be."""
        for name, each in self.keys(spec).items():
            if is_time(each):
                for period in PERIODS:
                    yield f"{shouted(each)}_{period.upper()}", Grouping(name, each, period)
            else:
                yield shouted(each), Grouping(name, each, None)

    def _groups(self, field: f.Declared) -> bool:
        source = field.source
        if isinstance(source, f.ToOne):
            # What a scope hides are the records of customers, and these are too many.
            return not is_scoped(table_of(self.registry.target(field).model))
        if not isinstance(source, f.FromColumn | f.FromSide):
            return False
        column = f.own_column(field)
        if column.info.get("groupable") or isinstance(column.type, Choice | Boolean):
            return True
        return is_time(field) and f.is_filterable(field)

    # -- the types --------------------------------------------------------------------------

    def _make(self, name: str) -> Any:
        for suffix, make in (
            ("GroupBy", self._group_by),
            ("Group", self._group),
            ("Stats", self._stats),
        ):
            if name.endswith(suffix):
                return make(name, self.registry.named(name.removesuffix(suffix)))
        raise AssertionError(f"{name} is no type of stats.")

    def _stats(self, name: str, spec: NodeSpec) -> Any:
        groups = StrawberryList(self.later(f"{spec.name}Group"))
        fields = [
            *self._totals(spec),
            _field("groups", groups, f"The same for each group, in the order of what `by` says; at most {GROUPS:,}."),
            _field("hasMoreGroups", bool, f"Whether there are more than {GROUPS:,} groups, so that some are missing."),
        ]  # fmt: skip
        return made_type(name, fields, f"What records of the kind {spec.name} come to.")

    def _group(self, name: str, spec: NodeSpec) -> Any:
        keys = [_key_field(key, each) for key, each in self.keys(spec).items()]
        description = f"What the records of the kind {spec.name} come to that agree in these fields; what `by` does not name is null."
        return made_type(name, [*keys, *self._totals(spec)], description)

    def _totals(self, spec: NodeSpec) -> Iterator[StrawberryField]:
        yield _field("count", int, "How many there are.")
        for name, each in self.numbers(spec).items():
            if isinstance(each.source, f.FromMoney):
                kind: Any = StrawberryList(MoneyStats)
                yield _field(name, kind, f"What `{name}` comes to, by currency.")
            else:
                yield _field(name, NumberStats, f"What `{name}` comes to.")

    def _group_by(self, name: str, spec: NodeSpec) -> Any:
        members = dict(self.groupings(spec))
        make: Any = enum.Enum
        made: Any = strawberry.enum(
            make(name, members),
            description=f"What records of the kind {spec.name} are grouped by.",
        )
        for value in made.__strawberry_definition__.values:
            value.description = _described(members[value.name])
        return made


def is_time(field: f.Declared) -> bool:
    """Whether a field is a moment or a day, which periods of the calendar hold."""
    return scalar_of(field) in (datetime, date)


def _is_number(field: f.Declared) -> bool:
    if isinstance(field.source, f.FromMoney):
        return True
    if not isinstance(field.source, f.FromColumn | f.FromSide):
        return False
    column = f.own_column(field)
    if isinstance(column.type, Scaled) or scalar_of(field) is f.BigInt:
        return True
    return isinstance(column.type, Integer) and f.is_filterable(field)


def _key_field(name: str, field: f.Declared) -> StrawberryField:
    if is_time(field):
        return _field(name, StrawberryOptional(date), f"The first day of the period of `{name}`.")
    kind = scalar_of(field)
    return _field(name, StrawberryOptional(kind), field.description or "")


def _described(grouping: Grouping) -> str:
    if grouping.period is None:
        return f"By `{grouping.name}`."
    return f"By the {grouping.period} of `{grouping.name}` in the organisation's time zone."


def _field(name: str, kind: Any, description: str) -> StrawberryField:
    return StrawberryField(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(kind),
        description=description,
    )
