"""What each declared field means, in plain Python over rows."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type
from sqlalchemy import UnaryExpression
from sqlalchemy.sql.operators import desc_op

from crmkit.engine import fields as f
from crmkit.store.reach import target_of
from crmkit.testing import Trial
from crmkit.values.text import sort_key
from tests.oracle import chains, conditions, twins
from tests.oracle.pages import Key, Marks, Order, Page, page
from tests.oracle.twins import Twin
from tests.oracle.world import Row, Unreadable, World

if TYPE_CHECKING:
    from crmkit.engine.nodes import NodeSpec

Given = Mapping[str, Any]


class Meaning:
    """Reads the declarations of one schema, and does what they say."""

    def __init__(
        self, t: Trial, schema: GraphQLSchema, world: World, known: Mapping[tuple[str, str], Twin]
    ) -> None:
        self.t, self.schema, self.world, self.twins = t, schema, world, known
        self.marks = Marks()
        self.contributed = 0
        """How often a field was read that a plugin gave a type of somebody else."""
        self.registry = t.crm.schema.registry
        self.specs: dict[str, NodeSpec] = {spec.name: spec for spec in self.registry.nodes.values()}
        self.types = {self.table(spec): name for name, spec in self.specs.items()}
        self._fields = {
            kind: {self.registry.name(each): each for each in self.registry.members[spec.cls]}
            for kind, spec in self.specs.items()
        }

    # -- what declarations say --------------------------------------------------------------

    def table(self, spec: NodeSpec) -> str:
        return str(spec.model.__tablename__)

    def source(self, kind: str, name: str) -> f.Source:
        declared = self._fields[kind][name]
        self.contributed += declared.owner != self.registry.owners[self.specs[kind].cls]
        return declared.source

    def type_of(self, row: Row) -> str:
        return self.types[row.table]

    def column(self, attribute: Any) -> str:
        return str(attribute.property.columns[0].name)

    def target(self, kind: str, name: str) -> str:
        """The type of the records that a relation leads to."""
        parent = self.schema.get_type(kind)
        assert isinstance(parent, GraphQLObjectType)
        return get_named_type(parent.fields[name].type).name.removesuffix("Connection")

    def is_folded(self, kind: str, name: str) -> bool:
        """Whether texts of this field are compared by their folds and sorted by sort keys."""
        source = self.source(kind, name)
        if not isinstance(source, f.FromColumn | f.FromSide) or source.attribute is None:
            return False
        column = source.attribute.property.columns[0]
        return f"{column.name}_fold" in column.table.c

    # -- values -------------------------------------------------------------------------------

    def resolved(self, row: Row, name: str, given: Given) -> Any:
        """What a field of a record is, for an executor to go on with."""
        kind = self.type_of(row)
        match source := self.source(kind, name):
            case f.ToOne():
                return self.to_one(row, source)
            case f.AnyNode():
                return self.any(row[self.column(source.key)])
            case f.ToMany():
                return self._to_many(row, kind, name, source, given)
            case f.ListOf():
                target = self.target(kind, name)
                order = self.order(target, source.order_by, None)
                return order.sorted(self.pointing(row, target, source))[: source.limit]
            case f.Timeline():
                return self._timeline(row, given)
            case f.Chain():
                found = map(self.any, chains.walk(self, row.id, forward=source.forward))
                return [each for each in found if each is not None]
        return self.value(kind, name, row, given)

    def value(self, kind: str, name: str, row: Row, given: Given | None = None) -> Any:
        """What a field without further records is."""
        match source := self.source(kind, name):
            case f.FromColumn():
                return row[self.column(source.attribute)]
            case f.FromSide():
                return self._beside(row, source.attribute)
            case f.FromMoney():
                minor, currency = (row[self.column(x)] for x in (source.minor, source.currency))
                return None if minor is None else twins.amount(minor, currency)
            case f.Computed():
                return self._computed(row, source, given or {})
            case f.Expression() | f.Called():
                return self.twins[kind, name](self, row, **_named(given or {}))
        raise NotImplementedError(f"{kind}.{name} comes from {source}")

    def _beside(self, row: Row, attribute: Any) -> Any:
        column = attribute.property.columns[0]
        side = self.world.one(column.table.name, row.id)
        return None if side is None else side[column.name]

    def _computed(self, row: Row, source: f.Computed, given: Given) -> Any:
        known = {"organisation": self.t.host.settings.organisation, "clock": self.t.clock}
        wanted = inspect.signature(source.function).parameters
        named = _named(given)
        named |= {name: value for name, value in known.items() if name in wanted}
        return source.function(*(self._near(row, each) for each in source.of), **named)

    def _near(self, row: Row, attribute: Any) -> Any:
        """A column of the row, of what stands beside it, or of the one record it points to."""
        column = attribute.property.columns[0]
        table = column.table
        if table.name == row.table:
            return row[column.name]
        if next(iter(table.primary_key)).foreign_keys:
            return self._beside(row, attribute)
        own = self.specs[self.type_of(row)].model.__table__
        [key] = [
            each.name
            for each in own.columns
            if any(key.column.table is table for key in each.foreign_keys)
        ]
        other = self.world.one(table.name, row[key])
        return None if other is None else other[column.name]

    # -- other records --------------------------------------------------------------------

    def to_one(self, row: Row, source: f.ToOne) -> Row | None:
        assert source.key is not None
        column = source.key.property.columns[0]
        return self.world.one(target_of(column.table, column.name).name, row[column.name])

    def any(self, id: str | None) -> Row | None:
        """The record of whatever kind that has this id."""
        table = (id or "").rpartition("_")[0]
        return self.world.one(table, id) if table in self.types else None

    def pointing(self, row: Row, target: str, source: f.ToMany | f.ListOf) -> list[Row]:
        table = self.table(self.specs[target])
        return self.world.pointing(table, self.column(source.key), row.id)

    def listed(self, kind: str, given: Given) -> Page:
        """A page of all records of a kind."""
        spec = self.specs[kind]
        return self._page(kind, self.world.rows[self.table(spec)], spec.order_by, given)

    def _to_many(self, row: Row, kind: str, name: str, source: f.ToMany, given: Given) -> Page:
        target = self.target(kind, name)
        return self._page(target, self.pointing(row, target, source), source.order_by, given)

    def _page(self, kind: str, rows: list[Row], declared: Sequence[Any], given: Given) -> Page:
        where = given.get("where") or {}
        found = [row for row in rows if conditions.holds(self, kind, row, where)]
        order = self.order(kind, declared, given.get("orderBy"))
        return page(found, order, self.marks, given)

    def _timeline(self, row: Row, given: Given) -> Page:
        kinds = self.registry.timelines.kinds
        names = given.get("kinds")
        entries: list[Row] = []
        moments: dict[str, str] = {}
        for name, each in kinds.items():
            table = self.table(each.spec)
            moments[table] = each.at.name
            if names is None or name in names:
                entries += self.world.pointing(table, each.key.name, row.id)
        at = Key("at", down=True, of=lambda entry: entry[moments[entry.table]])
        order = Order("", (at, Key("id", down=True, of=lambda entry: entry.id)))
        return page(entries, order, self.marks, given)

    # -- orders ----------------------------------------------------------------------------

    def order(self, kind: str, declared: Sequence[Any], chosen: Sequence[str] | None) -> Order:
        """The order that a client chose, or the list's own; then the id, the last key's way."""
        if chosen:
            keys = [self._chosen(kind, each) for each in chosen]
        else:
            keys = [self._declared(each) for each in declared]
        names = [each.name for each in keys]
        if "id" in names:
            keys = keys[: names.index("id") + 1]
        else:
            keys.append(Key("id", down=bool(keys) and keys[-1].down, of=lambda row: row.id))
        return Order(kind, tuple(keys))

    def _chosen(self, kind: str, chosen: str) -> Key:
        shouted, _, way = chosen.rpartition("_")
        [name] = [each for each in self._fields[kind] if snake(each).upper() == shouted]
        return Key(name, way == "DESC", lambda row: self._sorted_by(kind, name, row))

    def _sorted_by(self, kind: str, name: str, row: Row) -> Any:
        source = self.source(kind, name)
        if isinstance(source, f.FromMoney):
            return row[self.column(source.minor)]
        return _plain(self.value(kind, name, row), folded=self.is_folded(kind, name))

    def _declared(self, given: Any) -> Key:
        """Of `Model.column` or `Model.column.desc()`."""
        down = isinstance(given, UnaryExpression) and given.modifier is desc_op
        column = given.element if down else given.property.columns[0]
        folded = f"{column.name}_fold" in column.table.c
        return Key(column.name, down, lambda row: _plain(row[column.name], folded=folded))


def _plain(value: Any, *, folded: bool) -> Any:
    """What is compared: of a text its sort key, of a choice the word that is stored."""
    if isinstance(value, Enum | Unreadable):
        return value.value
    return sort_key(value)[:600] if folded and value is not None else value


def _named(given: Given) -> dict[str, Any]:
    """Arguments by the names that the author of a function gave them."""
    return {snake(name): value for name, value in given.items()}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
