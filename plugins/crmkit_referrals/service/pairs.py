"""Advocates and their friends: where they are reached, and whether they are one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmkit_referrals import errors, repository

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from crmkit_referrals.config import Context
    from crmkit_referrals.models import ReferralState


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


async def held_step(
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


def everybody(pairs: Iterable[Pair | Step]) -> set[str]:
    """Advocates and friends alike."""
    return {each for pair in pairs for each in (pair.advocate_id, pair.friend_id)}


def is_one(places: Mapping[str, Collection[str]], pair: Pair | Step) -> bool:
    """Whether advocate and friend can be reached at one place."""
    return not set(places[pair.advocate_id]).isdisjoint(places[pair.friend_id])


async def places_of(context: Context, customer_ids: Collection[str]) -> Mapping[str, set[str]]:
    """Where customers can be reached: mailboxes and phones."""
    found: dict[str, set[str]] = defaultdict(set)
    for customer_id, address in await context.rules(repository.addresses(customer_ids)):
        found[customer_id].add(context.config.mail_key(address))
    for customer_id, number in await context.rules(repository.numbers(customer_ids)):
        found[customer_id].add(number)
    return found
