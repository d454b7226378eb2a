"""What a connection of our server sends, and when."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from weakref import ref

import pytest
import uvicorn

from crmkit.cli.connections import Connection
from crmkit.graph.answering import JSON, respond

pytestmark = pytest.mark.anyio

ANSWER = b'{"data":"hello"}'
HEAD = {
    "content-type: application/json; charset=utf-8",
    "content-length: 16",
    "x-request-id: request_1",
}


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
    """Answers as the endpoint does, behind a layer that looks at it, or bit by bit when it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.seen: list[str] = []
        self.requests: list[ref[Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def watched(message: Any) -> None:
            self.seen.append(message["type"])
            await send(message)

        self.requests.append(ref(send.__self__))
        if scope["method"] == "POST":
            await receive()
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await self.may.wait()
            told = b"HTTP/1.1 is no head here\r\ncontent-length: 5\r\n\r\n"
            await send({"type": "http.response.body", "body": told, "more_body": True})
            await asyncio.Event().wait()
        said = watched if scope["path"] == "/watched" else send
        await respond(scope, said, {"data": "hello"}, 200, JSON, "request_1")


@pytest.fixture
async def app() -> App:
    return App()


@pytest.fixture
async def client(app: App, request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    kept = getattr(request, "param", 60)
    http: Any = partial(Connection, seconds=60)
    config = uvicorn.Config(
        app, http=http, lifespan="off", log_config=None, access_log=False, timeout_keep_alive=kept
    )
    server = uvicorn.Server(config)
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
        head, body = told.split(b"\r\n\r\n")
        first, *others = head.decode().split("\r\n")
        assert first == "HTTP/1.1 200 OK"
        assert {*others} >= HEAD
        assert any(each.startswith("date: ") for each in others)
        assert body == ANSWER


async def test_a_request_leaves_nothing_that_has_to_be_looked_for(client: Line, app: App) -> None:
    gc.disable()
    try:
        for _ in range(3):
            await client.ask("GET / HTTP/1.1\nhost: x\n\n")
        # The last one is kept until the next one comes.
        assert [each() for each in app.requests[:2]] == [None, None]
    finally:
        gc.enable()


async def test_a_layer_that_looks_at_what_is_sent_sees_it(client: Line, app: App) -> None:
    told = await client.ask("GET /watched HTTP/1.1\nhost: x\n\n")
    while ANSWER not in told:
        told += await client.hear()
    assert app.seen == ["http.response.start", "http.response.body"]


async def test_the_head_of_a_stream_waits_for_nothing_and_what_it_says_neither(
    client: Line, app: App
) -> None:
    assert (await client.ask("GET /stream HTTP/1.1\nhost: x\n\n")).endswith(b"\r\n\r\n")
    app.may.set()
    assert b"is no head here\r\ncontent-length: 5" in await client.hear()


async def test_requests_sent_in_one_go_are_answered_one_after_the_other(client: Line) -> None:
    told = await client.ask("GET / HTTP/1.1\nhost: x\n\n" * 3)
    while told.count(ANSWER) < 3:
        told += await client.hear()
    assert told.count(b"HTTP/1.1 200 OK") == 3


async def test_who_wants_no_more_is_let_go(client: Line) -> None:
    told = await client.ask("GET / HTTP/1.1\nhost: x\nconnection: close\n\n")
    while more := await client.hear():
        told += more
    assert b"connection: close\r\n" in told
    assert told.endswith(ANSWER)


async def test_an_answer_without_its_body_is_sent_as_well(client: Line) -> None:
    for _ in range(2):
        told = await client.ask("HEAD / HTTP/1.1\nhost: x\n\n")
        assert told.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\ncontent-length: 16\r\n" in told
        assert told.endswith(b"\r\n\r\n")


async def test_who_waits_to_be_asked_for_a_body_is_asked(client: Line) -> None:
    head = "POST / HTTP/1.1\nhost: x\ncontent-length: 2\nexpect: 100-continue\n\n"
    assert await client.ask(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert (await client.ask("{}")).endswith(b"\r\n\r\n" + ANSWER)


@pytest.mark.parametrize("client", [1], indirect=True)
async def test_whoever_says_nothing_more_is_left_after_a_while(client: Line) -> None:
    for _ in range(2):
        assert await client.ask("GET / HTTP/1.1\nhost: x\n\n")
    assert await client.hear() == b""
