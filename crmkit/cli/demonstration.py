"""`crmkit demo`: from nothing to answers, in ./.demo alone."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

import crmkit
from crmkit.app import load_plugins, schema_of
from crmkit.cli.questions import answer, questions
from crmkit.cli.running import completed, log_to_stderr
from crmkit.cli.running import opened as opened_app
from crmkit.cli.serving import Server, address, announcement, listening
from crmkit.demo.keys import Key, new_keys
from crmkit.demo.year import SIZES, Filled, fill
from crmkit.host import migrations
from crmkit.settings import Settings, load_settings
from crmkit.values.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from socket import socket

    from graphql import GraphQLSchema

    from crmkit.graph.schema import Schema

_FOLDER = Path(".demo")
_OUT = Console(highlight=False)


def demo(port: int, *, serve: bool, size: str) -> None:
    """Fills the folder unless it is full already, asks, and serves."""
    log_to_stderr(logging.ERROR)
    folder = _FOLDER / size
    settings = _settings(folder / "crmkit.db")
    with listening(settings, port) as opened:
        loaded = load_plugins(settings)
        schema = schema_of(loaded, settings)
        full = folder / "full.json"
        if not full.exists():
            # What an interrupted start left behind is half of something.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            filled = _fill(settings, schema, SIZES[size])
            full.write_text(json.dumps(asdict(filled), ensure_ascii=False))
        _show(json.loads(full.read_text()))
        migrations.upgrade(settings.database.url, loaded)
        _show_keys(asyncio.run(_new_keys(settings, schema)))
        completed(_ask(settings, opened, schema.core, serve=serve))


def _settings(database: Path) -> Settings:
    """The demo company's own, with the plugins that are enabled here."""
    here = load_settings()
    plugins = here.plugins.model_dump()
    enabled = load_plugins(here).plugins
    return Settings.model_validate(
        {
            "database": {"url": f"sqlite:///{database}"},
            "organisation": {"name": "Rösterei Morgenrot", "zone": "Europe/Berlin"},
            "plugins": plugins
            | {
                each.name: {**options}
                for each in enabled
                if (options := each.manifest.Demo.options)
            },
        }
    )


def _fill(settings: Settings, schema: Schema, customers: int) -> Filled:
    began = time.monotonic()
    columns = (TextColumn("A year of the company"), BarColumn(), TaskProgressColumn())
    shown = (*columns, TimeElapsedColumn(), TextColumn("{task.fields[rows]:,} records"))
    with Progress(*shown, console=_OUT, transient=True) as progress:
        task = progress.add_task("", total=1, rows=0)

        def watch(share: float, made: Mapping[str, int]) -> None:
            progress.update(task, completed=share, rows=sum(made.values()))

        filled = completed(fill(settings, schema, customers, SystemClock().now(), watch))
    seconds, rows = time.monotonic() - began, sum(filled.made.values())
    _OUT.print(f"{rows:,} records in {seconds:.1f} s, {rows / seconds:,.0f} a second")
    return filled


def _show(filled: Mapping[str, Any]) -> None:
    """Says what there is, and where to look first."""
    _OUT.print("A year of Rösterei Morgenrot, in which nobody is real:")
    _OUT.print("  " + ", ".join(f"{count:,} {kind}" for kind, count in filled["made"].items()))
    for each in filled["stories"]:
        _OUT.print(f"\n[bold]{each['title']}[/]: {each['ends']}", soft_wrap=True)
        _OUT.print(f"  {each['name']}, {each['id']}", soft_wrap=True)


async def _new_keys(settings: Settings, schema: Schema) -> list[Key]:
    async with opened_app(settings, schema=schema) as crm:
        return await new_keys(crm)


def _show_keys(keys: Sequence[Key]) -> None:
    """Says how to be somebody; the keys of the last start have ended."""
    _OUT.print("\nWhoever asks at this machine may do everything. To be somebody, say a key:")
    for each in keys:
        _OUT.print(f"  {each.who}, {each.role} in {each.team}", soft_wrap=True)
        _OUT.print(f"    Authorization: Bearer {each.token}", soft_wrap=True)


async def _ask(settings: Settings, opened: socket, schema: GraphQLSchema, *, serve: bool) -> None:
    """Serves; asks some questions first, and shows question and answer."""
    server = Server(settings)
    serving = asyncio.create_task(server.serve([opened]))
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        for line in questions(examples() / "quickstart.graphql", address(opened), schema):
            _OUT.print(f"\n[bold green]$[/] {escape(line)}", soft_wrap=True)
            _OUT.print(escape(await answer(line)), soft_wrap=True)
    if serve:
        _OUT.print(f"\n{announcement(settings, opened)}", soft_wrap=True)
    else:
        server.should_exit = True
    await serving


def examples() -> Path:
    """The folder of the repository, or else its copy in the wheel."""
    product = Path(crmkit.__file__).parent
    beside = product.parent / "examples"
    return beside if beside.is_dir() else product / "_examples"
