"""The values of `where` as SQL: every test is true or false, never unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from crmkit.engine import fields as f
from crmkit.engine.entity import Entity
from crmkit.engine.inputs import scalar_of
from crmkit.engine.late import fixed, mapped
from crmkit.store.column_types import Scaled
from crmkit.store.database import attribute, companions
from crmkit.values.decimals import scaled
from crmkit.values.errors import Invalid, QueryTooComplex
from crmkit.values.money import Money
from crmkit.values.text import fold

if TYPE_CHECKING:
    from decimal import Decimal

    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.types import TypeEngine

    from crmkit.engine.nodes import NodeSpec
    from crmkit.engine.registry import Registry

HOPS = 3
PREDICATES = 50
ITEMS = 1000
_HIGHEST = "\U0010ffff"

Test = Callable[[ColumnElement[Any], Any], ColumnElement[bool]]


class Filters:
    """Writes the condition of one `where`, counting what it costs."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.predicates = 0

    def where(
        self, spec: NodeSpec, entity: Entity, value: Mapping[str, Any], hops: int = 0
    ) -> ColumnElement[bool]:
        """The condition that a record of this kind fulfils."""
        parts: list[ColumnElement[bool]] = []
        for name, test in value.items():
            if test is None:
                continue
            if name == "and":
                parts.append(and_(true(), *[self.where(spec, entity, each, hops) for each in test]))
            elif name == "or":
                parts.append(or_(false(), *[self.where(spec, entity, each, hops) for each in test]))
            elif name == "not":
                parts.append(not_(self.where(spec, entity, test, hops)))
            else:
                parts.append(
                    self._field(spec, entity, self.registry.field(spec.cls, name), test, hops)
                )
        return and_(true(), *parts)

    def _field(
        self,
        spec: NodeSpec,
        entity: Entity,
        field: f.Declared,
        test: Mapping[str, Any],
        hops: int,
    ) -> ColumnElement[bool]:
        source = field.source
        if isinstance(source, f.ToOne):
            return self._to_one(entity, field, test, hops + 1)
        if isinstance(source, f.ToMany | f.ListOf):
            return self._to_many(entity, field, test, hops + 1)
        if isinstance(source, f.FromMoney):
            return self._money(entity, source, test)
        if isinstance(source, f.Expression):
            element = self.registry.element(field, entity)
            kind = BigInteger() if scalar_of(field) is f.BigInt else element.type
            return self._scalar(test, element, lambda v: literal(v, kind))
        column = f.own_column(field)
        rows = entity.side(column.table) if isinstance(source, f.FromSide) else entity.table
        element = rows.c[column.name]
        if names := companions(column):
            return self._text(test, rows.c[names[0]], rows.c[names[1]])
        if spec.aliases and column.primary_key:
            meant = spec.aliases.meant
            return self._scalar(test, element, lambda v: meant(_literal(v, column.type)))
        return self._scalar(test, element, lambda v: _literal(v, column.type))

    def _to_one(
        self, entity: Entity, field: f.Declared, test: Mapping[str, Any], hops: int
    ) -> ColumnElement[bool]:
        self._check_hops(hops)
        target = self.registry.target(field)
        other = Entity.of(target.model)
        assert isinstance(field.source, f.ToOne)  # noqa: S101  the caller has looked
        assert field.source.key is not None  # noqa: S101  filled in by the registry
        key = entity.column(attribute(field.source.key)[1])
        found = select(other.id).where(other.id == key, self.where(target, other, test, hops))
        return _one_exists(found, entity, other)

    def _to_many(
        self, entity: Entity, field: f.Declared, test: Mapping[str, Any], hops: int
    ) -> ColumnElement[bool]:
        self._check_hops(hops)
        target = self.registry.target(field)
        parts: list[ColumnElement[bool]] = []
        for how, condition in test.items():
            if condition is None:
                continue
            other = Entity.of(target.model)
            link = _link(field, other, entity)
            if how == "count":
                counted = select(func.count()).select_from(other.table).where(link)
                element = counted.correlate(entity.table).scalar_subquery()
                parts.append(self._scalar(condition, element, lambda v: literal(v, BigInteger())))
                continue
            held = self.where(target, other, condition, hops)
            held = not_(held) if how == "every" else held
            found = _one_exists(select(other.id).where(link, held), entity, other)
            parts.append(found if how == "some" else not_(found))
        return and_(true(), *parts)

    def _money(
        self, entity: Entity, source: f.FromMoney, test: Mapping[str, Any]
    ) -> ColumnElement[bool]:
        currency = fixed(test["currency"])
        minor = entity.column(attribute(source.minor)[1])
        same = entity.column(attribute(source.currency)[1]) == literal(currency)
        rest = {name: value for name, value in test.items() if name != "currency"}
        units = lambda amount: Money.of(amount, currency).minor  # noqa: E731
        tests = self._scalar(rest, minor, lambda v: literal(mapped(v, units), BigInteger()))
        return tests if rest.get("isNull") else and_(_known(minor, same), tests)

    def _text(
        self, test: Mapping[str, Any], folded: ColumnElement[Any], sort: ColumnElement[Any]
    ) -> ColumnElement[bool]:
        plain = {
            name: value for name, value in test.items() if name not in ("contains", "startsWith")
        }
        parts = [self._scalar(plain, folded, lambda v: literal(mapped(v, fold), folded.type))]
        for name, has in (("contains", _contains), ("startsWith", _starts_with)):
            if (value := test.get(name)) is not None:
                self._count(1)
                given = mapped(value, fold)
                parts.append(_known(folded, or_(has(folded, given), has(sort, given))))
        return and_(*parts)

    def _scalar(
        self, test: Mapping[str, Any], element: ColumnElement[Any], bind: Callable[[Any], Any]
    ) -> ColumnElement[bool]:
        parts: list[ColumnElement[bool]] = []
        for name, value in test.items():
            if value is None and name not in ("eq", "ne"):
                continue
            self._count(1)
            if isinstance(value, list) and len(value) > ITEMS:
                raise QueryTooComplex(
                    f"A list in a filter holds at most {ITEMS} values.", field=name
                )
            parts.append(_TESTS[name](element, _bound(value, bind)))
        return and_(true(), *parts)

    def _count(self, predicates: int) -> None:
        self.predicates += predicates
        if self.predicates > PREDICATES:
            raise QueryTooComplex(f"A filter holds at most {PREDICATES} tests.", field="where")

    def _check_hops(self, hops: int) -> None:
        if hops > HOPS:
            raise QueryTooComplex(f"A filter follows at most {HOPS} relations.", field="where")


