"""What we do with a ticket: give it to somebody, wait, solve it, close it."""

from __future__ import annotations

from typing import Any

from crmkit import sdk
from crmkit_feedback import errors, repository
from crmkit_feedback.config import Context
from crmkit_feedback.models import Solve, TicketState
from crmkit_feedback.models import Ticket as TicketRow
from crmkit_feedback.service.opening import check_keys
from crmkit_feedback.service.steps import living, locked, move
from crmkit_feedback.types import (
    AssignTicket,
    ChangedTicket,
    CloseTicket,
    HoldTicket,
    ResumeTicket,
    SolvedTicket,
    SolveTicket,
    SortTicket,
    Ticket,
    TicketSolve,
    TicketSolved,
    TicketWait,
)

_WAITS = {
    TicketWait.CUSTOMER: TicketState.PENDING,
    TicketWait.THIRD_PARTY: TicketState.ON_HOLD,
}


@sdk.mutation(permission="feedback.ticket.assign")
async def assign_ticket(context: Context, input: AssignTicket) -> ChangedTicket:
    """Give a ticket to a colleague, or into another queue; a new one is open from then on."""
    ticket = await living(context, input.ticket_id)
    said: dict[Any, Any] = {}
    if not isinstance(input.queue, sdk.Unset):
        check_keys(context, {"queue": input.queue})
        said[TicketRow.queue] = input.queue
    if not isinstance(input.assignee_id, sdk.Unset):
        await _check_assignee(context, input.assignee_id, ticket.state)
        said[TicketRow.assignee_id] = input.assignee_id
    if ticket.state is TicketState.NEW and input.assignee_id:
        move(context, ticket, TicketState.OPEN, said, version=input.version)
    else:
        context.write.change(TicketRow, ticket.id, set=said, expect_version=input.version)
    return _changed(ticket.id)


@sdk.mutation(permission="feedback.ticket.sort")
async def sort_ticket(context: Context, input: SortTicket) -> ChangedTicket:
    """Say what a ticket is, how urgent it is, and what it is about."""
    ticket = await living(context, input.ticket_id)
    given: dict[str, str | None] = {
        field: key
        for field, key in (
            ("type", input.type),
            ("priority", input.priority),
            ("topic", input.topic),
        )
        if not isinstance(key, sdk.Unset)
    }
    check_keys(context, given)
    said: dict[Any, Any] = {getattr(TicketRow, field): key for field, key in given.items()}
    if not isinstance(input.priority, sdk.Unset):
        said[TicketRow.urgency] = context.config.priorities[input.priority]
    context.write.change(TicketRow, ticket.id, set=said, expect_version=input.version)
    return _changed(ticket.id)


@sdk.mutation(permission="feedback.ticket.hold")
async def hold_ticket(context: Context, input: HoldTicket) -> ChangedTicket:
    """Let a ticket wait for the customer, or for somebody else."""
    ticket = await locked(context, input.ticket_id)
    move(context, ticket, _WAITS[input.wait_for])
    return _changed(ticket.id)


@sdk.mutation(permission="feedback.ticket.hold")
async def resume_ticket(context: Context, input: ResumeTicket) -> ChangedTicket:
    """Take a ticket up again that waited, or that was not really solved."""
    ticket = await locked(context, input.ticket_id)
    move(context, ticket, TicketState.OPEN)
    return _changed(ticket.id)


@sdk.mutation(permission="feedback.ticket.solve")
async def solve_ticket(context: Context, input: SolveTicket) -> SolvedTicket:
    """Say that all is done for a ticket, which somebody has to answer for."""
    ticket = await locked(context, input.ticket_id)
    if ticket.assignee_id is None:
        raise errors.NeedsAssignee
    move(context, ticket, TicketState.SOLVED)
    until = context.clock.now() + context.config.rating_time
    solve = Solve(ticket_id=ticket.id, assignee_id=ticket.assignee_id, rateable_until=until)
    context.write.add(solve)
    context.emit(TicketSolved(ticket.id, solve.id))
    return SolvedTicket(ticket=sdk.ref(Ticket, ticket.id), solve=sdk.ref(TicketSolve, solve.id))


@sdk.mutation(permission="feedback.ticket.close")
async def close_ticket(context: Context, input: CloseTicket) -> ChangedTicket:
    """End a solved ticket, after the customer has been told."""
    ticket = await locked(context, input.ticket_id)
    if ticket.state is TicketState.SOLVED and ticket.told_at is None:
        raise errors.CustomerNotTold
    move(context, ticket, TicketState.CLOSED)
    return _changed(ticket.id)


async def _check_assignee(context: Context, user_id: str | None, state: TicketState) -> None:
    if user_id is None and state is TicketState.SOLVED:
        raise errors.NeedsAssignee("assigneeId")
    if user_id is not None and await repository.inactive(context, {user_id}):
        raise errors.AssigneeInactive


def _changed(ticket_id: str) -> ChangedTicket:
    return ChangedTicket(ticket=sdk.ref(Ticket, ticket_id))
