"""The statements of orders."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, select

from crmkit import sdk
from crmkit_orders.models import Order, OrderState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


def order_count(customer: type[sdk.rows.Customer]) -> Select[int]:
    """How many orders the customer placed and kept."""
    return select(func.count()).where(*_kept_by(customer))


def last_order_at(customer: type[sdk.rows.Customer]) -> Select[datetime]:
    """When the customer last placed an order and kept it."""
    return select(func.max(Order.placed_at)).where(*_kept_by(customer))


async def order_totals(
    context: sdk.Context, customer_ids: Sequence[str]
) -> Mapping[str, list[sdk.MoneyType]]:
    """What the customer paid for orders and did not get back, one sum for each currency."""
    totals: dict[str, list[sdk.MoneyType]] = defaultdict(list)
    for customer_id, currency, minor in await context.read(
        select(Order.customer_id, Order.currency, func.sum(Order.total_minor))
        .where(Order.customer_id.in_(customer_ids), Order.state == OrderState.PLACED)
        .group_by(Order.customer_id, Order.currency)
        .order_by(Order.customer_id, Order.currency)
    ):
        money = sdk.Money(minor, currency)
        totals[customer_id].append(sdk.MoneyType(amount=money.amount, currency=currency))
    # Who bought nothing has an empty list, and not nothing at all.
    return {each: totals[each] for each in customer_ids}


@sdk.statement
def of_ids(order_ids: Sequence[str]) -> Select[str, str, int, str, OrderState]:
    """What a refund must know of these orders."""
    return select(
        Order.id, Order.customer_id, Order.total_minor, Order.currency, Order.state
    ).where(Order.id.in_(order_ids))


@sdk.statement
def recorded(source: str, external_ids: Sequence[str]) -> Select[str | None]:
    """Which of these orders of another system are here."""
    return select(Order.external_id).where(
        Order.source == source, Order.external_id.in_(external_ids)
    )


@sdk.statement
def customers(source: str, external_ids: Sequence[str]) -> Select[str, str]:
    """The customers whom another system calls so."""
    theirs = sdk.rows.CustomerExternalId
    return select(theirs.external_id, theirs.customer_id).where(
        theirs.source == source,
        theirs.external_id.in_(external_ids),
        theirs.released_at.is_(None),
    )


def _kept_by(customer: type[sdk.rows.Customer]) -> tuple[Any, ...]:
    return Order.customer_id == customer.id, Order.state == OrderState.PLACED
