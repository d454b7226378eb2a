"""The statements of events and their deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, exists, select

from crmkit.store.inbox import Inbox
from crmkit.store.outbox import Delivery, DeliveryState, Outbox
from crmkit.store.ready import number, statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from crmkit.host.context import Context

_OPEN = (DeliveryState.PENDING, DeliveryState.DEAD)


@dataclass(frozen=True)
class Which:
    """Which deliveries are meant; what is not said leaves all."""

    event: int | None = None
    name: str | None = None
    handler: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def latest(after: int, limit: int) -> Select[int, datetime, str, str, bool]:
    """The events after this one; without one, the latest."""
    wanted = select(Outbox.seq, Outbox.at, Outbox.name, Outbox.record, Outbox.fanned_out)
    if after:
        return wanted.where(Outbox.seq > after).order_by(Outbox.seq).limit(limit)
    last = select(Outbox.seq).order_by(Outbox.seq.desc()).limit(limit).subquery()
    return wanted.where(Outbox.seq.in_(select(last.c.seq))).order_by(Outbox.seq)


def dead(which: Which, limit: int) -> Select[int, str, str, str, int, str | None]:
    """Deliveries that were given up."""
    columns = (Delivery.seq, Delivery.handler, Outbox.name, Delivery.record, Delivery.tries)
    wanted = select(*columns, Delivery.problem).join(Outbox, Outbox.seq == Delivery.event)
    is_dead = Delivery.state == DeliveryState.DEAD
    return wanted.where(is_dead, *_meant(which)).order_by(Delivery.seq).limit(limit)


def settled(which: Which, states: Sequence[DeliveryState], after: int, limit: int) -> Select[int]:
    """The next deliveries of these states that are meant."""
    wanted = select(Delivery.seq).join(Outbox, Outbox.seq == Delivery.event)
    fits = (Delivery.seq > after, Delivery.state.in_(states), *_meant(which))
    return wanted.where(*fits).order_by(Delivery.seq).limit(limit)


def send_again(context: Context[Any], seqs: Sequence[int]) -> None:
    """Has deliveries made once more, as if they never had been."""
    again = {
        Delivery.state: DeliveryState.PENDING,
        Delivery.tries: 0,
        Delivery.due: context.clock.now(),
        Delivery.leased_until: None,
        Delivery.problem: None,
    }
    context.write.update(Delivery, where=Delivery.seq.in_(seqs), set=again)


@statement
def old(before: datetime, limit: int) -> Select[int]:
    """The oldest events of before this moment that nobody has to be told of any more."""
    waits = exists().where(Delivery.event == Outbox.seq, Delivery.state.in_(_OPEN))
    wanted = select(Outbox.seq).where(Outbox.at < before, Outbox.fanned_out, ~waits)
    return wanted.order_by(Outbox.seq).limit(number(limit))


def forget(context: Context[Any], seqs: Sequence[int]) -> None:
    """Deletes events with their deliveries."""
    if seqs:
        context.write.delete(Delivery, where=Delivery.event.in_(seqs))
        context.write.delete(Outbox, where=Outbox.seq.in_(seqs))


def forget_keys(context: Context[Any], before: datetime) -> None:
    """Deletes the keys of what was done once before this moment."""
    context.write.delete(Inbox, where=Inbox.at < before)


def _meant(which: Which) -> list[ColumnElement[bool]]:
    said = {
        Delivery.event: which.event,
        Outbox.name: which.name,
        Delivery.handler: which.handler,
    }
    found: list[ColumnElement[bool]] = [
        column == value for column, value in said.items() if value is not None
    ]
    if which.since is not None:
        found.append(Outbox.at >= which.since)
    if which.until is not None:
        found.append(Outbox.at < which.until)
    return [and_(*found)] if found else []
