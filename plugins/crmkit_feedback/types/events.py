"""What handlers are told of tickets after the commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from crmkit import sdk
from crmkit_feedback.types.nodes import Ticket


@dataclass(frozen=True)
class TicketsOpened(sdk.Event):
    """Customers want something from us."""

    about: ClassVar[type | None] = Ticket

    ids: tuple[str, ...]


@dataclass(frozen=True)
class TicketSolved(sdk.Event):
    """A ticket was solved, and the customer can be asked to rate that."""

    about: ClassVar[type | None] = Ticket

    solve_id: str


@dataclass(frozen=True)
class TicketReopened(sdk.Event):
    """A solved ticket was taken up again."""

    about: ClassVar[type | None] = Ticket


@dataclass(frozen=True)
class TicketClosed(sdk.Event):
    """A ticket is over."""

    about: ClassVar[type | None] = Ticket


@dataclass(frozen=True)
class TicketRated(sdk.Event):
    """A customer said how the solution of a ticket was."""

    about: ClassVar[type | None] = Ticket

    solve_id: str
    score: int
