"""What a company sets in `[plugins.loyalty]`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from crmkit import sdk

MOST = 10**15
"""The most points of one entry: thousands of such entries still fit into 64 bits."""

Rate = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=12)]


class LoyaltyConfig(BaseModel):
    """The rules by which points come, and go again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points_per_unit: Rate = Decimal(1)
    """Points for a whole unit of money, such as one euro; what is left over earns nothing."""
    rates: Mapping[Annotated[str, Field(pattern="^[A-Z]{3}$")], Rate] = Field(default_factory=dict)
    """Points for a unit of certain currencies: `rates = { JPY = 0.01 }`."""
    welcome_points: int = Field(default=0, ge=0, le=MOST)
    """Points for becoming a customer."""
    spent_points: Literal["debt", "forgive"] = "debt"
    """Of an order that is refunded after its points were spent: the balance goes below
    zero until new points come, or what is missing is forgiven."""
    tiers: Mapping[str, Annotated[int, Field(ge=0)]] = Field(
        default_factory=lambda: {"silver": 1_000, "gold": 5_000}
    )
    """The points that a customer must have earned for each tier."""

    def points_for(self, paid: sdk.Money) -> int:
        """Counts the points of a price, rounded down, so that splitting it gains nothing."""
        rate = self.rates.get(paid.currency, self.points_per_unit)
        # Whole numbers all the way: a division before the last step could round up.
        points, per = rate.as_integer_ratio()
        return paid.minor * points // (paid.parts * per)


Context = sdk.Context[LoyaltyConfig]
