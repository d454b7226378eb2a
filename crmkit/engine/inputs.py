"""The input types `where` and `orderBy`, made from declared fields."""

from __future__ import annotations

import enum
import keyword
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.lazy_type import LazyType
from strawberry.utils.str_converters import to_snake_case

from crmkit.engine import fields as f
from crmkit.engine.descriptions import description_of
from crmkit.engine.made_types import MadeField, made_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from strawberry.types.field import StrawberryField

    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.registry import Registry

SCALAR_NAMES: dict[Any, str] = {
    str: "String",
    int: "Int",
    bool: "Boolean",
    datetime: "DateTime",
    date: "Date",
    Decimal: "Decimal",
    strawberry.ID: "ID",
    f.BigInt: "BigInt",
}
ORDERED = frozenset({"Int", "BigInt", "Decimal", "DateTime", "Date"})

DOCS = {
    "eq": "Equal to this; null means: without a value.",
    "ne": "Not equal to this; what has no value is not equal either.",
    "in": "One of these.",
    "notIn": "None of these.",
    "lt": "Before or below this.",
    "lte": "Before, below or equal to this.",
    "gt": "After or above this.",
    "gte": "After, above or equal to this.",
    "between": "From one to the other, both included.",
    "isNull": "Whether there is no value.",
    "contains": "Has this in it, whatever the case; Chinese also by its sound.",
    "startsWith": "Begins with this, whatever the case; Chinese also by its sound.",
    "and": "All of these hold.",
    "or": "At least one of these holds.",
    "not": "This does not hold.",
    "some": "At least one of them fulfils this.",
    "none": "None of them fulfils this.",
    "every": "Each of them fulfils this; also where there are none.",
    "count": "How many there are.",
    "currency": "Amounts compare only within one currency.",
    "from": "The lowest value that counts.",
    "to": "The highest value that counts.",
}


@dataclass(frozen=True)
class Later(LazyType[Any, Any]):
    """An input type by name, made when the schema asks for it: keeps recursion lazy."""

    inputs: Any = None

    def resolve_type(self) -> Any:
        return self.inputs.made(self.type_name)

    def __hash__(self) -> int:
        return hash((self.type_name, id(self.inputs)))


