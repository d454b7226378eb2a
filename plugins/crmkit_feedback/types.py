"""What a client sees of feedback."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_feedback import models, repository
from crmkit_feedback.config import BEST

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 20_000


@sdk.enum
class TicketWait(Enum):
    """For whom a ticket waits."""

    CUSTOMER = "customer"
    """The customer, who has to tell us something: it is pending."""
    THIRD_PARTY = "third_party"
    """Somebody else, such as a supplier: it is on hold."""


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


@dataclass(frozen=True)
class OpenTicket:
    """Something that a customer wants from us."""

    customer_id: sdk.Ref[sdk.Customer]
    """Who wants it."""
    channel: str
    """The key of the medium through which it came, such as email."""
    body: str
    """What was said first, in full."""
    author: models.TicketAuthor = models.TicketAuthor.CUSTOMER
    """Who said that."""
    subject: str | None = None
    """What it is about, in a line."""
    type: str | None = None
    """What it is, by its key; the company's usual type unless said."""
    priority: str | None = None
    """How urgent it is, by its key; as usual unless said."""
    queue: str | None = None
    """Where it waits for somebody, by its key; in the usual queue unless said."""
    topic: str | None = None
    """What it is about, by its key."""
    assignee_id: sdk.Ref[sdk.User] | None = None
    """The colleague who looks after it; nobody unless said."""
    cause_id: sdk.Ref[sdk.Node] | None = None
    """What led to it, a record of any kind."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            _faults_of_body(self.body),
            sdk.checks.of_length("subject", self.subject),
            sdk.checks.key("topic", self.topic),
        )


@dataclass(frozen=True)
class OpenedTicket:
    """The ticket, opened."""

    ticket: Ticket
    """It, as it stands now."""


@dataclass(frozen=True)
class ReplyToTicket:
    """Something that the customer says, or is told."""

    ticket_id: sdk.Ref[Ticket]
    """In which ticket."""
    body: str
    """What is said, in full."""
    author: models.TicketAuthor = models.TicketAuthor.STAFF
    """Who says it."""

    def __post_init__(self) -> None:
        sdk.checks.check(_faults_of_body(self.body))


@dataclass(frozen=True)
class NoteOnTicket:
    """Something that we say among ourselves."""

    ticket_id: sdk.Ref[Ticket]
    """On which ticket."""
    body: str
    """What is said, in full."""

    def __post_init__(self) -> None:
        sdk.checks.check(_faults_of_body(self.body))


@dataclass(frozen=True)
class SaidInTicket:
    """What was said, and where."""

    message: TicketMessage
    """It, as it was recorded."""
    ticket: Ticket
    """Where it stands: another ticket than was named if that one is closed."""


@dataclass(frozen=True)
class AssignTicket:
    """A ticket that somebody else looks after, or that waits elsewhere."""

    ticket_id: sdk.Ref[Ticket]
    """Which ticket."""
    assignee_id: sdk.Ref[sdk.User] | sdk.Unset | None = sdk.UNSET
    """The colleague who looks after it from now on; with null, nobody."""
    queue: str | sdk.Unset = sdk.UNSET
    """Where it waits from now on, by its key."""
    version: int | None = None
    """The version that was seen; a later one is not overwritten."""

    def __post_init__(self) -> None:
        sdk.checks.check(_nothing_said(self.assignee_id, self.queue, field="assigneeId"))


@dataclass(frozen=True)
class SortTicket:
    """A ticket that is something else than it seemed."""

    ticket_id: sdk.Ref[Ticket]
    """Which ticket."""
    type: str | sdk.Unset = sdk.UNSET
    """What it is, by its key."""
    priority: str | sdk.Unset = sdk.UNSET
    """How urgent it is, by its key."""
    topic: str | sdk.Unset | None = sdk.UNSET
    """What it is about, by its key."""
    version: int | None = None
    """The version that was seen; a later one is not overwritten."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            _nothing_said(self.type, self.priority, self.topic, field="type"),
            sdk.checks.key("topic", None if isinstance(self.topic, sdk.Unset) else self.topic),
        )


@dataclass(frozen=True)
class HoldTicket:
    """A ticket for which we can do nothing at the moment."""

    ticket_id: sdk.Ref[Ticket]
    """Which ticket."""
    wait_for: TicketWait
    """Who has to do something first."""


@dataclass(frozen=True)
class ResumeTicket:
    """A ticket for which we have to do something again."""

    ticket_id: sdk.Ref[Ticket]
    """Which ticket."""


@dataclass(frozen=True)
class CloseTicket:
    """A solved ticket that is over."""

    ticket_id: sdk.Ref[Ticket]
    """Which ticket."""


@dataclass(frozen=True)
class ChangedTicket:
    """The ticket, changed."""

    ticket: Ticket
    """It, as it stands now."""


@dataclass(frozen=True)
class SolveTicket:
    """A ticket for which all is done."""

    ticket_id: sdk.Ref[Ticket]
    """Which ticket."""


@dataclass(frozen=True)
class SolvedTicket:
    """The ticket, solved."""

    ticket: Ticket
    """It, as it stands now."""
    solve: TicketSolve
    """The solution, for the customer to rate."""


@dataclass(frozen=True)
class RateTicket:
    """How the customer liked a solution."""

    token: str
    """What stood in the link that the customer was sent."""
    score: int
    """From 1, bad, to 5, good."""
    comment: str | None = None
    """What the customer says to it."""

    def __post_init__(self) -> None:
        sdk.checks.check(
            _faults_of_score(self.score),
            sdk.checks.of_length("comment", self.comment, LONGEST),
        )


@dataclass(frozen=True)
class RatedTicket:
    """The solution, rated."""

    solve: TicketSolve
    """It, with what the customer said."""
    ticket: Ticket
    """Where it goes on: after a low score for a closed ticket, the one that follows it."""


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


def _faults_of_body(body: str) -> Iterator[sdk.Problem]:
    yield from sdk.checks.present("body", body)
    yield from sdk.checks.of_length("body", body, LONGEST)


def _faults_of_score(score: int) -> Iterator[sdk.Problem]:
    if not 1 <= score <= BEST:
        yield sdk.checks.fault("score", f"A score is from 1 to {BEST}.")


def _nothing_said(*given: object, field: str) -> Iterator[sdk.Problem]:
    if all(each is sdk.UNSET for each in given):
        yield sdk.checks.fault(field, "Say what changes.")
