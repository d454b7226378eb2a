"""`crmkit plugins purge`: what a plugin has left, shown, saved, and taken out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from crmkit.cli.running import log_to_stderr
from crmkit.host import purging
from crmkit.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from crmkit.host.purging import Leftovers

_OUT = Console(highlight=False, soft_wrap=True)


def purge(name: str, export: Path | None, *, yes: bool) -> None:
    """Shows what there is, asks unless it is told not to, saves if asked, and purges."""
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    url = settings.database.url
    purging.check_unused(settings, name)
    _show(purging.leftovers(url, name))
    if not yes:
        typer.confirm(
            f"Take all of it out of the database, and keep nothing of {name}?", abort=True
        )
    if export is not None:
        written = purging.export(url, name, export)
        _OUT.print(f"{written:,} rows written to {export}")
    purging.purge(url, name)
    _OUT.print(f"Nothing is left of {name}.")


def _show(found: Leftovers) -> None:
    table = Table("table", "rows", box=SIMPLE)
    counted = {**found.tables, "outbox": found.events, "delivery": found.deliveries}
    for name, rows in counted.items():
        table.add_row(name, f"{rows:,}")
    _OUT.print(table)
