"""What a client sees of loyalty."""

from __future__ import annotations

from dataclasses import dataclass

from crmkit import sdk
from crmkit_loyalty import models, repository
from crmkit_loyalty.config import MOST

_RANGE = {"least": 1, "most": MOST}


@sdk.node(
    models.Entry,
    list="loyaltyEntries",
    read="loyalty.entry.read",
    order_by=models.Entry.created_at.desc(),
)
class LoyaltyEntry:
    """Points that came or went; it never changes."""

    customer: sdk.Customer = sdk.to_one()
    """Whose points they are."""
    kind: models.EntryKind
    points: sdk.BigInt
    reason: str | None = sdk.side(models.Remark.reason)
    cause: sdk.Node | None = sdk.any_node(models.Entry.cause_id)
    """What led to it: an order, the customer's own coming, whatever has an id."""
    reverses: LoyaltyEntry | None = sdk.to_one(models.Entry.reverses_id)
    """The entry that it takes back."""


@sdk.extend(sdk.Customer)
class CustomerLoyalty:
    """What loyalty adds to a customer."""

    loyalty_points: sdk.BigInt = sdk.side(models.Account.balance)
    points_earned: sdk.BigInt = sdk.side(models.Account.earned)
    loyalty_tier: str | None = sdk.batch(repository.tiers_of)
    loyalty_entries: sdk.Connection[LoyaltyEntry] = sdk.to_many(
        models.Entry.customer_id, order_by=models.Entry.created_at.desc()
    )
    """How the points came and went, the newest first."""


@sdk.extend("orders.Order")
class OrderLoyalty:
    """What loyalty adds to an order."""

    loyalty_entries: sdk.Connection[LoyaltyEntry] = sdk.to_many(
        models.Entry.cause_id, order_by=models.Entry.created_at.desc()
    )
    """The points that it earned, and lost again if it was refunded."""


@dataclass(frozen=True)
class RedeemPoints:
    """Points that a customer spends."""

    customer_id: sdk.Ref[sdk.Customer]
    """Who spends them."""
    points: sdk.BigInt
    """How many, at least one."""
    reason: str | None = None
    """What for, in a few words."""
    cause_id: sdk.Ref[sdk.Node] | None = None
    """What they are spent on, a record of any kind."""

    def __post_init__(self) -> None:
        if not 1 <= self.points <= MOST:
            raise sdk.Invalid("Redeem one point or more.", field="points", params=_RANGE)


@dataclass(frozen=True)
class RedeemedPoints:
    """The points, spent."""

    entry: LoyaltyEntry
    """The entry that took them."""


@dataclass(frozen=True)
class AdjustPoints:
    """Points that somebody gives or takes, and answers for."""

    customer_id: sdk.Ref[sdk.Customer]
    """Whose points."""
    points: sdk.BigInt
    """How many come; below zero, how many go."""
    reason: str
    """Why, in a few words."""

    def __post_init__(self) -> None:
        if not 1 <= abs(self.points) <= MOST:
            raise sdk.Invalid(
                "Adjust by one point or more, up or down.", field="points", params=_RANGE
            )
        if not self.reason.strip():
            raise sdk.Invalid("Say why, in a few words.", field="reason")


@dataclass(frozen=True)
class AdjustedPoints:
    """The points, put right."""

    entry: LoyaltyEntry
    """The entry that did it."""
