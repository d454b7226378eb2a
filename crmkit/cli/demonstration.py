"""`crmkit demo`: from nothing to answers, in ./.demo alone."""

from __future__ import annotations

import asyncio
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

import crmkit
from crmkit.app import load_plugins, open_crm
from crmkit.cli import people
from crmkit.cli.files import Lines
from crmkit.cli.importing import Aside, take_in
from crmkit.cli.questions import answer, questions
from crmkit.cli.running import log_to_stderr
from crmkit.cli.serving import Server, address, announcement, listening
from crmkit.graph.endpoint import GraphQL
from crmkit.host import migrations
from crmkit.host.builders import ImportOptions
from crmkit.settings import Settings
from crmkit.values.errors import SetupError

if TYPE_CHECKING:
    from socket import socket

    from crmkit.app import Crm
    from crmkit.host.context import Context
    from crmkit.host.host import Host
    from crmkit.host.manifest import Plugin

_FOLDER = Path(".demo")
_FULL = _FOLDER / "full"
_CUSTOMERS = 300
_OUT = Console(highlight=False)

_BEGINNING = """{
  channels { nodes { key } }
  stages(where: {isDefault: {eq: true}}) { nodes { moves { to { id } } } }
}"""
_CREATE = """mutation ($items: [CreateCustomerItem!]!) {
  createCustomers(input: {items: $items}) { results { customer { id } } }
}"""
_RECORD = """mutation ($items: [RecordInteractionItem!]!) {
  recordInteractions(input: {items: $items}) { results { index } }
}"""
_MOVE = """mutation ($items: [MoveCustomerItem!]!) {
  moveCustomers(input: {items: $items}) { results { index } }
}"""


def demo(port: int, *, serve: bool) -> None:
    """Fills the folder unless it is full already, asks, and serves."""
    log_to_stderr(logging.ERROR)
    settings = Settings.model_validate(
        {
            "database": {"url": f"sqlite:///{_FOLDER}/crmkit.db"},
            "organisation": {"name": "The demo", "currency": "USD", "phone_region": "US"},
        }
    )
    with listening(settings, port) as opened:
        if not _FULL.exists():
            # What an interrupted start left behind is half of something.
            shutil.rmtree(_FOLDER, ignore_errors=True)
            _FOLDER.mkdir()
            asyncio.run(_fill(settings))
            _FULL.touch()
        migrations.upgrade(settings.database.url, load_plugins(settings))
        asyncio.run(_ask(settings, opened, serve=serve))


async def _fill(settings: Settings) -> None:
    crm = await open_crm(settings)
    try:
        await asyncio.to_thread(migrations.upgrade, settings.database.url, crm.host.loaded)
        await crm.prepare()
        await _add_people(crm)
        await _add_orders(crm.host)
        for each in crm.host.loaded.plugins:
            await _seed(crm.host, each.manifest)
    finally:
        await crm.close()


async def _add_people(crm: Crm) -> None:
    """Adds customers and what was said to them, as a client would."""
    endpoint = GraphQL(crm.schema, crm.host)
    found = await _data(endpoint, _BEGINNING, {})
    created = await _data(endpoint, _CREATE, {"items": people.customers(_CUSTOMERS)})
    ids = [each["customer"]["id"] for each in created["createCustomers"]["results"]]
    channels = [each["key"] for each in found["channels"]["nodes"]]
    talks = people.interactions(ids, channels, crm.host.clock.now())
    await _data(endpoint, _RECORD, {"items": talks})
    [first] = found["stages"]["nodes"]
    steps = [each["to"]["id"] for each in first["moves"]]
    moves = [
        {"id": each, "stageId": steps[index % len(steps)]} for index, each in enumerate(ids[::3])
    ]
    await _data(endpoint, _MOVE, {"items": moves})
    _OUT.print(f"{len(ids)} invented customers, {len(talks)} interactions, {len(moves)} moves")


async def _add_orders(host: Host) -> None:
    """Takes in the real purchases, if a plugin does."""
    if (kind := host.loaded.imports.get("orders")) is None:
        return
    lines = Lines(examples() / "data" / "cdnow_orders.csv", kind.row, "utf-8")
    with Aside(_FOLDER / "rejects.csv") as aside:
        options = ImportOptions(source="cdnow", currency="USD")
        report = await take_in(host, kind, lines, options, aside)
    _OUT.print(f"{report.created:,} real orders from the CDNOW sample")


async def _seed(host: Host, plugin: Plugin) -> None:
    async def body(context: Context[Any]) -> None:
        await plugin.seed(context, "demo")

    await host.run_unit(plugin.name, body, operation="seed")


async def _ask(settings: Settings, opened: socket, *, serve: bool) -> None:
    """Serves; asks three questions first, and shows question and answer."""
    server = Server(settings)
    serving = asyncio.create_task(server.serve([opened]))
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        for line in questions(examples() / "quickstart.graphql", address(opened)):
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


async def _data(endpoint: GraphQL, document: str, variables: dict[str, Any]) -> dict[str, Any]:
    answered = await endpoint.execute(document, variables=variables)
    if "errors" in answered:
        raise SetupError(f"The demo cannot be filled: {answered['errors'][0]['message']}")
    data: dict[str, Any] = answered["data"]
    return data
