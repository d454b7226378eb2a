"""Customers and rows of plugins for tests that need many and mind no meaning."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmkit.host.tables import CORE
from crmkit.store.column_types import Choice, Json
from crmkit.store.database import table_of
from crmkit.store.reach import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from enum import Enum

    from sqlalchemy import Column, Table

    from crmkit.host.context import Context
    from crmkit.store.database import Base
    from crmkit.testing.trial import Trial

_CREATE = """mutation ($items: [CreateCustomerItem!]!) {
  createCustomers(input: {items: $items}) { results { customer { id } } }
}"""


async def add_customers(t: Trial, names: Sequence[str], **given: Any) -> list[str]:
    """Creates customers of these names and returns their ids; `given` is said of each."""
    items = [{"name": name, **given} for name in names]
    made = await t.gql(_CREATE, items=items)
    return [each["customer"]["id"] for each in made["createCustomers"]["results"]]


async def add_rows(t: Trial, each: int = 2) -> None:
    """Adds this many rows of every plugin's table to each record that they belong to."""
    for plugin in t.host.loaded.plugins:
        if plugin.name != CORE:
            made = {model for models in t.host.sides.values() for model in models}
            for table in plugin.tables:
                if table.info["model"] not in made:
                    await fill_table(t, table.info["model"], plugin.name, each)


async def fill_table(t: Trial, model: type[Base], plugin: str, each: int) -> None:
    """Adds this many rows to each record that they belong to, or in all if to none."""
    table = table_of(model)
    parents = {key: await _ids(t, key) for key in _keys(table) if _is_filled(key)}
    rows = [_row(model, place, parents, t) for place in _places(table, parents, each)]

    async def body(context: Context[Any]) -> None:
        context.write.add(*rows)

    await t.unit(body, plugin=plugin)


def _keys(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.foreign_keys]


def _is_filled(key: Column[Any]) -> bool:
    """Whether rows point somewhere by this key: they must, or customers would be without them."""
    target = next(iter(key.foreign_keys)).column.table
    return not key.nullable or scope_of(target).kind == "root"


async def _ids(t: Trial, key: Column[Any]) -> list[str]:
    target = next(iter(key.foreign_keys)).column
    return [found for (found,) in await t.host.database.fetch(select(target).order_by(target))]


def _places(table: Table, parents: dict[Column[Any], list[str]], each: int) -> Iterator[int]:
    """A number for each row: it says which record of each parent the row belongs to."""
    most = max((len(ids) for ids in parents.values()), default=1)
    single = any(key.primary_key or key.unique for key in parents)
    return iter(range(most if single else most * each))


_numbers = count(1)


def _row(model: type[Base], place: int, parents: dict[Column[Any], list[str]], t: Trial) -> Base:
    columns = table_of(model).columns
    given: dict[str, Any] = {}
    for each in dataclasses.fields(model):
        column = columns[each.name]
        if each.init and column in parents:
            ids = parents[column]
            given[each.name] = ids[place % len(ids)]
        elif each.init and each.default is each.default_factory is dataclasses.MISSING:
            given[each.name] = _value(column, t.clock.now())
    return model(**given)


def _value(column: Column[Any], now: datetime) -> Any:
    """Something of the column's type that no other row has, where that can be."""
    if isinstance(column.type, Choice):
        choices: type[Enum] = column.type.choices
        return next(iter(choices))
    if isinstance(column.type, Json):
        return {}
    if column.name.endswith("currency"):
        return "EUR"
    number = next(_numbers)
    kind = column.type.python_type
    values = {
        str: f"{column.name} {number}",
        bytes: f"{column.name} {number}".encode(),
        bool: False,
        int: number,
        datetime: now,
        date: now.date(),
    }
    return values[kind]
