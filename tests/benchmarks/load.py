"""Sends the same requests over and over, as a process of its own that costs less than a server.

It is told by lines of JSON what to do, and answers with one line each.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
import uvloop

from crmkit.values.tokens import Token, TokenKind

TOKEN = Token(TokenKind.KEY, f"api_key_{'0' * 26}", "0" * 48)
"""What all requests sign in with; others than crmkit do not ask who is there."""

PLACE = b"0123456789ab"
"""Stands in a body where each request has a number of its own."""

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True)
class Order:
    """What to send where, and for how long."""

    port: int
    path: str
    bodies: str  # the file with their list
    seconds: float
    connections: int
    first: int = 0  # which of them to begin with


@dataclass(frozen=True)
class Result:
    """What came of it; milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float


class Client(asyncio.Protocol):
    """One connection; it sends the next request when the answer to the last is whole."""

    def __init__(self, requests: Any, until: float, times: list[float]) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._requests, self._until, self._times = requests, until, times
        self._held = bytearray()
        self._whole = 0
        self._sent = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._held += data
        if not self._whole and (end := self._held.find(_END)) >= 0:
            self._whole = end + len(_END) + _length(bytes(self._held[:end]))
        if self._whole and len(self._held) >= self._whole:
            self._take()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("The server closed the connection."))

    def _take(self) -> None:
        now = time.perf_counter()
        self._times.append(now - self._sent)
        head = bytes(self._held[:256])
        if not head.startswith(b"HTTP/1.1 200") or b'"errors"' in head:
            self.done.set_exception(AssertionError(bytes(self._held[:2000]).decode()))
        elif now >= self._until:
            self.done.set_result(None)
        if self.done.done():
            self._transport.close()
            return
        self._held.clear()
        self._whole = 0
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))


def _length(head: bytes) -> int:
    line = next(each for each in head.lower().split(b"\r\n") if each.startswith(_LENGTH))
    return int(line.removeprefix(_LENGTH))


async def carried_out(order: Order) -> Result:
    """Sends for as long as was ordered, and waits for the last answers."""
    requests = _requests(order)
    times: list[float] = []
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clients = [
        await loop.create_connection(
            lambda: Client(requests, began + order.seconds, times), "127.0.0.1", order.port
        )
        for _ in range(order.connections)
    ]
    await asyncio.gather(*[client.done for _, client in clients])
    took = time.perf_counter() - began
    times.sort()
    p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    return Result(len(times), took, p50 * 1000, p99 * 1000)


def _requests(order: Order) -> Any:
    bodies: list[str] = orjson.loads(Path(order.bodies).read_bytes())
    turn = order.first % len(bodies)
    made = [_request(order.path, each.encode()) for each in bodies[turn:] + bodies[:turn]]
    return _numbered(made) if PLACE in made[0] else cycle(made)


def _request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        f"Authorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _numbered(requests: Sequence[bytes]) -> Any:
    """Puts into each request a number that no other has, in this run and in any other."""
    number = time.time_ns() // 1000 % 10**9 * 1000
    width = len(PLACE)
    for each in cycle([request.split(PLACE) for request in requests]):
        number += 1
        yield str(number).rjust(width, "0").encode()[:width].join(each)


def main() -> None:
    for line in sys.stdin:
        result = uvloop.run(carried_out(Order(**orjson.loads(line))))
        print(orjson.dumps(asdict(result)).decode(), flush=True)


if __name__ == "__main__":
    main()
