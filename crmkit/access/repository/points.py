"""The statements of budgets of points, which all servers share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from crmkit.access.models import PointBudget
from crmkit.store.database import table_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from crmkit.store.drivers import Database, Transaction

table = table_of(PointBudget)


@dataclass(frozen=True)
class Rate:
    """As many points as a full budget holds, which is what comes back in a minute."""

    a_minute: int

    def time_of(self, points: float) -> timedelta:
        """How long it takes for these points to come back."""
        return timedelta(minutes=points / self.a_minute)

    def points_of(self, time: timedelta) -> float:
        """How many points come back in this time."""
        return time / timedelta(minutes=1) * self.a_minute


@dataclass(frozen=True)
class Taken:
    """The points that were there to be taken, and how long one more takes to come back."""

    points: int
    wait: timedelta


def drawn(
    full_at: datetime, wanted: int, rate: Rate, now: datetime, back: int = 0
) -> tuple[Taken, datetime]:
    """What can be taken of a budget, given some back, and when it is full after that."""
    full_at = max(now, full_at - rate.time_of(back))
    there = rate.a_minute - rate.points_of(full_at - now)
    # A moment has whole microseconds, so that a point may seem not quite to have come back.
    points = max(0, min(wanted, int(there + 1e-3)))
    wait = rate.time_of(max(0.0, points + 1 - there))
    return Taken(points, wait), full_at + rate.time_of(points)


async def take(
    database: Database, name: str, wanted: int, rate: Rate, now: datetime, *, back: int = 0
) -> Taken:
    """Gives points back and takes some, as many as there are, at once for all servers."""
    async with database.transaction() as transaction:
        held = await _held(transaction, name, now)
        taken, full_at = drawn(held, wanted, rate, now, back)
        changed = update(table).where(table.c.name == name)
        await transaction.run(changed.values(full_at=full_at))
    return taken


def full(now: datetime) -> ColumnElement[bool]:
    """Budgets that say no more than their absence would."""
    return PointBudget.full_at <= now


async def _held(transaction: Transaction, name: str, now: datetime) -> datetime:
    """Locks a budget, a full one if there was none."""
    insert = postgresql.insert if transaction.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(table).values(name=name, full_at=now).on_conflict_do_nothing()
    await transaction.run(fresh)
    wanted = select(table.c.full_at).where(table.c.name == name).with_for_update()
    full_at: datetime
    [(full_at,)] = await transaction.fetch(wanted)
    return full_at
