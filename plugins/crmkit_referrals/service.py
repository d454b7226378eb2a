"""The rules of referrals: who came through whom, and what both get for it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_referrals import codes, errors, repository
from crmkit_referrals.config import Context
from crmkit_referrals.models import (
    COUNTED,
    Advocate,
    ReferralFault,
    ReferralState,
)
from crmkit_referrals.models import Referral as ReferralRow
from crmkit_referrals.types import (
    InvitedReferral,
    InviteReferral,
    IssuedReferralCode,
    IssueReferralCode,
    QualifiedReferral,
    QualifyReferral,
    Referral,
    ReferralsInput,
    ReferralsQualified,
    ReferralsRegistered,
    ReferralsReversed,
    RegisteredReferral,
    RegisterReferral,
    RejectedReferral,
    RejectReferral,
    ReversedReferral,
    ReverseReferral,
    RewardedReferral,
    RewardReferral,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from crmkit_orders.api import OrdersRecorded, OrdersRefunded

    Creations = Sequence[sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer]]

_AT_SIGN_UP = ("referrals", "code")


@dataclass(frozen=True)
class Pair:
    """An advocate, and the friend who came through them."""

    advocate_id: str
    friend_id: str


@dataclass(frozen=True)
class Step:
    """A referral that takes its next step, and what led to it."""

    id: str
    advocate_id: str
    friend_id: str
    cause_id: str | None = None


# -- codes ------------------------------------------------------------------------------------


@sdk.mutation(permission="referrals.code.issue")
async def issue_referral_code(context: Context, input: IssueReferralCode) -> IssuedReferralCode:
    """Give a customer the code by which friends name them, the same each time."""
    [(customer_id, code, _)] = await context.rules(repository.held([input.customer_id]))
    if code is None:
        code = await _free_code(context)
        context.write.change(Advocate, customer_id, set={Advocate.code: code})
    return IssuedReferralCode(code=code, customer=sdk.ref(sdk.Customer, customer_id))


async def _free_code(context: Context) -> str:
    while await _advocates(context, [code := codes.draw()]):
        continue
    return code


async def _advocates(context: Context, given: Iterable[str]) -> dict[str, str]:
    """Who has these codes, however they were typed."""
    wanted = {codes.folded(each) for each in given}
    found = await context.rules(repository.advocates(wanted))
    return {code: customer_id for code, customer_id in found if code is not None}


async def _advocate(context: Context, code: str) -> str:
    for found in (await _advocates(context, [code])).values():
        return found
    raise errors.UnknownCode("code")


# -- invitations ------------------------------------------------------------------------------


@sdk.mutation(permission="referrals.referral.invite")
async def invite_referral(context: Context, input: InviteReferral) -> InvitedReferral:
    """Note that an advocate invites a friend, who is no customer yet."""
    advocate_id = await _advocate(context, input.code)
    # Held, so that of two invitations of one friend the second finds the first.
    await context.rules(repository.held([advocate_id]))
    key = context.config.mail_key(input.normal_email)
    if key in (await _places(context, [advocate_id]))[advocate_id]:
        raise errors.SelfReferral("email")
    for referral_id, by, _ in await context.rules(repository.invitations([key])):
        if by == advocate_id:
            return InvitedReferral(referral=sdk.ref(Referral, referral_id))
    row = ReferralRow(advocate_id=advocate_id, email=input.normal_email, email_key=key)
    context.write.add(row)
    return InvitedReferral(referral=sdk.ref(Referral, row.id))


# -- registrations ----------------------------------------------------------------------------


async def check_codes(context: Context, drafts: Creations) -> None:
    """Refuses new customers who name a code that nobody has."""
    given = _given(drafts)
    if not given:
        return
    known = await _advocates(context, [code for _, code in given])
    for draft, code in given:
        if codes.folded(code) not in known:
            context.reject(draft, errors.UnknownCode(_AT_SIGN_UP))


async def register_new(context: Context, drafts: Creations) -> None:
    """Registers the referrals of new customers, unless these are the advocates themselves."""
    given = _given(drafts)
    if not given:
        return
    known = await _advocates(context, [code for _, code in given])
    pairs = [Pair(known[codes.folded(code)], draft.row.id) for draft, code in given]
    places = await _places(context, _ends(pairs))
    for (draft, _), pair in zip(given, pairs, strict=True):
        if _is_one(places, pair):
            context.reject(draft, errors.SelfReferral(_AT_SIGN_UP))
    if not context.refusals:
        await _register(context, pairs, places)


@sdk.mutation(permission="referrals.referral.register")
async def register_referral(context: Context, input: RegisterReferral) -> RegisteredReferral:
    """Note through whom a customer came who has not bought anything yet."""
    pair = Pair(await _advocate(context, input.code), input.customer_id)
    places = await _places(context, _ends([pair]))
    if pair.advocate_id == pair.friend_id or _is_one(places, pair):
        raise errors.SelfReferral("code")
    root = await _held_root(context, pair)
    if await context.rules(repository.attributed(pair.friend_id)):
        raise errors.AlreadyReferred
    if root == pair.friend_id:
        raise errors.Cycle
    await _check_is_new(context, pair.friend_id)
    [referral_id] = await _register(context, [pair], places)
    return RegisteredReferral(referral=sdk.ref(Referral, referral_id))


async def _held_root(context: Context, pair: Pair) -> str:
    """Who stands at the beginning of the advocate's chain, held together with the friend.

    Chains are trees: a friend who came through nobody makes a cycle only where he is the
    root himself. Nobody can be referred while we hold him, so what was read stays true;
    two registrations that would close a cycle together hold the same two customers.
    """
    held, root = "", await _root(context, pair)
    while root != held:
        held = root
        await context.rules(repository.locked({held, pair.friend_id}))
        root = await _root(context, pair)
    return root


async def _root(context: Context, pair: Pair) -> str:
    [(root,)] = await context.rules(repository.root_of(pair.advocate_id))
    return root


async def _check_is_new(context: Context, friend_id: str) -> None:
    [(_, came_at)] = await context.rules(repository.locked([friend_id]))
    days = context.config.attribution_days
    if context.clock.now() - came_at > timedelta(days=days):
        raise errors.TooLate(days)
    orders = context.neighbour("orders")
    if orders and await context.rules(repository.any_order(friend_id, orders.OrderRow)):
        raise errors.AlreadyCustomer


async def _register(
    context: Context, pairs: Sequence[Pair], places: Mapping[str, Collection[str]]
) -> list[str]:
    """Registers friends, by the invitation of their advocate if there was one."""
    keys = sorted({key for pair in pairs for key in places[pair.friend_id]})
    open_ = await context.rules(repository.invitations(keys)) if keys else []
    ids = []
    for pair in pairs:
        theirs = [each for each in open_ if each[2] in places[pair.friend_id]]
        open_ = [each for each in open_ if each not in theirs]
        mine = next((each[0] for each in theirs if each[1] == pair.advocate_id), None)
        ids.append(_come(context, pair, mine))
        for referral_id, *_ in theirs:
            if referral_id != mine:
                _reject(context, referral_id, ReferralFault.ALREADY_REFERRED)
    context.emit(ReferralsRegistered(ids[0], tuple(ids)))
    return ids


def _come(context: Context, pair: Pair, invitation: str | None) -> str:
    now = context.clock.now()
    if invitation is None:
        row = ReferralRow(
            advocate_id=pair.advocate_id,
            friend_id=pair.friend_id,
            state=ReferralState.REGISTERED,
            registered_at=now,
        )
        context.write.add(row)
        return row.id
    values = {
        ReferralRow.friend_id: pair.friend_id,
        ReferralRow.state: ReferralState.REGISTERED,
        ReferralRow.registered_at: now,
    }
    context.write.change(ReferralRow, invitation, set=values)
    return invitation


# -- qualification and reward -----------------------------------------------------------------


async def orders_recorded(context: Context, events: Sequence[OrdersRecorded]) -> None:
    """Qualifies the referrals of whoever has bought for the first time."""
    orders = context.neighbour("orders")
    if orders is None:
        return
    kept = orders.OrderState.PLACED
    steps: dict[str, Step] = {}
    for referral_id, advocate_id, friend_id, _, order_id in await context.rules(
        repository.bought(_orders_of(events), orders.OrderRow, kept)
    ):
        if friend_id is not None:
            steps.setdefault(referral_id, Step(referral_id, advocate_id, friend_id, order_id))
    await _qualify(context, list(steps.values()))


@sdk.mutation(permission="referrals.referral.decide")
async def qualify_referral(context: Context, input: QualifyReferral) -> QualifiedReferral:
    """Say that a friend did what the programme asks for."""
    step = await _step(context, input.referral_id, (ReferralState.REGISTERED,), input.cause_id)
    await _qualify(context, [step])
    return QualifiedReferral(referral=sdk.ref(Referral, step.id))


@sdk.mutation(permission="referrals.referral.decide")
async def reward_referral(context: Context, input: RewardReferral) -> RewardedReferral:
    """Give both what they earned: as points where there are any, else it is only noted."""
    step = await _step(context, input.referral_id, (ReferralState.QUALIFIED,))
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
    places = await _places(context, _ends(steps))
    counted = []
    for each in steps:
        if fault := _fault(context, each, places, counts[each.advocate_id]):
            _reject(context, each.id, fault)
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
    if _is_one(places, step):
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


# -- ends -------------------------------------------------------------------------------------


async def orders_refunded(context: Context, events: Sequence[OrdersRefunded]) -> None:
    """Reverses the referrals that these orders qualified."""
    found = await context.rules(repository.caused_by(_orders_of(events)))
    await _reverse(context, [(each[0], each[1]) for each in found])


def _orders_of(events: Sequence[OrdersRecorded] | Sequence[OrdersRefunded]) -> list[str]:
    return [order_id for each in events for order_id in each.ids]


@sdk.mutation(permission="referrals.referral.decide")
async def reverse_referral(context: Context, input: ReverseReferral) -> ReversedReferral:
    """Let a referral count no longer, and take back what was given for it."""
    step = await _step(context, input.referral_id, COUNTED)
    await _reverse(context, [(step.id, step.advocate_id)], input.note)
    return ReversedReferral(referral=sdk.ref(Referral, step.id))


@sdk.mutation(permission="referrals.referral.decide")
async def reject_referral(context: Context, input: RejectReferral) -> RejectedReferral:
    """Say that a referral does not count, before anything was given for it."""
    [(referral_id, _, _, state)] = await context.rules(repository.of_id(input.referral_id))
    if state not in (ReferralState.INVITED, ReferralState.REGISTERED):
        raise errors.WrongState(state)
    _reject(context, referral_id, ReferralFault.REJECTED_BY_HAND, input.note)
    return RejectedReferral(referral=sdk.ref(Referral, referral_id))


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


def _reject(
    context: Context, referral_id: str, fault: ReferralFault, note: str | None = None
) -> None:
    values = {ReferralRow.state: ReferralState.REJECTED, ReferralRow.fault: fault}
    _end(context, referral_id, values, note)


def _end(context: Context, referral_id: str, values: dict[Any, Any], note: str | None) -> None:
    values |= {ReferralRow.ended_at: context.clock.now(), ReferralRow.note: note}
    context.write.change(ReferralRow, referral_id, set=values)


async def _step(
    context: Context,
    referral_id: str,
    states: Collection[ReferralState],
    cause_id: str | None = None,
) -> Step:
    """A referral, held; it has to be in one of these states."""
    [(_, advocate_id, friend_id, state)] = await context.rules(repository.of_id(referral_id))
    if state not in states or friend_id is None:
        raise errors.WrongState(state)
    return Step(referral_id, advocate_id, friend_id, cause_id)


# -- who is who -------------------------------------------------------------------------------


def _given(
    drafts: Creations,
) -> list[tuple[sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer], str]]:
    """The new customers who name a code."""
    said = [(draft, draft.extension(ReferralsInput)) for draft in drafts]
    return [(draft, given.code) for draft, given in said if given is not None]


def _ends(pairs: Iterable[Pair | Step]) -> set[str]:
    return {each for pair in pairs for each in (pair.advocate_id, pair.friend_id)}


def _is_one(places: Mapping[str, Collection[str]], pair: Pair | Step) -> bool:
    """Whether advocate and friend can be reached at one place."""
    return not set(places[pair.advocate_id]).isdisjoint(places[pair.friend_id])


async def _places(context: Context, customer_ids: Collection[str]) -> Mapping[str, set[str]]:
    """Where customers can be reached: mailboxes and phones."""
    found: dict[str, set[str]] = defaultdict(set)
    for customer_id, address in await context.rules(repository.addresses(customer_ids)):
        found[customer_id].add(context.config.mail_key(address))
    for customer_id, number in await context.rules(repository.numbers(customer_ids)):
        found[customer_id].add(number)
    return found
