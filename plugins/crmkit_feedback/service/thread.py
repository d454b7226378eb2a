"""What is said in a ticket, with the customer and among ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_feedback import errors
from crmkit_feedback.config import Context
from crmkit_feedback.models import Ticket as TicketRow
from crmkit_feedback.models import TicketAudience, TicketAuthor, TicketState
from crmkit_feedback.service.opening import say
from crmkit_feedback.service.steps import hear, locked, move, seconds
from crmkit_feedback.types import NoteOnTicket, ReplyToTicket, SaidInTicket, Ticket, TicketMessage

if TYPE_CHECKING:
    from crmkit_feedback.repository import Standing


@sdk.mutation(permission="feedback.ticket.reply")
async def reply_to_ticket(context: Context, input: ReplyToTicket) -> SaidInTicket:
    """Add what the customer says, or is told; the customer's word reopens what was solved."""
    ticket = await locked(context, input.ticket_id)
    if input.author is TicketAuthor.CUSTOMER:
        return _said(context, hear(context, ticket), input.author, input.body)
    _tell(context, ticket)
    return _said(context, ticket.id, input.author, input.body)


@sdk.mutation(permission="feedback.ticket.note")
async def note_on_ticket(context: Context, input: NoteOnTicket) -> SaidInTicket:
    """Add what we say among ourselves; the customer is not told, and it changes nothing else."""
    staff, internal = TicketAuthor.STAFF, TicketAudience.INTERNAL
    return _said(context, input.ticket_id, staff, input.body, internal)


def _tell(context: Context, ticket: Standing) -> None:
    """Takes notice that the customer has heard from us."""
    if ticket.state is TicketState.CLOSED:
        raise errors.TicketClosed
    now = context.clock.now()
    said: dict[Any, Any] = {TicketRow.told_at: now}
    if ticket.asked_at is not None and ticket.first_responded_at is None:
        said[TicketRow.first_responded_at] = now
        said[TicketRow.first_response_seconds] = seconds(ticket.asked_at, now)
    if ticket.state is TicketState.NEW:
        move(context, ticket, TicketState.OPEN, said)
    else:
        context.write.change(TicketRow, ticket.id, set=said)


def _said(
    context: Context,
    ticket_id: str,
    author: TicketAuthor,
    body: str,
    audience: TicketAudience = TicketAudience.PUBLIC,
) -> SaidInTicket:
    message_id = say(context, ticket_id, author, body, audience)
    return SaidInTicket(
        message=sdk.ref(TicketMessage, message_id), ticket=sdk.ref(Ticket, ticket_id)
    )
