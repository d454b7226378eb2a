"""What other plugins may know of feedback, and do with tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit_feedback import repository
from crmkit_feedback.models import Solve as SolveRow
from crmkit_feedback.models import Ticket as TicketRow
from crmkit_feedback.models import TicketAuthor, TicketState
from crmkit_feedback.service import note_on_ticket, open_tickets, reply_to_ticket
from crmkit_feedback.types import (
    NoteOnTicket,
    OpenTicket,
    ReplyToTicket,
    Ticket,
    TicketClosed,
    TicketRated,
    TicketReopened,
    TicketSolved,
    TicketsOpened,
)

if TYPE_CHECKING:
    from crmkit import sdk

__all__ = [
    "NoteOnTicket",
    "OpenTicket",
    "ReplyToTicket",
    "SolveRow",
    "Ticket",
    "TicketAuthor",
    "TicketClosed",
    "TicketRated",
    "TicketReopened",
    "TicketRow",
    "TicketSolved",
    "TicketState",
    "TicketsOpened",
    "note_on_ticket",
    "open_tickets",
    "rating_token",
    "reply_to_ticket",
]


async def rating_token(context: sdk.Context[Any], solve_id: str) -> str | None:
    """What goes into the link by which the customer rates a solution, while it can be rated."""
    tokens = await repository.rating_tokens(context.bound("feedback"), [solve_id])
    return tokens.get(solve_id)
