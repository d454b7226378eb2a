"""The one way in which a ticket changes, whoever asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_feedback import errors, repository
from crmkit_feedback.models import MOVES, Change, Ticket, TicketState
from crmkit_feedback.service.opening import follow_up
from crmkit_feedback.types import TicketClosed, TicketReopened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from crmkit_feedback.config import Context
    from crmkit_feedback.repository import Standing

_ANSWERED_BY_CUSTOMERS = (TicketState.PENDING, TicketState.SOLVED)
"""The states from which a word of the customer leads back to us."""


async def locked(context: Context, ticket_id: str) -> Standing:
    """Reads a ticket in order to change it.

    Raises:
        NotFound: There is none.
    """
    found = await repository.standing(context, ticket_id)
    if found is None:
        raise sdk.NotFound("There is no such ticket.", field="ticketId")
    return found


async def living(context: Context, ticket_id: str) -> Standing:
    """Reads a ticket in order to change it, which a closed one forbids.

    Raises:
        TicketClosed: It is over.
    """
    ticket = await locked(context, ticket_id)
    if ticket.state is TicketState.CLOSED:
        raise errors.TicketClosed
    return ticket


def move(
    context: Context,
    ticket: Standing,
    to: TicketState,
    said: Mapping[Any, Any] | None = None,
    *,
    cause_id: str | None = None,
    version: int | None = None,
) -> None:
    """Takes a ticket to another state, remembers it, and changes with it what is `said`.

    Raises:
        WrongState: Where it is, this state is not reached.
    """
    if to not in MOVES[ticket.state]:
        raise errors.WrongState(ticket.state.value, to.value)
    reopened = ticket.state is TicketState.SOLVED and to is TicketState.OPEN
    context.write.change(
        Ticket,
        ticket.id,
        set={Ticket.state: to, **_times(ticket, to, context.clock.now()), **(said or {})},
        add={Ticket.reopenings: 1} if reopened else None,
        expect_version=version,
    )
    step = Change(
        ticket_id=ticket.id,
        from_state=ticket.state,
        to_state=to,
        actor=context.actor.id,
        cause_id=cause_id,
    )
    context.write.add(step)
    if reopened:
        context.emit(TicketReopened(ticket.id))
    elif to is TicketState.CLOSED:
        context.emit(TicketClosed(ticket.id))


def hear(context: Context, ticket: Standing, cause_id: str | None = None) -> str:
    """Takes notice of a word of the customer, who waits from now on.

    Returns the id of the ticket in which it goes on: a closed one stays closed.
    """
    if ticket.state is TicketState.CLOSED:
        return follow_up(context, ticket, cause_id or ticket.id)
    said = {Ticket.told_at: None, Ticket.asked_at: ticket.asked_at or context.clock.now()}
    if ticket.state in _ANSWERED_BY_CUSTOMERS:
        move(context, ticket, TicketState.OPEN, said, cause_id=cause_id)
    else:
        context.write.change(Ticket, ticket.id, set=said)
    return ticket.id


def seconds(start: datetime, end: datetime) -> int:
    """How long it took, in whole seconds."""
    return int((end - start).total_seconds())


def _times(ticket: Standing, to: TicketState, now: datetime) -> Mapping[Any, Any]:
    """What follows for the times of a ticket from where it goes."""
    if to is TicketState.SOLVED:
        took = seconds(ticket.created_at, now)
        return {Ticket.solved_at: now, Ticket.resolution_seconds: took}
    if to is TicketState.CLOSED:
        return {Ticket.closed_at: now}
    return {Ticket.solved_at: None, Ticket.resolution_seconds: None}
