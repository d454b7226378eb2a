"""The statements of feedback."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Select, exists, func, select

from crmkit import sdk
from crmkit_feedback.models import UNSOLVED, Rating, Solve, Ticket, TicketState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crmkit_feedback.config import Context

RATING = "rating"
"""What the tokens of ratings are signed for."""


@dataclass(frozen=True)
class Standing:
    """What rules must know of a ticket."""

    id: str
    customer_id: str
    channel_id: str
    type: str
    priority: str
    urgency: int
    queue: str
    topic: str | None
    subject: str | None
    state: TicketState
    assignee_id: str | None
    created_at: datetime
    asked_at: datetime | None
    told_at: datetime | None
    first_responded_at: datetime | None


_STANDING = [getattr(Ticket, each) for each in Standing.__dataclass_fields__]


def open_tickets(customer: type[sdk.rows.Customer]) -> Select[int]:
    """How many of the customer's tickets are not solved."""
    return select(func.count()).where(Ticket.customer_id == customer.id, Ticket.state.in_(UNSOLVED))


async def rating_tokens(context: Context, solve_ids: Sequence[str]) -> Mapping[str, str]:
    """Lets the customer rate this solution, once and for some time; for the link that one sends.

    Nothing where it has been rated, or where the time is over.
    """
    rated = exists().where(Rating.solve_id == Solve.id)
    waiting = select(Solve.id, Solve.rateable_until).where(
        Solve.id.in_(solve_ids), Solve.rateable_until > context.clock.now(), ~rated
    )
    return {
        solve_id: context.sign(solve_id, purpose=RATING, until=until)
        for solve_id, until in await context.read(waiting)
    }


async def standing(context: Context, ticket_id: str) -> Standing | None:
    """Reads a ticket in order to change it; nobody else does before the unit ends."""
    wanted = select(*_STANDING).where(Ticket.id == ticket_id).with_for_update()
    found = await context.rules(wanted)
    return Standing(*found[0]) if found else None


async def ticket_of(context: Context, solve_id: str) -> str | None:
    """Which ticket was solved then."""
    found = await context.rules(select(Solve.ticket_id).where(Solve.id == solve_id))
    return found[0][0] if found else None


@dataclass(frozen=True)
class Channel:
    """Where a ticket comes from."""

    id: str
    is_retired: bool


async def channels(context: Context, keys: Collection[str]) -> Mapping[str, Channel]:
    """The channels of these keys, retired ones too."""
    row = sdk.rows.Channel
    named = select(row.key, row.id, row.retired_at).where(row.key.in_(sorted(keys)))
    return {key: Channel(id_, bool(at)) for key, id_, at in await context.rules(named)}


async def inactive(context: Context, user_ids: Collection[str]) -> set[str]:
    """Which of these colleagues do not work here any more."""
    if not user_ids:
        return set()
    row = sdk.rows.User
    gone = select(row.id).where(row.id.in_(sorted(user_ids)), ~row.active)
    return {user_id for (user_id,) in await context.rules(gone)}


async def is_rated(context: Context, solve_id: str) -> bool:
    """Says whether the customer has rated this solution."""
    rated = select(Rating.solve_id).where(Rating.solve_id == solve_id)
    return bool(await context.rules(rated))
