"""What a client sees of loyalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_loyalty import models, repository
from crmkit_loyalty.config import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 2_000


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
    cause: sdk.Node | None = sdk.cause(models.Entry.cause_id)
    """What led to it: an order, the customer's own coming, whatever has an id."""
    reverses: LoyaltyEntry | None = sdk.to_one(models.Entry.reverses_id)
    """The entry that it takes back."""


def _counted(points: int, *, locale: str | None = None, organisation: sdk.Organisation) -> str:
    """How many points came or went."""
    words = {"en": "{:+} points", "de": "{:+} Punkte", "zh": "{:+} 积分"}
    return sdk.phrase(words, locale, organisation.locale).format(points)


summary = sdk.computed(_counted, models.Entry.points)
"""An entry in a line."""


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
        sdk.checks.check(
            _faults_of_points(self.points), sdk.checks.of_length("reason", self.reason, LONGEST)
        )


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
        sdk.checks.check(
            _faults_of_points(abs(self.points)),
            sdk.checks.present("reason", self.reason),
            sdk.checks.of_length("reason", self.reason, LONGEST),
        )


@dataclass(frozen=True)
class AdjustedPoints:
    """The points, put right."""

    entry: LoyaltyEntry
    """The entry that did it."""


def _faults_of_points(points: int) -> Iterator[sdk.Problem]:
    if not 1 <= points <= MOST:
        yield sdk.checks.fault("points", f"An entry is of 1 to {MOST} points.")
