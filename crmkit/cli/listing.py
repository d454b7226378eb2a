"""`crmkit plugins` and `crmkit schema print`: what there is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from crmkit.app import begun_schema_of, contract, load_plugins, schema_of
from crmkit.cli.running import leniently, log_to_stderr
from crmkit.host.discovery import discover
from crmkit.host.lineages import orphans, recorded
from crmkit.host.loading import enabled
from crmkit.settings import load_settings
from crmkit.values.errors import SetupError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmkit.graph.schema import Schema
    from crmkit.host.loaded import Loaded
    from crmkit.settings import Settings

_OUT = Console(highlight=False)


def plugins() -> None:
    """Shows every installed plugin and what the loaded ones add."""
    settings = load_settings()
    log_to_stderr(logging.CRITICAL)
    loaded = load_plugins(leniently(settings))
    schema = begun_schema_of(loaded, settings)
    lineages = _lineages(settings)
    table = Table("name", "version", "source", "state", "lineage", "fields and hooks", box=SIMPLE)
    for each in loaded.plugins:
        table.add_row(
            each.name,
            each.manifest.version,
            each.source,
            "loaded",
            _standing(lineages, each.name),
            "\n".join(_contributed(schema, loaded, each.name)),
        )
    for name, source, state in _others(settings, loaded):
        table.add_row(name, "", source, state, _standing(lineages, name), "")
    for name in orphans(lineages or ()):
        table.add_row(name, "", "nothing installed", "orphaned", _standing(lineages, name), "")
    _OUT.print(table)


def print_schema(room: str | None) -> None:
    """Writes the schema, or one room's part of it, to the standard output.

    Raises:
        SetupError: There is no such room.
    """
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    loaded = load_plugins(settings)
    if room is None:
        _OUT.out(schema_of(loaded, settings).sdl(), highlight=False)
        return
    parts = contract(loaded, settings)
    if room not in parts:
        raise SetupError(f"There is no room {room}; say one of {', '.join(parts)}.")
    _OUT.out(parts[room], end="", highlight=False)


def _lineages(settings: Settings) -> Mapping[str, str | None] | None:
    """Where each lineage stands; None where there is no database to ask."""
    try:
        return recorded(settings.database.url)
    except (Unavailable, OSError):
        return None


def _standing(lineages: Mapping[str, str | None] | None, plugin: str) -> str:
    if lineages is None:
        return "no database"
    return (lineages[plugin] or "none") if plugin in lineages else "–"


def _contributed(schema: Schema, loaded: Loaded, plugin: str) -> Iterator[str]:
    """The fields that a plugin adds to types of others, and the hooks that it implements."""
    registry = schema.registry
    for cls, spec in registry.nodes.items():
        added = [each for each in registry.fields_of(cls) if each.owner == plugin]
        if added and registry.owners[cls] != plugin:
            yield f"{spec.name}: {', '.join(map(registry.name, added))}"
    if hooks := loaded.hooks.implemented_by(plugin):
        yield f"hooks: {', '.join(hooks)}"


def _others(settings: Settings, loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """Installed plugins that are not loaded, and why."""
    available = discover()
    kept_out = enabled(settings, available) if settings.safe_mode else ()
    for each in available:
        if each.name not in loaded:
            state = "off, safe mode" if each.name in kept_out else "off"
            yield each.name, each.distribution, loaded.skipped.get(each.name, state)
