"""Every event that an app tells of: its form, and who listens."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from crmkit.host.loaded import Loaded


@dataclass(frozen=True)
class Entry:
    """An event, as the code declares it."""

    name: str
    plugin: str
    version: int
    about: str | None
    description: str
    schema: Any
    handlers: tuple[str, ...]


def catalog(loaded: Loaded) -> list[Entry]:
    """The events of all loaded plugins, in the order of loading."""
    listening: dict[str, list[str]] = {}
    for plugin in loaded.plugins:
        for each in plugin.events.subscriptions:
            listening.setdefault(each.event, []).append(f"{plugin.name}.{each.name}")
    return [
        Entry(
            name,
            name.partition(".")[0],
            event.version,
            event.about.__name__ if event.about else None,
            " ".join((inspect.getdoc(event) or "").split()),
            TypeAdapter(event).json_schema(),
            tuple(listening.get(name, ())),
        )
        for name, event in loaded.events.items()
    ]
