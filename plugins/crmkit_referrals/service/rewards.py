"""Referrals qualify when the friend buys, and both are rewarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_referrals import repository
from crmkit_referrals.config import Context
from crmkit_referrals.models import Advocate, ReferralFault, ReferralState
from crmkit_referrals.models import Referral as ReferralRow
from crmkit_referrals.service.ends import orders_of, reject
from crmkit_referrals.service.pairs import Step, everybody, held_step, is_one, places_of
from crmkit_referrals.types import (
    QualifiedReferral,
    QualifyReferral,
    Referral,
    ReferralsQualified,
    RewardedReferral,
    RewardReferral,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crmkit_orders.api import OrdersRecorded


async def orders_recorded(context: Context, events: Sequence[OrdersRecorded]) -> None:
    """Qualifies the referrals of whoever has bought for the first time."""
    orders = context.neighbour("orders")
    if orders is None:
        return
    kept = orders.OrderState.PLACED
    steps: dict[str, Step] = {}
    for referral_id, advocate_id, friend_id, _, order_id in await context.rules(
        repository.bought(orders_of(events), orders.OrderRow, kept)
    ):
        if friend_id is not None:
            steps.setdefault(referral_id, Step(referral_id, advocate_id, friend_id, order_id))
    await _qualify(context, list(steps.values()))


@sdk.mutation(permission="referrals.referral.decide")
async def qualify_referral(context: Context, input: QualifyReferral) -> QualifiedReferral:
    """Say that a friend did what the programme asks for."""
    step = await held_step(context, input.referral_id, (ReferralState.REGISTERED,), input.cause_id)
    await _qualify(context, [step])
    return QualifiedReferral(referral=sdk.ref(Referral, step.id))


@sdk.mutation(permission="referrals.referral.decide")
async def reward_referral(context: Context, input: RewardReferral) -> RewardedReferral:
    """Give both what they earned: as points where there are any, else it is only noted."""
    step = await held_step(context, input.referral_id, (ReferralState.QUALIFIED,))
    [(advocate_points, friend_points)] = await context.rules(repository.promised(step.id))
    _pay(context, step, advocate_points, friend_points)
    context.write.change(ReferralRow, step.id, set=_rewarded(context))
    return RewardedReferral(referral=sdk.ref(Referral, step.id))


async def _qualify(context: Context, steps: Sequence[Step]) -> None:
    """Judges registered referrals that are held, and rewards those that count."""
    if not steps:
        return
    # Held from here on, so that parallel qualifications count one after the other.
    held = await context.rules(repository.held({each.advocate_id for each in steps}))
    counts = {advocate_id: qualified for advocate_id, _, qualified in held}
    places = await places_of(context, everybody(steps))
    counted = []
    for each in steps:
        if fault := _fault(context, each, places, counts[each.advocate_id]):
            reject(context, each.id, fault)
        else:
            counts[each.advocate_id] += 1
            _count(context, each)
            counted.append(each.id)
    if counted:
        context.emit(ReferralsQualified(counted[0], tuple(counted)))


def _fault(
    context: Context, step: Step, places: Mapping[str, Collection[str]], count: int
) -> ReferralFault | None:
    """Why a referral does not count; addresses may have come since it was registered."""
    if is_one(places, step):
        return ReferralFault.SELF_REFERRAL
    cap = context.config.cap
    return ReferralFault.CAP_REACHED if cap is not None and count >= cap else None


def _count(context: Context, step: Step) -> None:
    programme = context.config
    values = {
        ReferralRow.state: ReferralState.QUALIFIED,
        ReferralRow.qualified_at: context.clock.now(),
        ReferralRow.advocate_points: programme.advocate_points,
        ReferralRow.friend_points: programme.friend_points,
        ReferralRow.cause_id: step.cause_id,
    }
    if _pay(context, step, programme.advocate_points, programme.friend_points):
        values |= _rewarded(context)
    context.write.change(ReferralRow, step.id, set=values)
    context.write.change(Advocate, step.advocate_id, add={Advocate.qualified: 1})


def _pay(context: Context, step: Step, advocate_points: int, friend_points: int) -> bool:
    """Gives both their points, if there are points; the referral is what caused them."""
    loyalty = context.neighbour("loyalty")
    if loyalty is None:
        return False
    loyalty.grant(context, step.advocate_id, advocate_points, cause_id=step.id)
    loyalty.grant(context, step.friend_id, friend_points, cause_id=step.id)
    return True


def _rewarded(context: Context) -> dict[Any, Any]:
    return {
        ReferralRow.state: ReferralState.REWARDED,
        ReferralRow.rewarded_at: context.clock.now(),
    }
