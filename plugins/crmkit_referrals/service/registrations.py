"""Friends become customers: through whom they came, and that nobody came through themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from crmkit import sdk
from crmkit_referrals import codes, errors, repository
from crmkit_referrals.config import Context
from crmkit_referrals.models import Referral as ReferralRow
from crmkit_referrals.models import ReferralFault, ReferralState
from crmkit_referrals.service.ends import reject
from crmkit_referrals.service.invitations import advocate_of, advocates_of
from crmkit_referrals.service.pairs import Pair, everybody, is_one, places_of
from crmkit_referrals.types import (
    Referral,
    ReferralsInput,
    ReferralsRegistered,
    RegisteredReferral,
    RegisterReferral,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    Creations = Sequence[sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer]]

_AT_SIGN_UP = ("referrals", "code")


async def check_codes(context: Context, drafts: Creations) -> None:
    """Refuses new customers who name a code that nobody has."""
    given = _given(drafts)
    if not given:
        return
    known = await advocates_of(context, [code for _, code in given])
    for draft, code in given:
        if codes.folded(code) not in known:
            context.reject(draft, errors.UnknownCode(_AT_SIGN_UP))


async def register_new(context: Context, drafts: Creations) -> None:
    """Registers the referrals of new customers, unless these are the advocates themselves."""
    given = _given(drafts)
    if not given:
        return
    known = await advocates_of(context, [code for _, code in given])
    pairs = [Pair(known[codes.folded(code)], draft.row.id) for draft, code in given]
    places = await places_of(context, everybody(pairs))
    for (draft, _), pair in zip(given, pairs, strict=True):
        if is_one(places, pair):
            context.reject(draft, errors.SelfReferral(_AT_SIGN_UP))
    if not context.refusals:
        await _register(context, pairs, places)


def _given(
    drafts: Creations,
) -> list[tuple[sdk.Draft[sdk.CreateCustomer, sdk.rows.Customer], str]]:
    """The new customers who name a code."""
    said = [(draft, draft.extension(ReferralsInput)) for draft in drafts]
    return [(draft, given.code) for draft, given in said if given is not None]


@sdk.mutation(permission="referrals.referral.register")
async def register_referral(context: Context, input: RegisterReferral) -> RegisteredReferral:
    """Note through whom a customer came who has not bought anything yet."""
    pair = Pair(await advocate_of(context, input.code), input.customer_id)
    places = await places_of(context, everybody([pair]))
    if pair.advocate_id == pair.friend_id or is_one(places, pair):
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
                reject(context, referral_id, ReferralFault.ALREADY_REFERRED)
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
