"""What a client asks for when customers are related, or no longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from crmkit.customers.types.nodes import Customer, CustomerRelation
from crmkit.engine.fields import Ref
from crmkit.values import checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.values.errors import Problem


@dataclass(frozen=True)
class RelateCustomer:
    """How one customer is related to another."""

    from_id: Ref[Customer]
    """Who is related; of a person and an organisation, the person."""
    to_id: Ref[Customer]
    """To whom; of a person and an organisation, the organisation."""
    role: str
    """What the first is to the second, by its key, such as employee."""
    since: date | None = None
    """The first day, if it is known."""
    until: date | None = None
    """The day it ended; that day is no part of it."""

    def __post_init__(self) -> None:
        checks.check(checks.key("role", self.role), _relation_faults(self))


@dataclass(frozen=True)
class RelatedCustomer:
    """The relation that was made."""

    relation: CustomerRelation
    """The new relation."""


@dataclass(frozen=True)
class EndRelation:
    """Which relation is over."""

    id: Ref[CustomerRelation]
    """Which one is meant."""
    until: date | None = None
    """The day it ended; today in the organisation's zone unless given."""
    version: int | None = None
    """The version you saw: if it has changed since, nothing happens."""


@dataclass(frozen=True)
class EndedRelation:
    """The relation that is over."""

    relation: CustomerRelation
    """The relation with its last day."""


def _relation_faults(given: RelateCustomer) -> Iterator[Problem]:
    if given.from_id == given.to_id:
        yield checks.fault("toId", "Nobody is related to themselves.")
    if given.since and given.until and given.until < given.since:
        yield checks.fault("until", "It cannot end before it began.")
