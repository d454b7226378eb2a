"""Fixtures: a receiver on this machine, and an app that may reach it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from crmkit.testing import crm
from crmkit_webhooks.plugin import Webhooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial


@dataclass
class Message:
    """What a receiver got."""

    headers: dict[str, str]
    text: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.text)
        return said


@dataclass
class Receiver:
    """Takes messages, or answers what it was told to."""

    port: int = 0
    got: list[Message] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append(Message(headers, body.decode()))
        status = self.answers.pop(0) if self.answers else "204 No Content"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with await asyncio.start_server(receiver.talk, "127.0.0.1", 0) as listener:
        receiver.port = listener.sockets[0].getsockname()[1]
        yield receiver


@pytest.fixture
async def t(engine: str) -> AsyncIterator[Trial]:
    http = {"allow_networks": ["127.0.0.1/32"]}
    config = {"webhooks": {"retry_seconds": [0, 60, 3600, 7200]}}
    async with crm(Webhooks, engine=engine, http=http, config=config) as t:
        yield t