class Inputs:
    """Makes each input type of one schema once, by its name."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._made: dict[str, Any] = {}
        self._scalars: dict[str, Any] = {}
        self._pages = tuple(_page_arguments())

    def connection_arguments(self, target: NodeSpec) -> Iterator[StrawberryArgument]:
        where = StrawberryOptional(self.later(f"{target.name}Where"))
        order = StrawberryOptional(StrawberryList(self.later(f"{target.name}OrderBy")))
        yield argument("where", where, "Which of them; all unless said.")
        yield argument("orderBy", order, "In which order; the id is always the last key.")
        yield from self._pages

    def timeline_arguments(self) -> Iterator[StrawberryArgument]:
        kinds = StrawberryOptional(StrawberryList(self.later("TimelineKind")))
        yield argument("kinds", kinds, "Only these kinds; all unless said.")
        yield from self._pages

    def later(self, name: str) -> Any:
        return Later(name, "", None, self)

    def made(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def filter_for(self, field: f.Declared) -> Any:
        """The input by which a field is filtered; None where it cannot be."""
        source = field.source
        if isinstance(source, f.ToOne):
            return self.later(f"{self.registry.target(field).name}Where")
        if isinstance(source, f.ToMany | f.ListOf):
            return self.later(f"{self.registry.target(field).name}ListWhere")
        if not f.is_filterable(field):
            return None
        if isinstance(source, f.FromMoney):
            return self.later("MoneyFilter")
        return self._scalar_filter(field)

    def orderings(self, spec: NodeSpec) -> Iterator[f.Declared]:
        """The fields by which a list of these can be sorted."""
        return (each for each in self.registry.fields_of(spec.cls) if f.is_filterable(each))

    def _scalar_filter(self, field: f.Declared) -> Any:
        scalar = scalar_of(field)
        kind = scalar.name if isinstance(scalar, StrawberryEnumDefinition) else SCALAR_NAMES[scalar]
        self._scalars[kind] = scalar
        return self.later(f"{kind}Filter")

    def _make(self, name: str) -> Any:
        for suffix, make in (
            ("ListWhere", self._list_where),
            ("Where", self._where),
            ("OrderBy", self._order_by),
        ):
            if name.endswith(suffix):
                return make(name, self.registry.named(name.removesuffix(suffix)))
        if name == "MoneyFilter":
            return self._money_filter()
        if name == "TimelineKind":
            return self._timeline_kind()
        if name.endswith("Range"):
            return self._range(name.removesuffix("Range"))
        return self._filter(name.removesuffix("Filter"))

    def _where(self, name: str, spec: NodeSpec) -> Any:
        fields = [
            _field(self.registry.name(each), StrawberryOptional(kind), each.description)
            for each in self.registry.fields_of(spec.cls)
            if (kind := self.filter_for(each)) is not None
        ]
        me = self.later(name)
        fields += [
            _field("and", StrawberryOptional(StrawberryList(me))),
            _field("or", StrawberryOptional(StrawberryList(me))),
            _field("not", StrawberryOptional(me)),
        ]
        return _input(
            name, fields, f"Which records of the kind {spec.name}; all that is said must hold."
        )

    def _list_where(self, name: str, spec: NodeSpec) -> Any:
        one = StrawberryOptional(self.later(f"{spec.name}Where"))
        self._scalars["Int"] = int
        fields = [_field(each, one) for each in ("some", "none", "every")]
        fields.append(_field("count", StrawberryOptional(self.later("IntFilter"))))
        return _input(name, fields, f"What holds of the related records of the kind {spec.name}.")

    def _order_by(self, name: str, spec: NodeSpec) -> Any:
        chosen = list(self.orderings(spec))
        members = {
            f"{shouted(each)}_{way}": (self.registry.name(each), way)
            for each in chosen
            for way in ("ASC", "DESC")
        }
        make: Any = enum.Enum
        made: Any = strawberry.enum(
            make(name, members),
            description=f"An order of records of the kind {spec.name}; null is last going up, first going down.",
        )
        for value in made.__strawberry_definition__.values:
            field, way = members[value.name]
            value.description = f"By `{field}`, {'rising' if way == 'ASC' else 'falling'}."
        return made

    def _timeline_kind(self) -> Any:
        kinds = self.registry.timelines.kinds
        make: Any = enum.Enum
        made: Any = strawberry.enum(
            make("TimelineKind", {name: name for name in kinds}),
            description="A kind of entry in a timeline.",
        )
        for value in made.__strawberry_definition__.values:
            value.description = description_of(kinds[value.name].spec.cls)
        return made

    def _money_filter(self) -> Any:
        self._scalars["Decimal"] = Decimal
        fields = [_field("currency", f.CurrencyCode, required=True)]
        fields += [
            _field(each, StrawberryOptional(Decimal))
            for each in ("eq", "ne", "lt", "lte", "gt", "gte")
        ]
        fields.append(_field("between", StrawberryOptional(self.later("DecimalRange"))))
        fields.append(_field("isNull", StrawberryOptional(bool)))
        return _input("MoneyFilter", fields, "Which amounts; all that is said must hold.")

    def _range(self, kind: str) -> Any:
        scalar = self._scalars[kind]
        fields = [_field("from", scalar, required=True), _field("to", scalar, required=True)]
        return _input(f"{kind}Range", fields, "From one value to another, both included.")

    def _filter(self, kind: str) -> Any:
        scalar = self._scalars[kind]
        fields = [_field(each, StrawberryOptional(scalar)) for each in ("eq", "ne")]
        if kind != "Boolean":
            several = StrawberryOptional(StrawberryList(scalar))
            fields += [_field("in", several), _field("notIn", several)]
        if kind in ORDERED:
            fields += [
                _field(each, StrawberryOptional(scalar)) for each in ("lt", "lte", "gt", "gte")
            ]
            fields.append(_field("between", StrawberryOptional(self.later(f"{kind}Range"))))
        if kind == "String":
            fields += [_field(each, StrawberryOptional(str)) for each in ("contains", "startsWith")]
        fields.append(_field("isNull", StrawberryOptional(bool)))
        return _input(
            f"{kind}Filter", fields, f"Which values of the kind {kind}; all that is said must hold."
        )


def scalar_of(field: f.Declared) -> Any:
    """The leaf type of a field without its null."""
    kind: Any = field.type
    return kind.of_type if isinstance(kind, StrawberryOptional) else kind


def id_argument() -> StrawberryArgument:
    """The argument of `node`."""
    return StrawberryArgument(
        "id", "id", StrawberryAnnotation(strawberry.ID), description="The record's id."
    )


def ids_argument() -> StrawberryArgument:
    """The argument of `nodes`."""
    kind = StrawberryAnnotation(list[strawberry.ID])
    return StrawberryArgument("ids", "ids", kind, description="At most 1,000 ids.")


def shouted(field: f.Declared) -> str:
    """The name of a field as the values of enums are written."""
    return to_snake_case(field.graphql_name or field.python_name).upper()


def argument(name: str, kind: Any, description: str) -> StrawberryArgument:
    """An argument that may be left out."""
    return StrawberryArgument(
        name, name, StrawberryAnnotation(kind), default=strawberry.UNSET, description=description
    )


def _page_arguments() -> Iterator[StrawberryArgument]:
    yield argument("first", int | None, "How many from the start; 25 unless said, at most 1,000.")
    yield argument("after", str | None, "Only what follows this cursor.")
    yield argument("last", int | None, "How many from the end, at most 1,000.")
    yield argument("before", str | None, "Only what precedes this cursor.")


def _field(
    name: str, kind: Any, description: str | None = None, *, required: bool = False
) -> StrawberryField:
    # The generated __init__ takes the Python name, which must not be a keyword.
    python_name = f"{name}_" if keyword.iskeyword(name) else name
    default = {} if required else {"default": strawberry.UNSET}
    return MadeField(
        python_name=python_name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(kind),
        description=description or DOCS[name],
        **default,
    )


def _input(name: str, fields: list[StrawberryField], description: str) -> Any:
    return made_type(name, fields, description, is_input=True)
