"""A plugin that lives on what others tell: it sells when a task falls due, and asks how it was."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmkit import sdk
from crmkit_feedback import api as feedback
from crmkit_orders import api as orders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit_tasks.api import TaskFellDue


class Salon(sdk.Plugin):
    """Three handlers, each of which names what it answers as the cause of what it does."""

    name = "salon"
    version = "1.0"
    depends_on = ("tasks>=1", "orders>=1", "feedback>=1")

    def register_events(self, events: sdk.EventBuilder) -> None:
        events.on("tasks.TaskFellDue")(sell)
        events.on("orders.OrdersRecorded")(ask)
        events.on("feedback.TicketsOpened")(write)


async def sell(context: sdk.Context[Any], event: TaskFellDue) -> None:
    price = sdk.Money.of(Decimal(42), "EUR")
    sold = orders.RecordOrder(event.customer_id, total=price, cause_id=event.record)
    await orders.record_orders(context, [sold])


async def ask(context: sdk.Context[Any], event: orders.OrdersRecorded) -> None:
    for id_, customer in await _owners(context, orders.OrderRow, event.ids):
        asked = feedback.OpenTicket(customer, "web", "How was it?", cause_id=id_)
        await feedback.open_tickets(context, [asked])


async def write(context: sdk.Context[Any], event: feedback.TicketsOpened) -> None:
    wrote = [
        sdk.RecordInteraction(customer, "email", sdk.Direction.OUTBOUND, "note", cause_id=id_)
        for id_, customer in await _owners(context, feedback.TicketRow, event.ids)
    ]
    await sdk.interactions.record(context, wrote)


async def _owners(context: sdk.Context[Any], row: Any, ids: Sequence[str]) -> list[tuple[str, str]]:
    """These records, each with its customer."""
    return await context.rules(select(row.id, row.customer_id).where(row.id.in_(ids)))
