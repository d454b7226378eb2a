"""What handlers are told: events as they were stored, of the records as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.store.aliases import become
from crmkit.values.ids import prefix_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crmkit.host.events import Event
    from crmkit.host.host import Host
    from crmkit.store.relay import Occurrence


async def events_of(host: Host, occurrences: Sequence[Occurrence]) -> list[Event]:
    """Restores events; ids in them of records that have become others meanwhile mean those.

    A handler that fails because a record becomes another while it is at work is told once
    more, and of the other one then.
    """
    kinds = [host.loaded.events[each.name] for each in occurrences]
    payloads = [each.payload for each in occurrences]
    pairs = list(zip(kinds, payloads, strict=True))
    ids = {id_ for kind, payload in pairs for id_ in _ids(host, kind, payload)}
    became: dict[str, str] = {}
    for prefix, aliases in host.aliases.items():
        if theirs := sorted(each for each in ids if prefix_of(each) == prefix):
            became |= dict(await host.database.fetch(become(aliases, theirs)))
    return [kind.restored(_told(kind, payload, became)) for kind, payload in pairs]


def _ids(host: Host, kind: type[Event], payload: Mapping[str, Any]) -> Iterator[str]:
    said = (value for name, value in payload.items() if name not in kind.as_told)
    for value in said:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and prefix_of(each) in host.aliases:
                yield each


def _told(
    kind: type[Event], payload: Mapping[str, Any], became: Mapping[str, str]
) -> Mapping[str, Any]:
    if not became:
        return payload
    return {
        name: value if name in kind.as_told else _now(value, became)
        for name, value in payload.items()
    }


def _now(value: Any, became: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_now(each, became) for each in value]
    return became.get(value, value) if isinstance(value, str) else value
