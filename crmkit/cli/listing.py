"""`crmkit plugins` and `crmkit schema print`: what there is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from crmkit.app import load_plugins, schema_of
from crmkit.cli.running import log_to_stderr
from crmkit.host import migrations
from crmkit.host.discovery import discover
from crmkit.settings import load_settings
from crmkit.values.errors import Unavailable

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
    loaded = load_plugins(settings)
    schema = schema_of(loaded, settings)
    lineages = _lineages(settings, loaded)
    titles = ("name", "version", "source", "state", "lineage", "fields", "hooks")
    table = Table(*[Column(each, overflow="fold") for each in titles], box=SIMPLE)
    for each in loaded.plugins:
        table.add_row(
            each.name,
            each.manifest.version,
            each.source,
            "loaded",
            lineages.get(each.name, "–"),
            "\n".join(_fields(schema, each.name)) or "–",
            "\n".join(loaded.hooks.implemented_by(each.name)) or "–",
        )
    for name, source, state in _others(loaded):
        table.add_row(name, "", source, state, "", "", "")
    _OUT.print(table)


def print_schema() -> None:
    """Writes the schema to the standard output."""
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    _OUT.out(schema_of(load_plugins(settings), settings).sdl(), highlight=False)


def _lineages(settings: Settings, loaded: Loaded) -> Mapping[str, str]:
    try:
        found = migrations.status(settings.database.url, loaded)
    except (Unavailable, OSError):
        return {each.name: "no database" for each in loaded.plugins}
    return {
        each.plugin: f"{each.current or 'none'}{f' of {each.head}' if each.pending else ''}"
        for each in found
    }


def _fields(schema: Schema, plugin: str) -> Iterator[str]:
    """What a plugin adds to types of others, as coordinates such as `Customer.orders`."""
    registry = schema.registry
    for cls, spec in registry.nodes.items():
        for each in registry.fields_of(cls):
            if each.owner == plugin and registry.owners[cls] != plugin:
                yield f"{spec.name}.{registry.name(each)}"


def _others(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """Installed plugins that are not loaded, and why."""
    for each in discover():
        if each.name not in loaded:
            yield each.name, each.distribution, loaded.skipped.get(each.name, "not enabled")
