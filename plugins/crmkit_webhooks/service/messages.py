"""What a message says: of an event, as much as the webhook's role may see today."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crmkit import sdk

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from crmkit_webhooks.config import Context


async def message(
    context: Context,
    *,
    name: str,
    version: int,
    sequence: int,
    payload: Mapping[str, Any],
    at: datetime,
    grant: sdk.Grant,
) -> str | None:
    """The body of a message; nothing where the role sees nothing of what it is about.

    Of what the event says only ids of records that the role sees leave, and the names of
    fields that it sees. Values stand in the records, which are read by the role.
    """
    reader = context.limited(grant)
    subjects = _subjects(payload)
    seen = await sdk.records(reader, _texts(payload))
    kept = [place for place, each in enumerate(subjects) if each in seen]
    if not kept:
        return None
    fields = sdk.shown(reader, subjects[kept[0]], payload.get("fields", ()))
    if "fields" in payload and not fields:
        return None
    event = context.events.get(name)
    as_told = event.as_told if event else frozenset[str]()
    data: dict[str, Any] = {"version": version, "sequence": sequence}
    data |= dict(_ids(payload, kept, len(subjects), seen, as_told))
    if fields:
        data["fields"] = fields
    if len(kept) <= context.config.most_records:
        data["records"] = {subjects[each]: seen[subjects[each]] for each in kept}
    said = {"type": name, "timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z", "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _subjects(payload: Mapping[str, Any]) -> Sequence[str]:
    """Whom an event is about."""
    ids = payload.get("ids")
    return ids if isinstance(ids, list) else [payload["record"]]


def _texts(payload: Mapping[str, Any]) -> set[str]:
    """Whatever can be an id in it."""
    said = [each for name, each in payload.items() if name != "fields"]
    lists = [each if isinstance(each, list) else [each] for each in said]
    return {each for some in lists for each in some if isinstance(each, str)}


def _ids(
    payload: Mapping[str, Any],
    kept: Sequence[int],
    length: int,
    seen: Collection[str],
    as_told: Collection[str],
) -> list[tuple[str, Any]]:
    """The ids of an event that may leave; lists whose places belong together keep them."""
    found: list[tuple[str, Any]] = []
    for name, said in payload.items():
        if name == "record":
            continue
        is_parallel = isinstance(said, list) and len(said) == length
        places = [said[each] for each in kept] if is_parallel else said
        told = _told(places, seen if name not in as_told else {*seen, *places})
        if told is not None:
            found.append((_camel(name), told))
    return found


def _told(said: Any, open: Collection[str]) -> Any:
    if not isinstance(said, list):
        return said if isinstance(said, str) and said in open else None
    told = [each if isinstance(each, str) and each in open else None for each in said]
    return told if any(told) else None


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)
