"""The statements of tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, select

from crmkit.customers.models import Customer
from crmkit.store.ready import statement
from crmkit.tags import models

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import ColumnElement

    from crmkit.host.context import Context


async def held(context: Context[Any], customer_ids: Collection[str]) -> set[str]:
    """Locks customers, so that nobody tags them meanwhile; says who of them is there."""
    return {id_ for (id_,) in await context.rules(_there(customer_ids))}


async def pinned(context: Context[Any], customer_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Reads which tags customers have: of each, the rows that say so, by tag."""
    found: dict[str, dict[str, str]] = {each: {} for each in customer_ids}
    for customer, tag, id_ in await context.rules(_pinned(customer_ids)):
        found[customer][tag] = id_
    return found


def among(ids: Iterable[str]) -> ColumnElement[bool]:
    """The rows of these ids."""
    return models.CustomerTag.id.in_(sorted(ids))


def customer_count(tag: type[models.Tag]) -> Select[int]:
    """How many customers have it."""
    row = models.CustomerTag
    return select(func.count(row.id)).where(row.tag_id == tag.id)


@statement
def _there(customer_ids: Collection[str]) -> Select[str]:
    wanted = select(Customer.id).where(Customer.id.in_(customer_ids))
    return wanted.where(Customer.deleted_at.is_(None)).order_by(Customer.id).with_for_update()


@statement
def _pinned(customer_ids: Collection[str]) -> Select[str, str, str]:
    row = models.CustomerTag
    return select(row.customer_id, row.tag_id, row.id).where(row.customer_id.in_(customer_ids))
