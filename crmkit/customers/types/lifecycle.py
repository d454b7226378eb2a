"""What a client asks for when customers go, come back and climb the ladder."""

from __future__ import annotations

from dataclasses import dataclass

from crmkit.customers.types.nodes import Customer, StageStay
from crmkit.engine.fields import ID, Ref
from crmkit.stages.types import Stage
from crmkit.values import checks


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
