"""The statements of tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from crmkit.customers.models import Customer
from crmkit.tags import models

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import ColumnElement, Select

    from crmkit.host.context import Context


async def held(context: Context[Any], customer_ids: Collection[str]) -> set[str]:
    """Locks customers, so that nobody tags them meanwhile; says who of them is there."""
    wanted = select(Customer.id).where(Customer.id.in_(sorted(customer_ids)))
    there = wanted.where(Customer.deleted_at.is_(None)).order_by(Customer.id)
    return {id_ for (id_,) in await context.rules(there.with_for_update())}


async def pinned(context: Context[Any], customer_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Reads which tags customers have: of each, the rows that say so, by tag."""
    row = models.CustomerTag
    wanted = select(row.customer_id, row.tag_id, row.id)
    found: dict[str, dict[str, str]] = {each: {} for each in customer_ids}
    rows = await context.rules(wanted.where(row.customer_id.in_(sorted(customer_ids))))
    for customer, tag, id_ in rows:
        found[customer][tag] = id_
    return found


def among(ids: Iterable[str]) -> ColumnElement[bool]:
    """The rows of these ids."""
    return models.CustomerTag.id.in_(sorted(ids))


def customer_count(tag: type[models.Tag]) -> Select[int]:
    """How many customers have it."""
    row = models.CustomerTag
    return select(func.count(row.id)).where(row.tag_id == tag.id)
