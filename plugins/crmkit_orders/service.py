"""The rules of orders: how they are recorded and refunded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_orders import errors, hookspecs, repository
from crmkit_orders.models import Line, OrderState
from crmkit_orders.models import Order as OrderRow
from crmkit_orders.types import (
    Order,
    OrdersRecorded,
    OrdersRefunded,
    RecordedOrder,
    RecordOrder,
    Refund,
    RefundedOrder,
    RefundOrder,
)

if TYPE_CHECKING:
    from datetime import datetime


@sdk.mutation(permission="orders.order.record", bulk="recordOrders")
async def record_orders(
    context: sdk.Context, drafts: Sequence[sdk.Draft[RecordOrder, OrderRow]]
) -> Sequence[RecordedOrder]:
    """Record orders that customers placed, here or elsewhere."""
    # One moment for all of them, however long the bulk is.
    now = context.clock.now()
    for draft in drafts:
        draft.becomes(_row(draft.input, now))
    await context.call(hookspecs.before_orders_record, drafts)
    ids = [draft.row.id for draft in drafts]
    if not context.refusals:
        context.write.add(*[draft.row for draft in drafts])
        context.write.add(*_lines(drafts, ids))
        await context.call(hookspecs.orders_recorded, drafts)
        context.emit(OrdersRecorded(ids[0], tuple(ids)))
    return [RecordedOrder(order=sdk.ref(Order, each)) for each in ids]


@sdk.mutation(permission="orders.order.refund", bulk="refundOrders")
async def refund_orders(
    context: sdk.Context, drafts: Sequence[sdk.Draft[RefundOrder, Refund]]
) -> Sequence[RefundedOrder]:
    """Give back the whole price of orders, once each."""
    placed = await _look_at(context, drafts)
    for draft in drafts:
        draft.outcome = sdk.Outcome.UPDATED
        # The second of two in one bulk comes too late as well.
        if placed.pop(draft.input.order_id, OrderState.REFUNDED) is OrderState.REFUNDED:
            context.reject(draft, errors.AlreadyRefunded())
    if not context.refusals:
        await _refund(context, drafts)
    return [RefundedOrder(order=sdk.ref(Order, draft.input.order_id)) for draft in drafts]


async def _refund(context: sdk.Context, drafts: Sequence[sdk.Draft[RefundOrder, Refund]]) -> None:
    ids = [draft.input.order_id for draft in drafts]
    # What was read may be old by now: of two refunds at one time, the guard lets one pass.
    context.write.update(
        OrderRow,
        where=OrderRow.id.in_(ids),
        guard=OrderRow.state == OrderState.PLACED,
        set={OrderRow.state: OrderState.REFUNDED, OrderRow.refunded_at: context.clock.now()},
        expect=len(ids),
        otherwise=errors.AlreadyRefunded(),
    )
    await context.call(hookspecs.orders_refunded, drafts)
    context.emit(OrdersRefunded(ids[0], tuple(ids)))


async def _look_at(
    context: sdk.Context, drafts: Sequence[sdk.Draft[RefundOrder, Refund]]
) -> dict[str, OrderState]:
    """Says of each draft what it gives back, and returns the state of each order."""
    ids = [draft.input.order_id for draft in drafts]
    found = {each[0]: each for each in await context.rules(repository.of_ids(ids))}
    for draft in drafts:
        if draft.input.order_id not in found:
            raise sdk.NotFound("There is no such order.", field="orderId")
        order_id, customer_id, minor, currency, _ = found[draft.input.order_id]
        draft.becomes(Refund(order_id, customer_id, sdk.Money(minor, currency)))
    return {order_id: state for order_id, *_, state in found.values()}


def _row(given: RecordOrder, now: datetime) -> OrderRow:
    paid = given.paid
    return OrderRow(
        customer_id=given.customer_id,
        placed_at=given.placed_at or now,
        total_minor=paid.minor,
        currency=paid.currency,
        source=given.source,
        external_id=given.external_id,
        cause_id=given.cause_id,
    )


def _lines(
    drafts: Sequence[sdk.Draft[RecordOrder, OrderRow]], order_ids: Sequence[str]
) -> Iterator[Line]:
    for draft, order_id in zip(drafts, order_ids, strict=True):
        for each in draft.input.lines:
            yield Line(
                order_id=order_id,
                quantity=each.quantity,
                amount_minor=each.amount.minor,
                currency=each.amount.currency,
                sku=each.sku,
                description=each.description,
            )
