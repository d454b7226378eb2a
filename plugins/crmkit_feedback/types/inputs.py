"""What a client says about tickets, and what it is told then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_feedback import models
from crmkit_feedback.config import BEST
from crmkit_feedback.types.nodes import Ticket, TicketMessage, TicketSolve

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


def _faults_of_body(body: str) -> Iterator[sdk.Problem]:
    yield from sdk.checks.present("body", body)
    yield from sdk.checks.of_length("body", body, LONGEST)


def _faults_of_score(score: int) -> Iterator[sdk.Problem]:
    if not 1 <= score <= BEST:
        yield sdk.checks.fault("score", f"A score is from 1 to {BEST}.")


def _nothing_said(*given: object, field: str) -> Iterator[sdk.Problem]:
    if all(each is sdk.UNSET for each in given):
        yield sdk.checks.fault(field, "Say what changes.")
