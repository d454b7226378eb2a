"""What handlers are told of customers after the commit; one event a unit, ids in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crmkit.customers.types.nodes import Customer
from crmkit.host.events import Event


@dataclass(frozen=True)
class CustomersCreated(Event):
    """Customers are new."""

    about: ClassVar[type | None] = Customer

    ids: tuple[str, ...]


@dataclass(frozen=True)
class CustomersUpdated(Event):
    """Customers have changed, each in at least one of these fields."""

    about: ClassVar[type | None] = Customer

    ids: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True)
class CustomersDeleted(Event):
    """Customers have been deleted and can be restored."""

    about: ClassVar[type | None] = Customer

    ids: tuple[str, ...]


@dataclass(frozen=True)
class CustomersRestored(Event):
    """Deleted customers are back."""

    about: ClassVar[type | None] = Customer

    ids: tuple[str, ...]


@dataclass(frozen=True)
class CustomersMerged(Event):
    """Customers are what others were before, too, each in the place of its id.

    What belonged to the merged ones belongs to them; ids of the merged mean them for ever.
    """

    about: ClassVar[type | None] = Customer
    as_told: ClassVar[frozenset[str]] = frozenset({"merged_ids"})

    ids: tuple[str, ...]
    merged_ids: tuple[str, ...]


@dataclass(frozen=True)
class CustomersMoved(Event):
    """Customers stand on another stage, each in the place of its id: from, to, the stay begun."""

    about: ClassVar[type | None] = Customer

    ids: tuple[str, ...]
    from_stage_ids: tuple[str, ...]
    to_stage_ids: tuple[str, ...]
    stay_ids: tuple[str, ...] = ()
