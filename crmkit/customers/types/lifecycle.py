"""What a client asks for when customers go, come back and climb the ladder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmkit.customers.types.nodes import Customer, StageStay
from crmkit.engine.fields import ID, Ref
from crmkit.stages.types import Stage
from crmkit.values import checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.values.errors import Problem

MOST_LOSERS = 50


@dataclass(frozen=True)
class DeleteCustomer:
    """Who is to disappear from every list; restoring brings them back."""

    id: Ref[Customer]
    """Who is meant."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class DeletedCustomer:
    """Who has been deleted."""

    deleted_customer_id: ID
    """What `restoreCustomer` wants to hear."""


@dataclass(frozen=True)
class RestoreCustomer:
    """Who is to come back."""

    id: ID
    """The id of a deleted customer."""


@dataclass(frozen=True)
class RestoredCustomer:
    """Who came back."""

    customer: Customer
    """The customer as they were."""


@dataclass(frozen=True)
class MergeCustomers:
    """Which customers are one and the same."""

    winner_id: Ref[Customer]
    """Who stays, with what they say of themselves."""
    loser_ids: tuple[Ref[Customer], ...]
    """Who becomes part of them, at most 50; their ids will mean the winner for ever."""
    version: int | None = None
    """The version of the winner that you saw: if it has changed since, nothing happens."""

    def __post_init__(self) -> None:
        checks.check(_merge_faults(self))


@dataclass(frozen=True)
class MergedCustomers:
    """Who they are now."""

    customer: Customer
    """The winner, to whom everything belongs."""
    merged_customer_ids: tuple[ID, ...]
    """Whose ids mean the winner from now on."""


def _merge_faults(given: MergeCustomers) -> Iterator[Problem]:
    if not 0 < len(given.loser_ids) <= MOST_LOSERS:
        yield checks.fault("loserIds", f"1 to {MOST_LOSERS} customers are merged at once.")


@dataclass(frozen=True)
class MoveCustomer:
    """Who takes which step on the ladder."""

    id: Ref[Customer]
    """Who is meant."""
    stage_id: Ref[Stage]
    """The stage they move to; the ladder must allow the move."""
    reason: str | None = None
    """Why, for whoever reads the history."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""

    def __post_init__(self) -> None:
        checks.check(checks.of_length("reason", self.reason, 2000))


@dataclass(frozen=True)
class MovedCustomer:
    """The step that was taken."""

    customer: Customer
    """The customer on the new stage."""
    stay: StageStay
    """The entry in their history that has begun."""
