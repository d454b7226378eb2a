"""What a message says: of an event, as much as the webhook's role may see today."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crmkit import sdk
from crmkit_webhooks import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit_webhooks.config import Context


@dataclass(frozen=True)
class Told:
    """An event that a message is made of."""

    name: str
    version: int
    sequence: int
    payload: Mapping[str, Any]
    at: datetime
    request_id: str | None


async def message(
    context: Context, told: Told, grant: sdk.Grant, where: Mapping[str, Any] | None
) -> str | None:
    """The body of a message; nothing where the role sees nothing of what it is about.

    Of what the event says only ids of records that the role sees leave, and the names of
    fields that it sees. Values stand in the records, which are read by the role, and in what
    the event's unit changed of them.

    Raises:
        Unaskable: The role cannot ask by this `where` any more.
    """
    reader = context.limited(grant)
    event = context.events.get(told.name)
    subjects = _subjects(told.payload)
    seen = await sdk.records(reader, _texts(told.payload))
    wanted = await _wanted(
        reader, event, where, {each: seen[each] for each in subjects if each in seen}
    )
    kept = [place for place, each in enumerate(subjects) if each in wanted]
    if not kept:
        return None
    fields = sdk.shown(reader, subjects[kept[0]], told.payload.get("fields", ()))
    if "fields" in told.payload and not fields:
        return None
    as_told = event.as_told if event else frozenset[str]()
    data: dict[str, Any] = {"version": told.version, "sequence": told.sequence}
    data |= dict(_ids(told.payload, kept, len(subjects), seen, as_told))
    if fields:
        data["fields"] = fields
    if len(kept) <= context.config.most_records:
        ids = [subjects[each] for each in kept]
        data["records"] = {each: seen[each] for each in ids}
        alive = [each for each in ids if seen[each] is not None]
        if changes := await sdk.changes(reader, told.request_id or "", told.at, alive):
            data["changes"] = {id_: asdict(each) for id_, each in changes.items()}
    said = {"type": told.name, "timestamp": f"{told.at:%Y-%m-%dT%H:%M:%S.%f}Z", "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


async def _wanted(
    reader: Context,
    event: type[sdk.Event] | None,
    where: Mapping[str, Any] | None,
    seen: Mapping[str, object],
) -> Collection[str]:
    """Those of the records it is about of which the webhook wants to be told."""
    if where is None or not seen:
        return seen.keys()
    if event is None or event.about is None:
        return ()
    try:
        sdk.check_where(reader, event.about, where)
    except sdk.Failure as failure:
        raise errors.Unaskable(failure.message) from failure
    return await sdk.fulfilling(reader, event.about, where, seen)


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
