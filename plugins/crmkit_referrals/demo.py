"""What referrals contribute to the demo company: friends who come through friends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Sequence

_REFERRED = 0.08

_ISSUE = """mutation ($who: ID!) { issueReferralCode(input: {customerId: $who}) { code } }"""
_INVITE = """mutation ($code: String!, $email: String!) {
  inviteReferral(input: {code: $code, email: $email}) { referral { id } }
}"""
_REGISTER = """mutation ($who: ID!, $code: String!) {
  registerReferral(input: {customerId: $who, code: $code}) { referral { id } }
}"""


class ReferralsDemo(sdk.DemoPart):
    """Some newcomers name the code of somebody who is happy with us."""

    def __init__(self, demo: sdk.Demo) -> None:
        super().__init__(demo)
        self._codes: dict[str, str] = {}

    async def welcome(self, items: Sequence[dict[str, Any]]) -> None:
        happy = [each for each in self.demo.residents if "order" in each.last]
        if happy:
            people = [each for each in items if each.get("kind", "PERSON") == "PERSON"]
            for item in self.demo.some(people, _REFERRED):
                item["referrals"] = {"code": await self._code(self.demo.random.choice(happy))}
                self.demo.made["referrals"] += 1

    @sdk.act
    async def invites(self, who: sdk.Resident, email: str) -> None:
        """Tells a friend of us."""
        await self.demo.ask(_INVITE, code=await self._code(who), email=email)

    @sdk.act
    async def came_through(self, who: sdk.Resident, advocate: str) -> None:
        """Says who brought them."""
        code = await self._code(self.demo.cast[advocate])
        await self.demo.ask(_REGISTER, who=who.id, code=code)
        self.demo.made["referrals"] += 1

    async def _code(self, advocate: sdk.Resident) -> str:
        if advocate.id not in self._codes:
            issued = await self.demo.ask(_ISSUE, who=advocate.id)
            self._codes[advocate.id] = issued["code"]
        return self._codes[advocate.id]
