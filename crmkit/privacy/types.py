"""What a client asks for when somebody wants to know or to be forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from crmkit.customers.types import Customer, ExternalId
from crmkit.engine.fields import ID, JSON, Ref
from crmkit.host.events import Event
from crmkit.values import checks

if TYPE_CHECKING:
    from crmkit.values.errors import Problem

_MOST = 100


@dataclass(frozen=True)
class ExportCustomer:
    """Whose data are handed over."""

    id: Ref[Customer]
    """Who is meant."""


@dataclass(frozen=True)
class ExportedCustomer:
    """All that is known of somebody."""

    customer: Customer
    """Who they are."""
    data: JSON
    """Every row of theirs in every table, and what plugins keep elsewhere."""


@dataclass(frozen=True)
class EraseCustomer:
    """Who is forgotten; it cannot be undone."""

    id: ID
    """Who is meant; somebody who was deleted, too."""


@dataclass(frozen=True)
class ErasedCustomer:
    """Who is being forgotten."""

    erased_customer_id: ID
    """Nobody sees them any more; what is kept of them is emptied step by step."""


@dataclass(frozen=True)
class LiftSuppressions:
    """How somebody is reached who was erased, and comes back of their own accord."""

    emails: Sequence[str] = ()
    """Their mail addresses."""
    phones: Sequence[str] = ()
    """Their numbers; a national one is read as of the organisation's region."""
    external_ids: Sequence[ExternalId] = ()
    """What other systems call them."""

    def __post_init__(self) -> None:
        checks.check(_lift_faults(self))


@dataclass(frozen=True)
class LiftedSuppressions:
    """They can be entered again."""

    count: int
    """How many of these were kept out; nothing else changes."""


def _lift_faults(given: LiftSuppressions) -> Iterator[Problem]:
    count = len(given.emails) + len(given.phones) + len(given.external_ids)
    if not 0 < count <= _MOST:
        yield checks.fault("emails", f"Say how they are reached, in 1 to {_MOST} ways.")


@dataclass(frozen=True)
class CustomersErased(Event):
    """Customers are being forgotten; nobody sees them any more."""

    about: ClassVar[type | None] = Customer

    ids: tuple[str, ...]


@dataclass(frozen=True)
class ErasureWanted(Event):
    """The next step of an erasure is due; `step` counts them."""

    erasure_id: str
    step: int = 0


Data = dict[str, Any]
