"""What tests of points say again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkit.testing import Trial

REDEEM = """
mutation ($input: RedeemPointsInput!) { redeemPoints(input: $input) {
  entry { kind points reason customer { loyaltyPoints } } } }
"""
ADJUST = """
mutation ($input: AdjustPointsInput!) { adjustPoints(input: $input) {
  entry { kind points reason customer { loyaltyPoints } } } }
"""


async def redeem(t: Trial, customer: str, points: int) -> dict[str, Any]:
    done = await t.gql(REDEEM, input={"customerId": customer, "points": str(points)})
    return dict(done["redeemPoints"]["entry"])


async def adjust(t: Trial, customer: str, points: int, reason: str = "Goodwill") -> dict[str, Any]:
    given = {"customerId": customer, "points": str(points), "reason": reason}
    return dict((await t.gql(ADJUST, input=given))["adjustPoints"]["entry"])


async def account(t: Trial, customer: str) -> dict[str, Any]:
    """What a client sees of somebody's points."""
    found = await t.gql(
        """query ($id: ID!) { node(id: $id) { ... on Customer {
          loyaltyPoints pointsEarned loyaltyTier
          loyaltyEntries { nodes { kind points reverses { points } } } } } }""",
        id=customer,
    )
    return dict(found["node"])


async def balance(t: Trial, customer: str) -> int:
    return int((await account(t, customer))["loyaltyPoints"])
