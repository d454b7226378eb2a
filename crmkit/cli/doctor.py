"""`crmkit doctor`: what is wrong, each thing with its cure in one line."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from crmkit.app import field_tables, load_plugins, schema_of
from crmkit.cli.running import leniently, log_to_stderr
from crmkit.host import checks, migrations
from crmkit.host.checks import Finding
from crmkit.host.field_tables import blocked, pending
from crmkit.host.lineages import orphans, recorded, status
from crmkit.settings import load_settings
from crmkit.store.drivers import open_database
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmkit.graph.schema import Schema
    from crmkit.host.loaded import Loaded
    from crmkit.settings import Settings

_OUT = Console(highlight=False, soft_wrap=True)


def doctor() -> None:
    """Says what every check found; ends with 1 if something is to be mended."""
    log_to_stderr(logging.CRITICAL)
    found = list(_findings())
    for each in found:
        _show(each)
    if any(each.is_grave for each in found):
        sys.exit(1)
    _OUT.print("Nothing is to be mended.")


def _show(finding: Finding) -> None:
    mark = "[yellow]note[/]" if finding.is_note else "[red]wrong[/]"
    _OUT.print(f"{mark} {finding.check}: {escape(finding.problem)}")
    if finding.cure:
        _OUT.print(f"  cure: {escape(finding.cure)}")


def _findings() -> Iterator[Finding]:
    settings, wrong = _settings()
    yield from wrong
    if settings.safe_mode:
        cure = "unset CRMKIT_SAFE_MODE"
        yield Finding("safe mode", "No plugin runs, and events wait.", cure, is_note=True)
    loaded = load_plugins(leniently(settings))
    for sentence in loaded.skipped.values():
        yield Finding("plugins", sentence)
    schema, wrong = _schema(settings, loaded)
    yield from wrong
    yield from _of_database(settings, loaded, schema)


def _settings() -> tuple[Settings, list[Finding]]:
    """The settings; what production forbids is told and does not hide the rest."""
    try:
        return load_settings(), []
    except SetupError as error:
        return load_settings(profile="development"), [Finding("settings", str(error))]


def _schema(settings: Settings, loaded: Loaded) -> tuple[Schema | None, list[Finding]]:
    try:
        return schema_of(loaded, settings), []
    except SetupError as error:
        return None, [Finding("schema", str(error))]


def _of_database(settings: Settings, loaded: Loaded, schema: Schema | None) -> Iterator[Finding]:
    url = settings.database.url
    if file := checks.missing_file(url):
        yield Finding("database", f"There is no file {file} yet.", "run crmkit db upgrade")
        return
    try:
        yield from asyncio.run(_of_engine(settings))
        lineages = status(url, loaded)
    except SetupError as error:
        yield Finding("lineages", str(error))
        return
    except Exception as error:  # noqa: BLE001  a driver or a migration may fail in any way
        cure = "start it, or correct database.url"
        yield Finding("database", f"It does not answer: {error}", cure)
        return
    yield from checks.of_orphans(orphans(recorded(url)))
    behind = list(checks.of_lineages(lineages))
    if not behind:
        yield from checks.of_guards(migrations.unguarded(url, loaded))
        for each in field_tables(settings):
            todo = checks.of_fields(each.kind, pending(url, each), blocked(url, each))
            behind += todo
    yield from behind
    if schema and not behind:
        yield from asyncio.run(_of_rows(settings, schema))


async def _of_engine(settings: Settings) -> list[Finding]:
    database = await open_database(settings.database)
    try:
        return [each async for each in checks.of_engine(database)]
    finally:
        await database.close()


async def _of_rows(settings: Settings, schema: Schema) -> list[Finding]:
    database = await open_database(settings.database)
    try:
        sides = checks.of_sides(database, schema.registry.sides())
        deliveries = checks.of_deliveries(database)
        return [each async for each in sides] + [each async for each in deliveries]
    finally:
        await database.close()
