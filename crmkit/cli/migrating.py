"""`crmkit db`: the lineages of the core and of the plugins."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from crmkit import app
from crmkit.app import load_plugins
from crmkit.cli.running import log_to_stderr, opened
from crmkit.host import field_tables as fields
from crmkit.host import migrations
from crmkit.host.connections import Patience
from crmkit.host.lineages import status as standing
from crmkit.settings import load_settings

if TYPE_CHECKING:
    from crmkit.settings import Settings

_OUT = Console(highlight=False, soft_wrap=True)


def upgrade(wait: float) -> None:
    """Brings every lineage to its head, and adds the rows that its tables begin with."""
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    url = settings.database.url
    patience = Patience(whole=wait)
    moved = migrations.upgrade(url, load_plugins(settings), patience)
    for each in moved:
        _OUT.print(f"{each.plugin}: {each.current or 'nothing'} → {each.head}")
    done = [
        step for each in app.field_tables(settings) for step in fields.upgrade(url, each, patience)
    ]
    for step in done:
        _OUT.print(f"fields: {step}")
    asyncio.run(_prepare(settings))
    if not (moved or done):
        _OUT.print("Every table is as the code wants it.")


async def _prepare(settings: Settings) -> None:
    """Adds the rows that new tables have from the beginning, beside those that are there."""
    async with opened(settings):
        pass


def status() -> None:
    """Shows where each lineage stands."""
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    table = Table("lineage", "database", "code", "to do")
    for each in standing(settings.database.url, load_plugins(settings)):
        todo = ", ".join(each.pending) or "–"
        table.add_row(each.plugin, each.current or "–", each.head or "–", todo)
    for wanted in app.field_tables(settings):
        todo = "; ".join(fields.pending(settings.database.url, wanted))
        if wanted.fields or todo:
            table.add_row(f"fields of {wanted.kind}", "–", f"{len(wanted.fields)}", todo or "–")
    _OUT.print(table)


def revision(plugin: str, message: str) -> None:
    """Writes a migration, if the models differ from the tables."""
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    made = migrations.revision(settings.database.url, load_plugins(settings), plugin, message)
    _OUT.print(str(made) if made else f"The tables of {plugin} are what its models say.")
