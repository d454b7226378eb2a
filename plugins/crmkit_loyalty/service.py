"""The rules of points: every change is an entry, and the account moves with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_loyalty import errors, repository
from crmkit_loyalty.config import MOST, Context
from crmkit_loyalty.models import QUALIFYING, Account, Entry, EntryKind, Remark
from crmkit_loyalty.types import (
    AdjustedPoints,
    AdjustPoints,
    LoyaltyEntry,
    RedeemedPoints,
    RedeemPoints,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from crmkit_orders.api import OrderRow, RecordOrder

_PAGE = 5_000


@dataclass(frozen=True)
class Sums:
    """What an account says, and what its entries say."""

    customer_id: str
    balance: int
    entries: int
    earned: int
    earning_entries: int

    @property
    def agree(self) -> bool:
        return (self.balance, self.earned) == (self.entries, self.earning_entries)

    def __str__(self) -> str:
        return (
            f"{self.customer_id} has {self.balance} points and its entries {self.entries}; "
            f"it earned {self.earned} points and its entries {self.earning_entries}."
        )


@dataclass(frozen=True)
class Verified:
    """Accounts that were looked at, the points on them, and those that are wrong."""

    count: int = 0
    points: int = 0
    wrong: tuple[Sums, ...] = ()

    def __add__(self, other: Verified) -> Verified:
        wrong = self.wrong + other.wrong
        return Verified(self.count + other.count, self.points + other.points, wrong)


@sdk.mutation(permission="loyalty.points.redeem")
async def redeem_points(context: Context, input: RedeemPoints) -> RedeemedPoints:
    """Spend points of a customer, who must have them."""
    entry = Entry(
        customer_id=input.customer_id,
        kind=EntryKind.REDEEM,
        points=-input.points,
        cause_id=input.cause_id,
    )
    _post(context, entry, input.reason)
    return RedeemedPoints(entry=sdk.ref(LoyaltyEntry, entry.id))


@sdk.mutation(permission="loyalty.points.adjust")
async def adjust_points(context: Context, input: AdjustPoints) -> AdjustedPoints:
    """Put the points of a customer right, never below zero; whoever does it says why."""
    entry = Entry(customer_id=input.customer_id, kind=EntryKind.ADJUST, points=input.points)
    _post(context, entry, input.reason)
    return AdjustedPoints(entry=sdk.ref(LoyaltyEntry, entry.id))


def earn(context: Context, drafts: Sequence[sdk.Draft[RecordOrder, OrderRow]]) -> None:
    """Adds the points of new orders, which the price alone decides."""
    # All that counts stands in the drafts: a read here would cost each order a transaction.
    config, earned = context.config, []
    for draft in drafts:
        order = draft.row
        points = config.points_for(sdk.Money(order.total_minor, order.currency))
        if points > MOST:
            context.reject(draft, errors.TooManyPoints(points))
        else:
            earned.append((order.customer_id, points, order.id))
    _grant_all(context, earned)


def welcome(context: Context, customer_ids: Sequence[str]) -> None:
    """Adds the points for becoming a customer, of which the customer is the cause."""
    points = context.config.welcome_points
    _grant_all(context, [(each, points, each) for each in customer_ids])


def grant(
    context: Context, customer_id: str, points: int, *, cause_id: str, reason: str | None = None
) -> None:
    """Adds points that a customer earned; of none there is no entry."""
    if points:
        entry = Entry(
            customer_id=customer_id, kind=EntryKind.EARN, points=points, cause_id=cause_id
        )
        _post(context, entry, reason)


def _grant_all(context: Context, earned: Sequence[tuple[str, int, str]]) -> None:
    """Adds what customers earned and by what cause, and moves each account once."""
    sums: Counter[str] = Counter()
    entries = []
    for customer_id, points, cause_id in earned:
        if points:
            kind = EntryKind.EARN
            entries.append(
                Entry(customer_id=customer_id, kind=kind, points=points, cause_id=cause_id)
            )
            sums[customer_id] += points
    context.write.add(*entries)
    for customer_id, points in sums.items():
        added = {Account.balance: points, Account.earned: points}
        context.write.change(Account, customer_id, add=added)


async def reverse(context: Context, cause_ids: Sequence[str]) -> None:
    """Takes back what these causes earned, whatever the rates are by now."""
    earned = await context.rules(repository.earned_by(cause_ids))
    owners = {customer_id for _, customer_id, _, _ in earned}
    forgiving = context.config.spent_points == "forgive"
    left = dict(await context.rules(repository.balances(owners))) if forgiving else {}
    for entry_id, customer_id, points, cause_id in earned:
        # What was spent meanwhile can only be forgiven, or owed.
        back = min(points, max(left[customer_id], 0)) if forgiving else points
        left[customer_id] = left.get(customer_id, 0) - back
        _post(
            context,
            Entry(
                customer_id=customer_id,
                kind=EntryKind.REVERSE,
                points=-back,
                cause_id=cause_id,
                reverses_id=entry_id,
            ),
        )


async def account_count(context: Context) -> int:
    """Counts the accounts that there are to verify."""
    [(count,)] = await context.rules(repository.customer_count())
    return count


async def verify(context: Context) -> AsyncIterator[Verified]:
    """Compares every account with the sum of its entries, some customers at a time."""
    after = ""
    while page := await context.rules(repository.sums(after, _PAGE)):
        sums = [Sums(*each) for each in page]
        yield Verified(
            len(sums),
            sum(each.balance for each in sums),
            tuple(each for each in sums if not each.agree),
        )
        after = sums[-1].customer_id


async def verified(context: Context) -> sdk.Verified:
    """The same of all accounts, in words."""
    found = Verified()
    async for part in verify(context):
        found += part
    sentence = f"{found.count:,} accounts hold {found.points:,} points, the sum of their entries."
    return sdk.Verified(sentence, [str(each) for each in found.wrong])


def _post(context: Context, entry: Entry, reason: str | None = None) -> None:
    """Adds an entry and moves the account with it; nobody spends what is not there."""
    context.write.add(entry)
    if reason and reason.strip():
        context.write.add(Remark(entry_id=entry.id, reason=reason))
    qualifying = {Account.earned: entry.points} if entry.kind in QUALIFYING else {}
    # What is taken back may lead into debt, what is spent may not.
    spends = entry.points < 0 and not qualifying
    context.write.change(
        Account,
        entry.customer_id,
        add={Account.balance: entry.points} | qualifying,
        at_least=0 if spends else None,
        otherwise=errors.InsufficientPoints(-entry.points) if spends else None,
    )
