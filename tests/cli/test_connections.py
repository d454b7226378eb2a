"""What a connection of our server sends, and when."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import uvicorn

from crmkit.cli.connections import Connection

pytestmark = pytest.mark.anyio

LENGTH = (b"content-length", b"5")


class Line:
    """A client's end of a connection."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    async def ask(self, head: str) -> bytes:
        """Says something, and hears what comes first."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._line, head.replace("\n", "\r\n").encode())
        return await self.hear()

    async def hear(self) -> bytes:
        async with asyncio.timeout(60):
            return await asyncio.get_running_loop().sock_recv(self._line, 65_536)


class App:
    """Greets at once, or, where a stream is wanted, when it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            await receive()
        streams = scope["path"] == "/stream"
        headers = [] if streams else [LENGTH]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if streams:
            await self.may.wait()
            told = b"HTTP/1.1 is no head here\r\ncontent-length: 5\r\n\r\n"
            await send({"type": "http.response.body", "body": told, "more_body": True})
            await asyncio.Event().wait()
        await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
async def app() -> App:
    return App()


@pytest.fixture
async def client(app: App) -> AsyncIterator[Line]:
    http: Any = partial(Connection, seconds=60)
    server = uvicorn.Server(uvicorn.Config(app, http=http, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as opened, socket.socket() as line:
        serving = asyncio.create_task(server.serve([opened]))
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, opened.getsockname())
        yield Line(line)
        server.should_exit = server.force_exit = True
        app.may.set()
        await serving


async def test_an_answer_is_sent_in_one_piece(client: Line) -> None:
    for _ in range(2):
        told = await client.ask("GET / HTTP/1.1\nhost: x\n\n")
        assert told.startswith(b"HTTP/1.1 200 OK\r\n")
        assert told.endswith(b"\r\n\r\nhello")


async def test_the_head_of_a_stream_waits_for_nothing_and_what_it_says_neither(
    client: Line, app: App
) -> None:
    assert (await client.ask("GET /stream HTTP/1.1\nhost: x\n\n")).endswith(b"\r\n\r\n")
    app.may.set()
    assert b"is no head here\r\ncontent-length: 5" in await client.hear()


async def test_an_answer_without_its_body_is_sent_as_well(client: Line) -> None:
    for _ in range(2):
        told = await client.ask("HEAD / HTTP/1.1\nhost: x\n\n")
        assert told.startswith(b"HTTP/1.1 200 OK\r\n")
        assert told.endswith(b"content-length: 5\r\n\r\n")


async def test_who_waits_to_be_asked_for_a_body_is_asked(client: Line) -> None:
    head = "POST / HTTP/1.1\nhost: x\ncontent-length: 2\nexpect: 100-continue\n\n"
    assert await client.ask(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await client.ask("{}")).endswith(b"\r\n\r\nhello")
