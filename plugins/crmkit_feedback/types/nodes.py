"""What a client sees of tickets, and beside customers, interactions and orders."""

from __future__ import annotations

from datetime import datetime

from crmkit import sdk
from crmkit_feedback import models, repository


@sdk.node(
    models.Ticket,
    list="tickets",
    read="feedback.ticket.read",
    order_by=models.Ticket.created_at.desc(),
)
class Ticket:
    """Something that a customer wants from us."""

    customer: sdk.Customer = sdk.to_one()
    """Who wants it."""
    channel: sdk.Channel = sdk.to_one()
    """How it came to us."""
    type: str
    priority: str
    urgency: int
    queue: str
    topic: str | None
    subject: str | None
    state: models.TicketState
    assignee: sdk.User | None = sdk.to_one()
    """The colleague who looks after it."""
    messages: sdk.Connection[TicketMessage] = sdk.to_many(
        models.Message.ticket_id, order_by=models.Message.created_at
    )
    """What was said in it, the oldest first."""
    changes: sdk.Connection[TicketChange] = sdk.to_many(
        models.Change.ticket_id, order_by=models.Change.created_at
    )
    """From where to where it went, the oldest first."""
    solves: sdk.Connection[TicketSolve] = sdk.to_many(
        models.Solve.ticket_id, order_by=models.Solve.created_at.desc()
    )
    """When it was solved and how that was liked, the newest first."""
    asked_at: datetime | None
    told_at: datetime | None
    first_responded_at: datetime | None
    first_response_seconds: int | None
    solved_at: datetime | None
    resolution_seconds: int | None
    reopenings: int
    closed_at: datetime | None
    cause: sdk.Node | None = sdk.cause(models.Ticket.cause_id)
    """What led to it: an order, an interaction, a bad rating, whatever has an id."""
    follows: Ticket | None = sdk.to_one(models.Ticket.follows_id)
    """The closed ticket that it continues."""
    followed_by: sdk.Connection[Ticket] = sdk.to_many(models.Ticket.follows_id)
    """The tickets that continue this one after its end."""


def _wanted(
    subject: str | None,
    type: str,
    *,
    locale: str | None = None,
    organisation: sdk.Organisation,
) -> str:
    """What it is about, or at least what kind of thing it is."""
    words = {"en": "Ticket: {}", "de": "Ticket: {}", "zh": "工单：{}"}
    return sdk.phrase(words, locale, organisation.locale).format(subject or type)


summary = sdk.computed(_wanted, models.Ticket.subject, models.Ticket.type)
"""A ticket in a line."""


@sdk.node(
    models.Message,
    list="ticketMessages",
    read="feedback.message.read",
    order_by=models.Message.created_at.desc(),
)
class TicketMessage:
    """Something that was said in a ticket; it never changes."""

    ticket: Ticket = sdk.to_one()
    """Where it was said."""
    author: models.TicketAuthor
    audience: models.TicketAudience
    actor: str
    body: str | None = sdk.side(models.MessageContent.body)


@sdk.node(models.Change, read="feedback.ticket.read")
class TicketChange:
    """A step of a ticket from state to state; it never changes."""

    ticket: Ticket = sdk.to_one()
    """Whose step it was."""
    from_state: models.TicketState | None
    to_state: models.TicketState
    actor: str
    cause: sdk.Node | None = sdk.cause(models.Change.cause_id)
    """What led to it, such as a bad rating."""


@sdk.node(
    models.Solve,
    list="ticketSolves",
    read="feedback.ticket.read",
    order_by=models.Solve.created_at.desc(),
)
class TicketSolve:
    """A time at which a ticket was solved, to be rated once."""

    ticket: Ticket = sdk.to_one()
    """What was solved."""
    cause: sdk.Node | None = sdk.cause(models.Solve.ticket_id)
    """What led to it: the same ticket, so that chains lead through it."""
    assignee: sdk.User = sdk.to_one()
    """The colleague who looked after it then."""
    rateable_until: datetime
    rating_token: str | None = sdk.batch(
        repository.rating_tokens, permission="feedback.rating.invite"
    )
    score: int | None = sdk.side(models.Rating.score)
    rated_at: datetime | None = sdk.side(models.Rating.rated_at)
    comment: str | None = sdk.side(models.Rating.comment)


@sdk.extend(sdk.Customer)
class CustomerFeedback:
    """What feedback adds to a customer."""

    feedback_tickets: sdk.Connection[Ticket] = sdk.to_many(
        models.Ticket.customer_id, order_by=models.Ticket.created_at.desc()
    )
    """What the customer wanted from us, the newest first."""
    open_tickets: int = sdk.expression(repository.open_tickets, filterable=True)


@sdk.extend(sdk.Interaction)
class InteractionFeedback:
    """What feedback adds to an interaction."""

    feedback_tickets: sdk.Connection[Ticket] = sdk.to_many(
        models.Ticket.cause_id, order_by=models.Ticket.created_at.desc()
    )
    """The tickets that it led to."""


@sdk.extend("orders.Order")
class OrderFeedback:
    """What feedback adds to an order."""

    feedback_tickets: sdk.Connection[Ticket] = sdk.to_many(
        models.Ticket.cause_id, order_by=models.Ticket.created_at.desc()
    )
    """The tickets that it led to."""
