"""What a company sets in `[plugins.referrals]`: its programme."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from crmkit import sdk

Points = Annotated[int, Field(ge=0, le=10**15)]

_ONE_HOUSE = {"googlemail.com": "gmail.com"}


class ReferralsConfig(BaseModel):
    """Who gets what for a referral, and which ones count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    advocate_points: Points = 100
    """What the advocate gets when a friend has qualified."""
    friend_points: Points = 50
    """What the friend gets."""
    cap: Annotated[int, Field(ge=0)] | None = None
    """The most referrals of one advocate that count; the next ones are rejected, and nobody
    gets anything for them. A referral that is reversed makes room again."""
    attribution_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """How long after they came somebody can still say who referred them."""
    dotless: frozenset[str] = frozenset({"gmail.com"})
    """Mail domains at which dots before the @ do not count."""

    def mail_key(self, address: str) -> str:
        """What is the same of all addresses that lead into one mailbox."""
        name, _, domain = address.casefold().rpartition("@")
        house = _ONE_HOUSE.get(domain, domain)
        # An address may begin with a plus, and then there is no alias to cut off.
        box = name[:1] + name[1:].partition("+")[0]
        return f"{box.replace('.', '') if house in self.dotless else box}@{house}"


Context = sdk.Context[ReferralsConfig]
