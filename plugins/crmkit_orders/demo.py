"""What orders contribute to the demo company: a roastery that sells all over the world."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Sequence

# By the article: what it is, and its price in each currency in which the shop sells.
CATALOGUE: dict[str, tuple[str, dict[str, str]]] = {
    "BEANS-250": ("House blend, 250 g", {"EUR": "8.90", "USD": "9.80", "JPY": "1450"}),
    "BEANS-1KG": ("House blend, 1 kg", {"EUR": "29.00", "USD": "32.00", "JPY": "4700"}),
    "GEISHA": ("Geisha, 125 g", {"EUR": "34.50", "USD": "38.00", "JPY": "5600"}),
    "FILTERS": ("Paper filters, 100", {"EUR": "5.40", "USD": "5.95", "JPY": "880"}),
    "KETTLE": ("Kettle with a swan's neck", {"EUR": "89.00", "USD": "98.00", "JPY": "14500"}),
    "GRINDER": ("Grinder Kolibri", {"EUR": "249.00", "USD": "275.00", "JPY": "40500"}),
    "ESPRESSO": ("Espresso machine Adler", {"EUR": "1890.00", "USD": "2090.00", "JPY": "305000"}),
}
_EVERYDAY = ("BEANS-250", "BEANS-1KG", "FILTERS", "GEISHA")
_DEAR = ("KETTLE", "GRINDER", "ESPRESSO")
_RETURNED = 0.02

_RECORD = """mutation ($items: [RecordOrderItem!]!) {
  recordOrders(input: {items: $items}) { results { order { id } } }
}"""
_REFUND = """mutation ($items: [RefundOrderItem!]!) {
  refundOrders(input: {items: $items}) { results { index } }
}"""


class OrdersDemo(sdk.DemoPart):
    """Every deal is an order, and some of them come back."""

    def __init__(self, demo: sdk.Demo) -> None:
        super().__init__(demo)
        self._new: list[str] = []

    async def live(self) -> None:
        demo = self.demo
        returned = list(demo.some(self._new, _RETURNED))
        self._new = await self._record([self._deal(each) for each in demo.deals])
        for deal, order_id in zip(demo.deals, self._new, strict=True):
            deal.resident.last["order"] = order_id
        await self._refund(returned)

    @sdk.act
    async def buys(self, who: sdk.Resident, sku: str, quantity: int = 1) -> None:
        """Buys one thing."""
        item = self._order(who, [self._line(who, sku, quantity)])
        [who.last["order"]] = await self._record([item])

    @sdk.act
    async def returns(self, who: sdk.Resident) -> None:
        """Sends the last order back and gets the money."""
        await self._refund([who.last["order"]])

    async def _record(self, items: Sequence[Any]) -> list[str]:
        results = await self.demo.ask_each(_RECORD, items)
        self.demo.made["orders"] += len(results)
        return [each["order"]["id"] for each in results]

    async def _refund(self, ids: Sequence[str]) -> None:
        await self.demo.ask_each(_REFUND, [{"orderId": each} for each in ids])
        self.demo.made["refunds"] += len(ids)

    def _deal(self, deal: sdk.Deal) -> dict[str, Any]:
        chance = self.demo.random
        articles = chance.sample(_EVERYDAY, k=chance.choice((1, 1, 2, 3)))
        if chance.random() < 0.04 * deal.weight:
            articles.append(chance.choice(_DEAR))
        lines = [self._line(deal.resident, sku, deal.weight) for sku in articles]
        return {**self._order(deal.resident, lines), "placedAt": deal.at.isoformat()}

    def _order(self, who: sdk.Resident, lines: Sequence[Any]) -> dict[str, Any]:
        return {"customerId": who.id, "lines": lines, "causeId": who.last.get("interaction")}

    def _line(self, who: sdk.Resident, sku: str, weight: int) -> dict[str, Any]:
        description, prices = CATALOGUE[sku]
        # Nobody needs two machines; of beans, whoever buys much takes more.
        quantity = 1 if sku in _DEAR else weight
        amount = Decimal(prices[who.currency]) * quantity
        return {
            "sku": sku,
            "description": description,
            "quantity": quantity,
            "amount": {"amount": str(amount), "currency": who.currency},
        }
