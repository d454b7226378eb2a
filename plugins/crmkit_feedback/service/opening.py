"""Tickets come: customers turn to us, or go on where a closed ticket ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_feedback import errors, repository
from crmkit_feedback.config import Context
from crmkit_feedback.models import (
    Change,
    Message,
    MessageContent,
    TicketAudience,
    TicketAuthor,
    TicketState,
)
from crmkit_feedback.models import Ticket as TicketRow
from crmkit_feedback.types import OpenedTicket, OpenTicket, Ticket, TicketsOpened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from crmkit_feedback.repository import Channel, Standing

_SORTED_BY = ("type", "priority", "queue", "topic")


@sdk.mutation(permission="feedback.ticket.open", bulk="openTickets")
async def open_tickets(
    context: Context, drafts: Sequence[sdk.Draft[OpenTicket, TicketRow]]
) -> Sequence[OpenedTicket]:
    """Open a ticket for what a customer wants, with what was said first."""
    channels = await repository.channels(context, {each.input.channel for each in drafts})
    now = context.clock.now()
    for draft in drafts:
        draft.becomes(_row(context, draft.input, channels.get(draft.input.channel), now))
    await _check(context, drafts, channels)
    if not context.refusals:
        add(context, [draft.row for draft in drafts])
        for draft in drafts:
            say(context, draft.row.id, draft.input.author, draft.input.body)
    return [OpenedTicket(ticket=sdk.ref(Ticket, draft.row.id)) for draft in drafts]


def check_keys(context: Context, given: Mapping[str, str | None]) -> None:
    """Wants keys that the company has named.

    Raises:
        UnknownKey: It has not named one of them.
    """
    for field, key in given.items():
        known = context.config.known(field)
        if key is not None and known and key not in known:
            raise errors.UnknownKey(field, key, known)


def add(context: Context, tickets: Sequence[TicketRow]) -> None:
    """Adds new tickets with the state in which they begin, and tells of them."""
    context.write.add(*tickets)
    context.write.add(
        *[
            Change(ticket_id=each.id, to_state=each.state, actor=context.actor.id)
            for each in tickets
        ]
    )
    context.emit(TicketsOpened(tickets[0].id, tuple(each.id for each in tickets)))


def say(
    context: Context,
    ticket_id: str,
    author: TicketAuthor,
    body: str,
    audience: TicketAudience = TicketAudience.PUBLIC,
) -> str:
    """Adds what somebody says in a ticket, and returns the id of it."""
    message = Message(ticket_id=ticket_id, author=author, audience=audience, actor=context.actor.id)
    context.write.add(message)
    context.write.add(MessageContent(message_id=message.id, body=body))
    return message.id


def follow_up(context: Context, ticket: Standing, cause_id: str) -> str:
    """Opens a ticket that goes on where a closed one ended, and returns the id of it."""
    row = TicketRow(
        customer_id=ticket.customer_id,
        channel_id=ticket.channel_id,
        type=ticket.type,
        priority=ticket.priority,
        urgency=ticket.urgency,
        queue=ticket.queue,
        topic=ticket.topic,
        subject=ticket.subject,
        asked_at=context.clock.now(),
        cause_id=cause_id,
        follows_id=ticket.id,
    )
    add(context, [row])
    return row.id


async def _check(
    context: Context,
    drafts: Sequence[sdk.Draft[OpenTicket, TicketRow]],
    channels: Mapping[str, Channel],
) -> None:
    assignees = {id_ for each in drafts if (id_ := each.input.assignee_id)}
    gone = await repository.inactive(context, assignees)
    for draft in drafts:
        key = draft.input.channel
        if key not in channels:
            context.reject(draft, errors.UnknownKey("channel", key))
        elif channels[key].is_retired:
            context.reject(draft, sdk.Retired("channel", key, "channel"))
        if draft.input.assignee_id in gone:
            context.reject(draft, errors.AssigneeInactive())
        try:
            check_keys(context, {each: getattr(draft.input, each) for each in _SORTED_BY})
        except errors.UnknownKey as unknown:
            context.reject(draft, unknown)


def _row(context: Context, given: OpenTicket, channel: Channel | None, now: datetime) -> TicketRow:
    asked = given.author is TicketAuthor.CUSTOMER
    priority = given.priority or context.config.default_priority
    return TicketRow(
        customer_id=given.customer_id,
        channel_id=channel.id if channel else "",  # Rejected, and never written.
        type=given.type or context.config.default_type,
        priority=priority,
        urgency=context.config.priorities.get(priority, 0),
        queue=given.queue or context.config.default_queue,
        topic=given.topic,
        subject=given.subject,
        state=TicketState.OPEN if given.assignee_id else TicketState.NEW,
        assignee_id=given.assignee_id,
        asked_at=now if asked else None,
        told_at=None if asked else now,
        cause_id=given.cause_id,
    )
