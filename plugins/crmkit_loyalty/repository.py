"""The statements of loyalty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, case, exists, func, select
from sqlalchemy.orm import aliased

from crmkit import sdk
from crmkit_loyalty.models import QUALIFYING, Account, Entry, EntryKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crmkit_loyalty.config import Context


_REVERSAL = aliased(Entry)


async def tiers_of(context: Context, customer_ids: Sequence[str]) -> Mapping[str, str]:
    """The highest tier that the earned points reach, by its key."""
    rising = sorted(context.config.tiers.items(), key=lambda tier: tier[1])
    earned = select(Account.customer_id, Account.earned).where(
        Account.customer_id.in_(customer_ids)
    )
    tiers = {}
    for customer_id, points in await context.read(earned):
        reached = [tier for tier, threshold in rising if points >= threshold]
        if reached:
            tiers[customer_id] = reached[-1]
    return tiers


@sdk.statement
def earned_by(cause_ids: Sequence[str]) -> Select[str, str, int, str | None]:
    """The entries that these causes earned and that nobody has taken back."""
    return (
        select(Entry.id, Entry.customer_id, Entry.points, Entry.cause_id)
        .where(Entry.cause_id.in_(cause_ids), Entry.kind == EntryKind.EARN)
        .where(~exists().where(_REVERSAL.reverses_id == Entry.id))
        .order_by(Entry.id)
    )


@sdk.statement
def balances(customer_ids: Collection[str]) -> Select[str, int]:
    """What these customers have, held so that nobody spends it before the unit ends."""
    return (
        select(Account.customer_id, Account.balance)
        .where(Account.customer_id.in_(customer_ids))
        .order_by(Account.customer_id)
        .with_for_update()
    )


def customer_count() -> Select[int]:
    """How many customers there are, deleted ones as well."""
    return select(func.count()).select_from(sdk.rows.Customer)


def sums(after: str, limit: int) -> Select[str, int, int, int, int]:
    """What the next customers have, and what their entries say they should have."""
    # From the customers on, so that entries without an account are found as well.
    customers = (
        select(sdk.rows.Customer.id)
        .where(sdk.rows.Customer.id > after)
        .order_by(sdk.rows.Customer.id)
        .limit(limit)
        .subquery()
    )
    qualifying = case((Entry.kind.in_(QUALIFYING), Entry.points), else_=0)
    return (
        select(
            customers.c.id,
            func.coalesce(Account.balance, 0),
            func.coalesce(func.sum(Entry.points), 0),
            func.coalesce(Account.earned, 0),
            func.coalesce(func.sum(qualifying), 0),
        )
        .select_from(customers)
        .outerjoin(Account, Account.customer_id == customers.c.id)
        .outerjoin(Entry, Entry.customer_id == customers.c.id)
        .group_by(customers.c.id, Account.balance, Account.earned)
        .order_by(customers.c.id)
    )
