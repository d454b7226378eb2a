"""The statements of feedback."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

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
    waiting = await context.read(_waiting(solve_ids, context.clock.now()))
    return {
        solve_id: context.sign(solve_id, purpose=RATING, until=until) for solve_id, until in waiting
    }


async def standing(context: Context, ticket_id: str) -> Standing | None:
    """Reads a ticket in order to change it; nobody else does before the unit ends."""
    found = await context.rules(_standing(ticket_id))
    return Standing(*found[0]) if found else None


async def ticket_of(context: Context, solve_id: str) -> str | None:
    """Which ticket was solved then."""
    found = await context.rules(_solved(solve_id))
    return found[0][0] if found else None


@dataclass(frozen=True)
class Channel:
    """Where a ticket comes from."""

    id: str
    is_retired: bool


async def channels(context: Context, keys: Collection[str]) -> Mapping[str, Channel]:
    """The channels of these keys, retired ones too."""
    named = await context.rules(_channels(keys))
    return {key: Channel(id_, bool(at)) for key, id_, at in named}


async def inactive(context: Context, user_ids: Collection[str]) -> set[str]:
    """Which of these colleagues do not work here any more."""
    if not user_ids:
        return set()
    return {user_id for (user_id,) in await context.rules(_gone(user_ids))}


async def is_rated(context: Context, solve_id: str) -> bool:
    """Says whether the customer has rated this solution."""
    return bool(await context.rules(_rated(solve_id)))


@sdk.statement
def _waiting(solve_ids: Collection[str], now: datetime) -> Select[str, datetime]:
    rated = exists().where(Rating.solve_id == Solve.id)
    return select(Solve.id, Solve.rateable_until).where(
        Solve.id.in_(solve_ids), Solve.rateable_until > now, ~rated
    )


@sdk.statement
def _standing(ticket_id: str) -> Select[*tuple[Any, ...]]:
    return select(*_STANDING).where(Ticket.id == ticket_id).with_for_update()


@sdk.statement
def _solved(solve_id: str) -> Select[str]:
    return select(Solve.ticket_id).where(Solve.id == solve_id)


@sdk.statement
def _channels(keys: Collection[str]) -> Select[str, str, datetime | None]:
    row = sdk.rows.Channel
    return select(row.key, row.id, row.retired_at).where(row.key.in_(keys))


@sdk.statement
def _gone(user_ids: Collection[str]) -> Select[str]:
    row = sdk.rows.User
    return select(row.id).where(row.id.in_(user_ids), ~row.active)


@sdk.statement
def _rated(solve_id: str) -> Select[str]:
    return select(Rating.solve_id).where(Rating.solve_id == solve_id)
