"""Live answers of real servers: who listens at one hears what the other commits, in order."""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.processes.servers import DEADLINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from websockets.asyncio.client import ClientConnection

pytestmark = pytest.mark.anyio

SOAK = bool(os.environ.get("CRMKIT_SOAK"))
EVENTS, OTHERS = (1000, 100) if SOAK else (50, 10)
RECORDED = "subscription { interactionsRecorded { nodes { subject } } }"
CHANGED = """subscription ($name: String!) {
  customersChanged(where: {name: {startsWith: $name}}) { nodes { id name } } }"""
ADD = 'mutation { createCustomer(input: {name: "Ada"}) { customer { id } } }'
SAY = """mutation ($id: ID!, $subject: String!) { recordInteraction(input: {
  customerId: $id, channel: "email", direction: INBOUND, kind: "note", subject: $subject
}) { interaction { id } } }"""


async def test_events_of_every_server_arrive_everywhere_in_order_while_others_are_connected(
    urls: list[str],
) -> None:
    async with AsyncExitStack() as stack:
        for number in range(OTHERS):
            await _subscribed(stack, urls[number % len(urls)], CHANGED, name=f"{number} ")
        sockets = [await _subscribed(stack, url, RECORDED) for url in urls]
        streams = [await _streamed(stack, url, RECORDED) for url in urls]
        hearing = [asyncio.create_task(_heard(each)) for each in [*sockets, *streams]]
        sent = await _sent(urls)
        async with asyncio.timeout(DEADLINE):
            heard = await asyncio.gather(*hearing)
    numbers = [str(number) for number in range(EVENTS)]
    assert [[subject for subject, _ in each] for each in heard] == [numbers] * len(heard)
    if SOAK:
        _tell([[at - began for (_, at), began in zip(each, sent, strict=True)] for each in heard])


async def _sent(urls: Sequence[str]) -> list[float]:
    """Has each server in turn commit one event after the other, and says when each was asked for."""
    async with httpx2.AsyncClient(timeout=DEADLINE) as http:
        made = await _answered(http, urls[0], ADD)
        id_ = made["createCustomer"]["customer"]["id"]
        sent = []
        for number in range(EVENTS):
            sent.append(time.perf_counter())
            url = urls[number % len(urls)]
            await _answered(http, url, SAY, id=id_, subject=str(number))
    return sent


async def _answered(http: httpx2.AsyncClient, url: str, document: str, **variables: Any) -> Any:
    answer = (await http.post(url, json={"query": document, "variables": variables})).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def _heard(told: AsyncIterator[Any]) -> list[tuple[str, float]]:
    """All that is told, and when."""
    heard: list[tuple[str, float]] = []
    async for answer in told:
        now = time.perf_counter()
        nodes = answer["data"]["interactionsRecorded"]["nodes"]
        heard += [(each["subject"], now) for each in nodes]
        if len(heard) == EVENTS:
            break
    return heard


def _socket(url: str) -> connect:
    protocol = Subprotocol("graphql-transport-ws")
    return connect(
        url.replace("http", "ws", 1),
        subprotocols=[protocol],
        compression=None,
        open_timeout=DEADLINE,
    )


async def _subscribed(
    stack: AsyncExitStack, url: str, document: str, **variables: Any
) -> AsyncIterator[Any]:
    """What a subscription over a socket tells, from now on."""
    opened = await stack.enter_async_context(_socket(url))
    payload = {"query": document, "variables": variables}
    for message in (
        {"type": "connection_init"},
        {"type": "subscribe", "id": "1", "payload": payload},
        {"type": "ping"},
    ):
        await opened.send(json.dumps(message))
    assert [json.loads(await opened.recv())["type"] for _ in "ab"] == ["connection_ack", "pong"]
    return _messages(opened)


async def _messages(opened: ClientConnection) -> AsyncIterator[Any]:
    async for message in opened:
        yield json.loads(message)["payload"]


async def _streamed(stack: AsyncExitStack, url: str, document: str) -> AsyncIterator[Any]:
    """What a subscription over a stream tells, from now on."""
    http = await stack.enter_async_context(httpx2.AsyncClient(timeout=DEADLINE))
    accept = {"accept": "text/event-stream"}
    answer = await stack.enter_async_context(
        http.stream("POST", url, json={"query": document}, headers=accept)
    )
    lines = answer.aiter_lines()
    assert await anext(lines) == ":"
    return _data(lines)


async def _data(lines: AsyncIterator[str]) -> AsyncIterator[Any]:
    async for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def _tell(seconds: Sequence[Sequence[float]]) -> None:
    """From the moment a mutation was sent, which is before its commit."""
    waited = sorted(each * 1000 for client in seconds for each in client)
    p50, p99 = (waited[int(len(waited) * part)] for part in (0.5, 0.99))
    print(f"{len(waited)} answers: p50 {p50:.1f} ms, p99 {p99:.1f} ms after sending")  # noqa: T201
