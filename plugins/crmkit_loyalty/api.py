"""What other plugins may know of loyalty, and do with points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit_loyalty import service
from crmkit_loyalty.models import Account, Entry, EntryKind
from crmkit_loyalty.types import AdjustPoints, RedeemPoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit import sdk

__all__ = [
    "Account",
    "AdjustPoints",
    "Entry",
    "EntryKind",
    "RedeemPoints",
    "adjust_points",
    "grant",
    "redeem_points",
    "reverse",
]

adjust_points = service.adjust_points
redeem_points = service.redeem_points


def grant(
    context: sdk.Context[Any],
    customer_id: str,
    points: int,
    *,
    cause_id: str,
    reason: str | None = None,
) -> None:
    """Adds points that a customer earned by `cause_id`, in the caller's unit."""
    service.grant(context.bound("loyalty"), customer_id, points, cause_id=cause_id, reason=reason)


async def reverse(context: sdk.Context[Any], cause_ids: Sequence[str]) -> None:
    """Takes back what these causes earned, once, in the caller's unit."""
    await service.reverse(context.bound("loyalty"), cause_ids)
