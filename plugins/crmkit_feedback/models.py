"""Tables: tickets, what was said in them, what became of them, and how that was liked."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, Integer, Text
from sqlalchemy.orm import Mapped

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Mapping


@sdk.enum
class TicketState(Enum):
    """How far a ticket has come."""

    NEW = "new"
    """Nobody has looked at it."""
    OPEN = "open"
    """We have to do something."""
    PENDING = "pending"
    """We wait for the customer."""
    ON_HOLD = "on_hold"
    """We wait for somebody else."""
    SOLVED = "solved"
    """We think that all is done; the customer may see it differently."""
    CLOSED = "closed"
    """It is over; what comes after it is another ticket."""


UNSOLVED = (TicketState.NEW, TicketState.OPEN, TicketState.PENDING, TicketState.ON_HOLD)

MOVES: Mapping[TicketState, frozenset[TicketState]] = {
    TicketState.NEW: frozenset({TicketState.OPEN}),
    TicketState.OPEN: frozenset({TicketState.PENDING, TicketState.ON_HOLD, TicketState.SOLVED}),
    TicketState.PENDING: frozenset({TicketState.OPEN, TicketState.ON_HOLD, TicketState.SOLVED}),
    TicketState.ON_HOLD: frozenset({TicketState.OPEN, TicketState.PENDING, TicketState.SOLVED}),
    TicketState.SOLVED: frozenset({TicketState.OPEN, TicketState.CLOSED}),
    TicketState.CLOSED: frozenset(),
}
"""Where each state leads."""


@sdk.enum
class TicketAuthor(Enum):
    """Who says something in a ticket."""

    CUSTOMER = "customer"
    """The customer, whoever has typed it in."""
    STAFF = "staff"
    """One of us."""


@sdk.enum
class TicketAudience(Enum):
    """Who is meant to read something in a ticket."""

    PUBLIC = "public"
    """The customer too."""
    INTERNAL = "internal"
    """Only us."""


class Ticket(sdk.Versioned):
    """Something that a customer wants from us."""

    __tablename__ = "feedback_ticket"
    # The first few of each customer, newest first, without sorting the others.
    __table_args__ = (Index("ix_feedback_ticket_customer_id", "customer_id", "created_at", "id"),)

    customer_id: Mapped[str] = sdk.column(ForeignKey("customer.id"), doc="Who wants it.")
    channel_id: Mapped[str] = sdk.column(ForeignKey("channel.id"), doc="How it came to us.")
    type: Mapped[str] = sdk.column(
        sdk.Code, personal=False, filterable=True, groupable=True, doc="What it is, by its key."
    )
    priority: Mapped[str] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        groupable=True,
        doc="How urgent it is, by its key.",
    )
    # The number beside the key, so that urgent ones come first from an index.
    urgency: Mapped[int] = sdk.column(
        Integer, filterable=True, doc="How urgent it is, as a number to sort by."
    )
    queue: Mapped[str] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        groupable=True,
        doc="Where it waits for somebody, by its key.",
    )
    topic: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        groupable=True,
        default=None,
        doc="What it is about, by its key.",
    )
    subject: Mapped[str | None] = sdk.column(
        Text, personal=True, filterable=True, default=None, doc="What it is about, in a line."
    )
    state: Mapped[TicketState] = sdk.column(
        sdk.Choice(TicketState),
        filterable=True,
        default=TicketState.NEW,
        doc="How far it has come.",
    )
    assignee_id: Mapped[str | None] = sdk.column(
        ForeignKey("app_user.id"), default=None, doc="The colleague who looks after it."
    )
    asked_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, filterable=True, default=None, doc="When the customer first spoke in it."
    )
    told_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime,
        filterable=True,
        default=None,
        doc="When we last told the customer something; nothing while the customer waits for it.",
    )
    first_responded_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime,
        filterable=True,
        default=None,
        doc="When the customer first heard from us after having asked.",
    )
    first_response_seconds: Mapped[int | None] = sdk.column(
        Integer, filterable=True, default=None, doc="How long the customer waited for that."
    )
    solved_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime,
        filterable=True,
        default=None,
        doc="When it was solved, unless it has been taken up again.",
    )
    resolution_seconds: Mapped[int | None] = sdk.column(
        Integer, filterable=True, default=None, doc="How long that took from the beginning."
    )
    reopenings: Mapped[int] = sdk.column(
        Integer, default=0, filterable=True, doc="How often it was taken up again when solved."
    )
    closed_at: Mapped[datetime | None] = sdk.column(
        sdk.UtcDateTime, filterable=True, default=None, doc="When it was over."
    )
    cause_id: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What led to it, a record of any kind.",
    )
    follows_id: Mapped[str | None] = sdk.column(
        ForeignKey("feedback_ticket.id"), default=None, doc="The closed ticket that it continues."
    )


class Message(sdk.Record):
    """Something that was said in a ticket; it never changes."""

    __tablename__ = "feedback_message"
    __append_only__ = True
    __table_args__ = (Index("ix_feedback_message_ticket_id", "ticket_id", "created_at", "id"),)

    ticket_id: Mapped[str] = sdk.column(ForeignKey("feedback_ticket.id"), doc="Where it was said.")
    author: Mapped[TicketAuthor] = sdk.column(
        sdk.Choice(TicketAuthor), filterable=True, doc="Who said it."
    )
    audience: Mapped[TicketAudience] = sdk.column(
        sdk.Choice(TicketAudience), filterable=True, doc="Who is meant to read it."
    )
    actor: Mapped[str] = sdk.column(
        sdk.Code, personal=False, filterable=True, doc="Who recorded it."
    )


class MessageContent(sdk.Base):
    """What was said, apart: a message never changes, but erasing a person empties this."""

    __tablename__ = "feedback_message_content"

    message_id: Mapped[str] = sdk.column(
        ForeignKey("feedback_message.id"), primary_key=True, doc="The message that says it."
    )
    body: Mapped[str | None] = sdk.column(
        Text, personal=True, default=None, doc="What was said, in full."
    )


class Change(sdk.Record):
    """A step of a ticket from state to state; it never changes."""

    __tablename__ = "feedback_change"
    __append_only__ = True
    __table_args__ = (Index("ix_feedback_change_ticket_id", "ticket_id", "created_at", "id"),)

    ticket_id: Mapped[str] = sdk.column(ForeignKey("feedback_ticket.id"), doc="Whose step it was.")
    from_state: Mapped[TicketState | None] = sdk.column(
        sdk.Choice(TicketState),
        default=None,
        doc="The state that it left; none where it began.",
    )
    to_state: Mapped[TicketState] = sdk.column(
        sdk.Choice(TicketState), filterable=True, doc="The state that it reached."
    )
    actor: Mapped[str] = sdk.column(sdk.Code, personal=False, filterable=True, doc="Who did it.")
    cause_id: Mapped[str | None] = sdk.column(
        sdk.Code,
        personal=False,
        filterable=True,
        default=None,
        doc="What led to it, a record of any kind.",
    )


class Solve(sdk.Record):
    """A time at which a ticket was solved, to be rated once; it never changes."""

    __tablename__ = "feedback_solve"
    __append_only__ = True
    __table_args__ = (Index("ix_feedback_solve_ticket_id", "ticket_id", "created_at", "id"),)

    ticket_id: Mapped[str] = sdk.column(ForeignKey("feedback_ticket.id"), doc="What was solved.")
    assignee_id: Mapped[str] = sdk.column(
        ForeignKey("app_user.id"), doc="The colleague who looked after it then."
    )
    rateable_until: Mapped[datetime] = sdk.column(
        sdk.UtcDateTime, filterable=True, doc="Until when the customer can rate it."
    )


class Rating(sdk.Base):
    """How the customer liked a solution; not there until the customer says."""

    __tablename__ = "feedback_rating"

    # As the key it is unique: however often a link is clicked, one rating counts.
    solve_id: Mapped[str] = sdk.column(
        ForeignKey("feedback_solve.id"), primary_key=True, doc="The solution that is rated."
    )
    score: Mapped[int] = sdk.column(
        Integer, filterable=True, doc="From 1, bad, to 5, good; nothing until the customer says."
    )
    rated_at: Mapped[datetime] = sdk.column(
        sdk.UtcDateTime, filterable=True, doc="When the customer said so."
    )
    comment: Mapped[str | None] = sdk.column(
        Text, personal=True, default=None, doc="What the customer said to it."
    )
