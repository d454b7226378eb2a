"""Guessing is slow: so many tries a minute for each account and each address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.access import errors
from crmkit.access.repository.points import Rate, take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.host.context import Context


async def count_try(context: Context[Any], mail: str | None = None) -> None:
    """Counts a try, at once and whatever comes of the unit.

    Raises:
        Limited: There were too many of late.
    """
    for name in _names(context, mail):
        taken = await take(context.host.database, name, 1, _rate(context), context.clock.now())
        if not taken.points:
            raise errors.TooOften(taken.wait)


async def forgive_tries(context: Context[Any], mail: str | None = None) -> None:
    """Counts a try no longer that was no guess."""
    for name in _names(context, mail):
        now = context.clock.now()
        await take(context.host.database, name, 0, _rate(context), now, back=1)


def _rate(context: Context[Any]) -> Rate:
    return Rate(context.host.settings.access.tries_per_minute)


def _names(context: Context[Any], mail: str | None) -> Iterator[str]:
    actor = context.actor
    asker = actor.values.get("address") or actor.id
    for kind, whose in (("mail", mail), ("from", asker)):
        if whose is not None:
            yield f"try:{kind}:{context.host.tokens.digest(whose).hex()}"
