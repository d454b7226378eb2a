from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from crmkit import sdk
from crmkit.testing import crm
from crmkit_orders.plugin import Orders
from tests.plugins.shop import add_customer, buy, refund

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.anyio

RECORD_MANY = """
mutation ($items: [RecordOrderItem!]!) {
  recordOrders(input: {items: $items, onError: SKIP}) { results { outcome error { reason } } } }
"""


class Doorman(sdk.Plugin):
    """Lets nobody buy for more than 100, rounds prices down, and hears of what was bought."""

    name = "doorman"
    version = "1.0"
    depends_on = ("orders>=1",)
    heard: ClassVar[list[tuple[str, int]]] = []

    def register_events(self, events: sdk.EventBuilder) -> None:
        @events.on("orders.OrdersRecorded")
        async def recorded(context: sdk.Context[Any], event: Any) -> None:
            self.heard.append(("recorded later", len(event.ids)))

        @events.on("orders.OrdersRefunded")
        async def refunded(context: sdk.Context[Any], event: Any) -> None:
            self.heard.append(("refunded later", len(event.ids)))

    @sdk.hook(of="orders")
    async def before_orders_record(
        self, context: sdk.Context[Any], drafts: Sequence[sdk.Draft[Any, Any]]
    ) -> None:
        for draft in drafts:
            if draft.row.total_minor > 100_00:
                context.refuse(draft, "Too dear.", reason="doorman.too_dear", field="total")
            draft.row.total_minor -= draft.row.total_minor % 100

    @sdk.hook(of="orders")
    async def orders_recorded(
        self, context: sdk.Context[Any], drafts: Sequence[sdk.Draft[Any, Any]]
    ) -> None:
        self.heard.append(("recorded", len(drafts)))

    @sdk.hook(of="orders")
    async def orders_refunded(
        self, context: sdk.Context[Any], drafts: Sequence[sdk.Draft[Any, Any]]
    ) -> None:
        self.heard.append(("refunded", sum(draft.row.amount.minor for draft in drafts)))


@pytest.fixture
def heard() -> list[tuple[str, int]]:
    Doorman.heard.clear()
    return Doorman.heard


async def test_plugins_change_and_refuse_orders_before_they_are_recorded(
    engine: str, heard: list[tuple[str, int]]
) -> None:
    async with crm(Orders, Doorman, engine=engine) as t:
        anna = await add_customer(t)
        items = [
            {"customerId": anna, "total": {"amount": amount, "currency": "EUR"}}
            for amount in ("4.20", "100.01", "9.99")
        ]
        done = (await t.gql(RECORD_MANY, items=items))["recordOrders"]["results"]
        found = await t.gql("{ orders { nodes { total { amount } } } }")
    assert [each["outcome"] for each in done] == ["CREATED", "REJECTED", "CREATED"]
    assert done[1]["error"] == {"reason": "doorman.too_dear"}
    assert {each["total"]["amount"] for each in found["orders"]["nodes"]} == {"4.00", "9.00"}
    assert ("recorded", 2) in heard


async def test_plugins_hear_of_orders_in_the_unit_and_after_it(
    engine: str, heard: list[tuple[str, int]]
) -> None:
    async with crm(Orders, Doorman, engine=engine) as t:
        order = await buy(t, await add_customer(t), "5.00")
        await refund(t, order)
        await t.drain()
    assert heard[:1] == [("recorded", 1)]
    assert ("refunded", 500) in heard
    assert heard.index(("recorded later", 1)) < heard.index(("refunded later", 1))
