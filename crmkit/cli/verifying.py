"""`crmkit verify`: what is kept as a result, counted again."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from crmkit.app import load_plugins, open_host
from crmkit.cli.running import check_upgraded, log_to_stderr
from crmkit.settings import load_settings

if TYPE_CHECKING:
    from crmkit.host.loaded import Loaded
    from crmkit.settings import Settings

_OUT = Console(highlight=False, soft_wrap=True)


def verify() -> None:
    """Says what each plugin has counted; ends with 1 if something disagrees."""
    settings = load_settings()
    log_to_stderr(logging.WARNING)
    loaded = load_plugins(settings)
    check_upgraded(settings, loaded)
    if not verified(settings, loaded):
        sys.exit(1)


def verified(settings: Settings, loaded: Loaded) -> bool:
    """Says what each plugin has counted, and returns whether all of it agrees."""
    return asyncio.run(_verified(settings, loaded))


async def _verified(settings: Settings, loaded: Loaded) -> bool:
    host = await open_host(settings, loaded)
    try:
        agrees = True
        async for plugin, found in host.verify():
            agrees = agrees and not found.wrong
            for sentence in found.wrong:
                _OUT.print(f"[red]wrong[/] {plugin}: {escape(sentence)}")
            if not found.wrong:
                _OUT.print(f"{plugin}: {escape(found.sentence)}")
    finally:
        await host.database.close()
    return agrees