def _bound(value: Any, bind: Callable[[Any], Any]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list):
        if any(each is None for each in value):
            raise Invalid("A list in a filter holds no null; say isNull.", field="where")
        return [bind(each) for each in value]
    if isinstance(value, dict):
        return [bind(value["from"]), bind(value["to"])]
    return bind(value)


def _literal(value: Any, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """A value as its column has it; one that no row can have is said to be so at once."""
    if isinstance(kind, Scaled):
        return literal(mapped(value, partial(_exact, kind.digits)), kind)
    return literal(value, kind)


def _exact(digits: int, value: Decimal) -> Decimal:
    try:
        scaled(value, digits)
    except Invalid as error:
        raise Invalid(error.message, field="where") from None
    return value


def _known(element: ColumnElement[Any], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """False instead of unknown where there is no value."""
    return and_(element.is_not(None), condition)


def _equal(element: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    if value is None:
        return element.is_(None)
    return _known(element, element == value)


class _Place(FunctionElement[int]):
    """Where one text begins in another: LIKE would ignore case on one engine only."""

    inherit_cache = True
    type = BigInteger()


@compiles(_Place, "sqlite")
def _place_on_sqlite(element: _Place, compiler: SQLCompiler, **given: Any) -> str:
    return f"instr({compiler.process(element.clauses, **given)})"


@compiles(_Place, "postgresql")
def _place_on_postgresql(element: _Place, compiler: SQLCompiler, **given: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **given)})"


def _contains(element: ColumnElement[Any], text: Any) -> ColumnElement[bool]:
    return _Place(element, literal(text, element.type)) > 0


def _starts_with(element: ColumnElement[Any], text: Any) -> ColumnElement[bool]:
    """A range instead of LIKE: both engines read it from the index."""
    if fixed(text, lambda given: not given):
        return true()
    end = mapped(text, lambda given: given + _HIGHEST)
    return and_(element >= literal(text, element.type), element < literal(end, element.type))


_TESTS: dict[str, Test] = {
    "eq": _equal,
    "ne": lambda element, value: not_(_equal(element, value)),
    "in": lambda element, values: _known(element, element.in_(values)),
    "notIn": lambda element, values: or_(element.is_(None), element.not_in(values)),
    "lt": lambda element, value: _known(element, element < value),
    "lte": lambda element, value: _known(element, element <= value),
    "gt": lambda element, value: _known(element, element > value),
    "gte": lambda element, value: _known(element, element >= value),
    "between": lambda element, pair: _known(element, element.between(*pair)),
    "isNull": lambda element, yes: element.is_(None) if yes else element.is_not(None),
    "contains": lambda element, value: _known(element, _contains(element, value.value)),
    "startsWith": lambda element, value: _known(element, _starts_with(element, value.value)),
}


def _link(field: f.Declared, other: Entity, entity: Entity) -> ColumnElement[bool]:
    assert isinstance(field.source, f.ToMany | f.ListOf)  # noqa: S101  the caller has looked
    assert field.source.key is not None  # noqa: S101  filled in by the registry
    return other.column(attribute(field.source.key)[1]) == entity.id


def _one_exists(found: Select[Any], entity: Entity, other: Entity) -> ColumnElement[bool]:
    """EXISTS, never a scalar with LIMIT 1: the planner may turn it into a join."""
    return exists(found.select_from(beside(other.table, other)).correlate(entity.table))


def beside(rows: FromClause, entity: Entity) -> FromClause:
    """Joins the side tables that conditions or orders of an entity have asked for."""
    for side in entity.sides.values():
        rows = rows.outerjoin(side, next(iter(side.primary_key)) == entity.id)
    return rows
