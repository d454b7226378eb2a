"""The statements of privacy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, and_, false, literal, or_, select

from crmkit.customers.models import Customer, CustomerAlias
from crmkit.privacy.models import Erasure
from crmkit.store.database import personal_columns, table_of
from crmkit.store.reach import EVERYTHING, with_deleted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from crmkit.host.context import Context

SEEN = 200  # characters; whatever is longer is no name of anybody


async def meant(context: Context[Any], id_: str) -> str | None:
    """Who is meant by an id, deleted ones too, if the actor reaches them."""
    old = select(CustomerAlias.customer_id).where(CustomerAlias.alias_id == id_)
    [*become] = await context.rules(old)
    wanted = select(Customer.id).where(Customer.id == (become[0][0] if become else id_))
    found = await context.read(with_deleted(wanted))
    return found[0][0] if found else None


async def erasure_of(context: Context[Any], customer_id: str) -> str | None:
    """The erasure of a customer, if there is one."""
    found = await context.rules(select(Erasure.id).where(Erasure.customer_id == customer_id))
    return found[0][0] if found else None


async def held(
    context: Context[Any], erasure_id: str
) -> tuple[str, str | None, list[Any], datetime | None]:
    """How far an erasure has come; held, so that nobody goes on with it beside us."""
    row = Erasure
    wanted = select(row.customer_id, row.table_name, row.after, row.ended_at)
    [found] = await context.rules(wanted.where(row.id == erasure_id).with_for_update())
    return found


async def ids_of(context: Context[Any], customer_id: str) -> set[str]:
    """The id of a customer, and those they had before."""
    old = select(CustomerAlias.alias_id).where(CustomerAlias.customer_id == customer_id)
    return {customer_id, *[id_ for (id_,) in await context.rules(old)]}


async def texts_of(context: Context[Any], table: Table, where: ColumnElement[bool]) -> set[str]:
    """All short personal texts in these rows."""
    columns = [each for each in personal_columns(table) if "companion_of" not in each.info]
    if not columns:
        return set()
    rows = await context.fetch(select(*columns).where(where), EVERYTHING)
    values = (value for row in rows for value in row)
    return {each for each in values if isinstance(each, str) and 1 < len(each) <= SEEN}


async def rows(
    context: Context[Any], table: Table, where: ColumnElement[bool]
) -> list[dict[str, Any]]:
    """The rows of a table for which this holds, as far as the actor reaches, by their columns.

    Of deleted customers, too: what is kept of them is known.
    """
    columns = [each for each in table.columns if "companion_of" not in each.info]
    wanted = select(*columns).where(where).order_by(*table.primary_key.columns)
    names = [each.name for each in columns]
    found: Sequence[Sequence[Any]] = await context.read(with_deleted(wanted))
    return [dict(zip(names, row, strict=True)) for row in found]


async def page(
    context: Context[Any],
    table: Table,
    columns: Sequence[Any],
    where: ColumnElement[bool] | None,
    after: Sequence[Any],
    limit: int,
) -> list[Any]:
    """The next rows of a table in the order of its key: the key, then these columns."""
    keys = list(table.primary_key.columns)
    wanted = select(*keys, *columns).order_by(*keys).limit(limit)
    if where is not None:
        wanted = wanted.where(where)
    if after:
        wanted = wanted.where(_beyond(keys, after))
    return list(await context.fetch(wanted, EVERYTHING))


def among(table: Table, keys: Sequence[Sequence[Any]]) -> ColumnElement[bool]:
    """The rows of these keys."""
    columns = list(table.primary_key.columns)
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return or_(false(), *[_same(columns, key) for key in keys])


def customer() -> Table:
    """The table of those whom all this is about."""
    return table_of(Customer)


def _same(columns: Sequence[Any], key: Sequence[Any]) -> ColumnElement[bool]:
    return and_(*[each == value for each, value in zip(columns, key, strict=True)])


def _beyond(keys: Sequence[Any], after: Sequence[Any]) -> ColumnElement[bool]:
    first: ColumnElement[Any] = keys[0]
    value = literal(after[0], first.type)
    if len(keys) == 1:
        return first > value
    return or_(first > value, and_(first == value, _beyond(keys[1:], after[1:])))
