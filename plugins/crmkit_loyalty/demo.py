"""What loyalty contributes to the demo company: some spend their points when they buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHARE = 0.1
_ENOUGH = 100
_VOUCHERS = ("A bag of beans", "A voucher", "A place at the tasting")

_RICH = """query ($ids: [ID!]!, $least: BigInt!) {
  customers(first: 1000, where: {id: {in: $ids}, loyaltyPoints: {gte: $least}}) {
    nodes { id loyaltyPoints }
  }
}"""
_REDEEM = """mutation ($who: ID!, $points: BigInt!, $reason: String, $cause: ID) {
  redeemPoints(input: {customerId: $who, points: $points, reason: $reason, causeId: $cause}) {
    entry { id }
  }
}"""


class LoyaltyDemo(sdk.DemoPart):
    """Points come by themselves; here they go."""

    options: ClassVar[Mapping[str, Any]] = {"welcome_points": 10, "rates": {"JPY": "0.006"}}

    async def live(self) -> None:
        buyers = {each.resident.id: each.resident for each in self.demo.deals}
        tempted = sorted(self.demo.some([*buyers], _SHARE))[:1_000]
        found = await self.demo.ask(_RICH, ids=tempted, least=str(_ENOUGH))
        for each in found["nodes"]:
            reason = self.demo.random.choice(_VOUCHERS)
            await self._redeem(buyers[each["id"]], int(each["loyaltyPoints"]) // 2, reason)

    @sdk.act
    async def spends(self, who: sdk.Resident, points: int, reason: str) -> None:
        """Takes something for points, if there are enough."""
        if (await self.demo.ask(_RICH, ids=[who.id], least=str(points)))["nodes"]:
            await self._redeem(who, points, reason)

    async def _redeem(self, who: sdk.Resident, points: int, reason: str) -> None:
        cause = who.last.get("order")
        asked = {"who": who.id, "points": str(points), "reason": reason, "cause": cause}
        await self.demo.ask(_REDEEM, **asked)
        self.demo.made["times points were spent"] += 1
