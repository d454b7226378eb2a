"""What can go wrong with points."""

from __future__ import annotations

from crmkit import sdk
from crmkit_loyalty.config import MOST


class InsufficientPoints(sdk.Refused):
    """Nobody spends points that are not there."""

    reason = "loyalty.insufficient_points"

    def __init__(self, points: int) -> None:
        super().__init__(
            f"The customer does not have {points} points.",
            field="points",
            params={"points": points},
        )


class TooManyPoints(sdk.Refused):
    """An entry of more points than accounts are made for."""

    reason = "loyalty.too_many_points"

    def __init__(self, points: int) -> None:
        super().__init__(
            f"This would earn {points} points; at most {MOST} can come at once.",
            field="total",
            params={"points": points, "most": MOST},
        )
