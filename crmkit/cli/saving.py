"""`crmkit backup` and `crmkit restore`."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from crmkit.app import load_plugins
from crmkit.cli.running import check_upgraded, log_to_stderr
from crmkit.cli.verifying import verified
from crmkit.host import backups
from crmkit.settings import load_settings
from crmkit.values.clock import SystemClock
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.progress import TaskID

    from crmkit.host.archives import Manifest, Tell

_OUT = Console(highlight=False, soft_wrap=True)


def backup(file: Path) -> None:
    """Saves the database, and says what is in the file."""
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    with _progress() as tell:
        made = backups.save(settings.database.url, file, SystemClock().now(), tell)
    _OUT.print(f"{file} holds {_said(made)}.")


def restore(file: Path, *, replacing: bool) -> None:
    """Restores, counts, and has every plugin verify what is its own."""
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    with _progress() as tell:
        made = backups.restore(settings.database.url, file, replacing=replacing, tell=tell)
    _OUT.print(f"Restored and counted: {_said(made)}.")
    loaded = load_plugins(settings)
    try:
        check_upgraded(settings, loaded)
    except SetupError as behind:
        _OUT.print(f"{behind} Then run crmkit verify.")
        return
    if not verified(settings, loaded):
        sys.exit(1)


def _said(made: Manifest) -> str:
    rows = sum(made.rows.values())
    return f"{rows:,} rows of {len(made.rows)} tables, as they were at {made.made_at}"


@contextmanager
def _progress() -> Iterator[Tell]:
    """A bar for each thing that is done."""
    bars: dict[str, TaskID] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in bars:
            bars[what] = progress.add_task(what, total=total)
        progress.update(bars[what], completed=done, total=total)

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=quiet
    ) as progress:
        yield tell
