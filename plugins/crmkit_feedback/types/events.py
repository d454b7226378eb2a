"""What handlers are told of tickets after the commit."""

from __future__ import annotations

from dataclasses import dataclass

from crmkit import sdk


@dataclass(frozen=True)
class TicketsOpened(sdk.Event):
    """Customers want something from us."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class TicketSolved(sdk.Event):
    """A ticket was solved, and the customer can be asked to rate that."""

    solve_id: str


@dataclass(frozen=True)
class TicketReopened(sdk.Event):
    """A solved ticket was taken up again."""


@dataclass(frozen=True)
class TicketClosed(sdk.Event):
    """A ticket is over."""


@dataclass(frozen=True)
class TicketRated(sdk.Event):
    """A customer said how the solution of a ticket was."""

    solve_id: str
    score: int
