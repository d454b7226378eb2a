"""A server that is told to stop while clients hang on it in every way."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from crmkit.cli.serving import Server
from crmkit.settings import Settings

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SLOW = '''
import asyncio
from crmkit import sdk

RELEASED = asyncio.Event()

async def later(context, ids):
    """Known when it is released."""
    await RELEASED.wait()
    return {}

async def never(context, ids):
    """Never known."""
    await asyncio.Event().wait()

@sdk.extend(sdk.Customer)
class CustomerSlow:
    """What takes its time."""

    slow_later: str | None = sdk.batch(later)
    slow_never: str | None = sdk.batch(never)

class Entry(sdk.Plugin):
    name = "slow"
    version = "1.0"

    def register_schema(self, schema):
        schema.add(CustomerSlow)
'''
LATER = "{ customers { nodes { slowLater } } }"
NEVER = "{ customers { nodes { slowNever } } }"
ADD = 'mutation { createCustomer(input: {name: "Ada"}) { customer { id } } }'


def request(document: str) -> bytes:
    body = json.dumps({"query": document}).encode()
    head = f"POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


class Clients:
    """Connections to one port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._kept: list[asyncio.StreamWriter] = []

    def close(self) -> None:
        for each in self._kept:
            each.close()

    async def send(self, data: bytes) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._kept.append(writer)
        writer.write(data)
        await writer.drain()
        return reader

    async def ask(self, data: bytes) -> bytes:
        return await (await self.send(data)).readline()

    async def ready(self) -> bytes:
        return await self.ask(b"GET /health/ready HTTP/1.1\r\nhost: x\r\n\r\n")


def test_readiness_turns_first_then_answers_are_delivered_and_nothing_keeps_it(
    tmp_path: Path, run: Run, install: Callable[..., None]
) -> None:
    install("slow", plugin=SLOW)
    (tmp_path / "crmkit.toml").write_text('[plugins]\nenabled = ["slow"]\n')
    assert run("db", "upgrade").code == 0
    settings = Settings.model_validate(
        {
            "database": {"url": f"sqlite:///{tmp_path}/crmkit.db"},
            "plugins": {"enabled": ["slow"]},
            "server": {"body_seconds": 0.5, "drain_seconds": 60},
            "graphql": {"operation_seconds": 2},
        }
    )
    asyncio.run(_story(settings))


async def _story(settings: Settings) -> None:
    server = Server(settings)
    with socket.create_server(("127.0.0.1", 0)) as opened:
        serving = asyncio.create_task(server.serve([opened]))
        await server.ready.wait()
        clients = Clients(opened.getsockname()[1])
        for query in (LATER, NEVER, ADD):  # Nobody is there yet, but the plans are made.
            assert b" 200 " in await clients.ask(request(query))
        hung = await clients.send(request(NEVER))
        half = await clients.send(request(ADD)[:-1])
        idle = await clients.send(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        silent = await clients.send(b"POST /graphql HT")
        assert b" 200 " in await clients.ready()

        flying = await clients.send(request(LATER))
        server.should_exit = True
        while b" 503 " not in await clients.ready():
            pass
        server._hurried.set()  # All have heard of it.
        _release()
        async with asyncio.timeout(60):
            assert b" 200 " in await flying.readline()
            assert b" 504 " in await hung.readline()
            assert b" 408 " in await half.readline()
            await serving
            assert b" 200 " in await idle.readline()
            assert await silent.read() == b""
        clients.close()


def test_a_head_that_is_not_sent_to_its_end_keeps_no_connection(tmp_path: Path, run: Run) -> None:
    assert run("db", "upgrade").code == 0
    asyncio.run(
        _heads(
            Settings.model_validate(
                {
                    "database": {"url": f"sqlite:///{tmp_path}/crmkit.db"},
                    "server": {"body_seconds": 0.5},
                }
            )
        )
    )


async def _heads(settings: Settings) -> None:
    server = Server(settings)
    with socket.create_server(("127.0.0.1", 0)) as opened:
        serving = asyncio.create_task(server.serve([opened]))
        await server.ready.wait()
        clients = Clients(opened.getsockname()[1])
        health = b"GET /health/live HTTP/1.1\r\nhost: x\r\n"
        for said in (b"", health, health + b"\r\n" + health):
            told = await clients.send(said)
            async with asyncio.timeout(60):
                assert (await told.read()).count(b" 200 OK") == said.count(b"\r\n\r\n")
        long = await clients.send(health + b"x: " + b"y" * 140_000)
        assert b" 400 " in await long.readline()
        encoded = await clients.ask(
            b"GET /health/live?query=" + b"%20" * 20_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n"
        )
        assert b" 200 " in encoded
        clients.close()
        server.should_exit = True
        await serving


def test_those_who_stay_connected_hear_that_it_stops(tmp_path: Path, run: Run) -> None:
    assert run("db", "upgrade").code == 0
    database = {"url": f"sqlite:///{tmp_path}/crmkit.db"}
    asyncio.run(_connected(Settings.model_validate({"database": database})))


async def _connected(settings: Settings) -> None:
    server = Server(settings)
    with socket.create_server(("127.0.0.1", 0)) as opened:
        serving = asyncio.create_task(server.serve([opened]))
        await server.ready.wait()
        clients = Clients(port := opened.getsockname()[1])
        stream = await clients.send(
            request("subscription { customersChanged { at } }").replace(
                b"\r\n", b"\r\naccept: text/event-stream\r\n", 1
            )
        )
        await stream.readuntil(b":\n\n")
        url = f"ws://127.0.0.1:{port}/graphql"
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as client:
            await client.send('{"type": "connection_init"}')
            await client.recv()
            server.should_exit = True
            async with asyncio.timeout(60):
                await client.wait_closed()
                assert client.close_code == 1001
                # A client that is not told that all has been said comes back.
                assert b"complete" not in await stream.read()
                await serving
        clients.close()


def _release() -> None:
    import ajax_slow.plugin  # type: ignore[import-not-found]  # noqa: PLC0415  installed above

    ajax_slow.plugin.RELEASED.set()
