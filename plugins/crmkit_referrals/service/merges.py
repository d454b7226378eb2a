"""Customers become one: nobody is then brought twice, nor by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkit_referrals import repository
from crmkit_referrals.models import ReferralFault
from crmkit_referrals.service.ends import revoke

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from crmkit import sdk
    from crmkit_referrals.config import Context
    from crmkit_referrals.repository import Found


async def end_needless(context: Context, merged: Sequence[sdk.rows.CustomerAlias]) -> None:
    """Ends the referrals that customers cannot have any more when they are one."""
    winner = merged[0].customer_id
    losers = [each.alias_id for each in merged]
    await _hold_roots(context, [winner, *losers])
    rows = await context.rules(repository.brought([winner, *losers]))
    came = {friend_id: row for row in rows if (friend_id := row[2]) is not None}
    kept, one = came.get(winner), {winner}
    for loser in losers:
        kept = await _one_of(context, kept, came.get(loser), one, loser)
        one.add(loser)


async def _one_of(
    context: Context, kept: Found | None, own: Found | None, one: Collection[str], loser: str
) -> Found | None:
    """Of two referrals of one customer, the one that stays; a chain never leads back to itself."""
    if own and not (await _chain(context, own[1])).isdisjoint(one):
        await revoke(context, own, ReferralFault.SELF_REFERRAL)
        return kept
    if kept and loser in await _chain(context, kept[1]):
        await revoke(context, kept, ReferralFault.SELF_REFERRAL)
        return own
    if kept and own:
        await revoke(context, own, ReferralFault.ALREADY_REFERRED)
    return kept or own


async def _chain(context: Context, customer_id: str) -> set[str]:
    """The customer and everybody through whom they came."""
    return {id_ for (id_,) in await context.rules(repository.chain_of(customer_id))}


async def _hold_roots(context: Context, customer_ids: Collection[str]) -> None:
    """Holds whoever stands at the beginning of these chains: without them no chain grows upwards."""
    held: set[str] = set()
    roots = await _roots(context, customer_ids)
    while roots != held:
        held = roots
        await context.rules(repository.locked(held))
        roots = await _roots(context, customer_ids)


async def _roots(context: Context, customer_ids: Collection[str]) -> set[str]:
    return {
        root for each in customer_ids for (root,) in await context.rules(repository.root_of(each))
    }
