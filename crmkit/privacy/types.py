"""What a client asks for when somebody wants to know or to be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from crmkit.customers.types import Customer
from crmkit.engine.fields import ID, JSON, Ref
from crmkit.host.context import Event


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
