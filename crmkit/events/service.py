"""Events are looked at, told again, and forgotten when they are old."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from crmkit.engine.queries import query
from crmkit.events import repository
from crmkit.events.types import EventKind
from crmkit.host.catalog import catalog
from crmkit.host.context import Context
from crmkit.store.outbox import DeliveryState

if TYPE_CHECKING:
    from crmkit.events.repository import Which

_SOME = 1_000  # are looked at or forgotten in one unit


@query(permission="core.event.read")
async def event_catalog(context: Context[Any]) -> list[EventKind]:
    """Every event that this app tells of, with its form and who listens."""
    return [
        EventKind(
            name=each.name,
            plugin=each.plugin,
            version=each.version,
            about=each.about,
            description=each.description,
            payload=each.schema,
            handlers=list(each.handlers),
        )
        for each in catalog(context.host.loaded)
    ]


async def latest(context: Context[Any], *, after: int, limit: int) -> list[tuple[Any, ...]]:
    """The events after this one; without one, the latest."""
    return await context.rules(repository.latest(after, limit))


async def dead(context: Context[Any], *, which: Which) -> list[tuple[Any, ...]]:
    """Deliveries that were given up, the oldest first."""
    return await context.rules(repository.dead(which, _SOME))


async def send_again(
    context: Context[Any], *, which: Which, only_dead: bool, after: int = 0
) -> tuple[int, int]:
    """Has handlers told again, of some; says of how many, and after which to go on."""
    states = [DeliveryState.DEAD] if only_dead else [DeliveryState.DEAD, DeliveryState.DONE]
    found = await context.rules(repository.settled(which, states, after, _SOME))
    seqs = [seq for (seq,) in found]
    if seqs:
        repository.send_again(context, seqs)
        context.unit.after_commit.append(context.host.notices.of_events)
    return len(seqs), seqs[-1] if len(seqs) == _SOME else 0


async def forget_events(context: Context[Any], done: int = 0) -> int | None:
    """Forgets events that all have been told of for long, some at a time."""
    kept = timedelta(days=context.host.settings.worker.keep_days)
    before = context.clock.now() - kept
    seqs = [seq for (seq,) in await context.rules(repository.old(before, _SOME))]
    repository.forget(context, seqs)
    context.progress(done + len(seqs))
    if len(seqs) == _SOME:
        return done + len(seqs)
    # Whoever may be told again is known for longer.
    repository.forget_keys(context, before - kept)
    return None
