"""Referrals end: what was given is taken back, or nothing was given yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_referrals import errors, repository
from crmkit_referrals.config import Context
from crmkit_referrals.models import COUNTED, Advocate, ReferralFault, ReferralState
from crmkit_referrals.models import Referral as ReferralRow
from crmkit_referrals.service.pairs import held_step
from crmkit_referrals.types import (
    Referral,
    ReferralsReversed,
    RejectedReferral,
    RejectReferral,
    ReversedReferral,
    ReverseReferral,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit_orders.api import OrdersRecorded, OrdersRefunded


async def orders_refunded(context: Context, events: Sequence[OrdersRefunded]) -> None:
    """Reverses the referrals that these orders qualified."""
    found = await context.rules(repository.caused_by(orders_of(events)))
    await _reverse(context, [(each[0], each[1]) for each in found])


def orders_of(events: Sequence[OrdersRecorded] | Sequence[OrdersRefunded]) -> list[str]:
    """The orders of which these events tell."""
    return [order_id for each in events for order_id in each.ids]


@sdk.mutation(permission="referrals.referral.decide")
async def reverse_referral(context: Context, input: ReverseReferral) -> ReversedReferral:
    """Let a referral count no longer, and take back what was given for it."""
    step = await held_step(context, input.referral_id, COUNTED)
    await _reverse(context, [(step.id, step.advocate_id)], input.note)
    return ReversedReferral(referral=sdk.ref(Referral, step.id))


@sdk.mutation(permission="referrals.referral.decide")
async def reject_referral(context: Context, input: RejectReferral) -> RejectedReferral:
    """Say that a referral does not count, before anything was given for it."""
    [(referral_id, _, _, state)] = await context.rules(repository.of_id(input.referral_id))
    if state not in (ReferralState.INVITED, ReferralState.REGISTERED):
        raise errors.WrongState(state)
    reject(context, referral_id, ReferralFault.REJECTED_BY_HAND, input.note)
    return RejectedReferral(referral=sdk.ref(Referral, referral_id))


async def revoke(context: Context, found: repository.Found, fault: ReferralFault) -> None:
    """Ends a referral that cannot have been one, and takes back what was given for it."""
    referral_id, advocate_id, _, state = found
    if state in COUNTED:
        await _reverse(context, [(referral_id, advocate_id)])
    reject(context, referral_id, fault)


async def _reverse(
    context: Context, found: Sequence[tuple[str, str]], note: str | None = None
) -> None:
    """Reverses counted referrals that are held, and says so."""
    if not found:
        return
    ids = [referral_id for referral_id, _ in found]
    if loyalty := context.neighbour("loyalty"):
        await loyalty.reverse(context, ids)
    for referral_id, advocate_id in found:
        _end(context, referral_id, {ReferralRow.state: ReferralState.REVERSED}, note)
        context.write.change(Advocate, advocate_id, add={Advocate.qualified: -1})
    context.emit(ReferralsReversed(ids[0], tuple(ids)))


def reject(
    context: Context, referral_id: str, fault: ReferralFault, note: str | None = None
) -> None:
    """Ends a referral that does not count, and notes why."""
    values = {ReferralRow.state: ReferralState.REJECTED, ReferralRow.fault: fault}
    _end(context, referral_id, values, note)


def _end(context: Context, referral_id: str, values: dict[Any, Any], note: str | None) -> None:
    values |= {ReferralRow.ended_at: context.clock.now(), ReferralRow.note: note}
    context.write.change(ReferralRow, referral_id, set=values)
