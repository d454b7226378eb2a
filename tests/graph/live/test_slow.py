"""Who reads slowly costs nobody else, and is let go."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from crmkit.graph.live.line import Line
from tests.graph.live.conftest import Client, served

if TYPE_CHECKING:
    from tests.graph.live.conftest import Served

pytestmark = pytest.mark.anyio

ALIASES = " ".join(f"n{each}: name" for each in range(29))
LONG = f"subscription {{ customersChanged {{ nodes {{ {ALIASES} }} }} }}"
SHORT = "subscription { customersChanged { nodes { id } } }"
MANY = """mutation ($items: [CreateCustomerItem!]!) {
  createCustomers(input: {items: $items}) { results { index } } }"""


def narrow(port: int) -> socket.socket:
    """A connection of which the system keeps little for whoever does not read."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.setblocking(False)
    return made


async def flood(s: Served) -> None:
    """Has more happen than the buffers of a connection hold."""
    await s.t.gql(MANY, items=[{"name": f"{'😀' * 190}{each}"} for each in range(500)])


async def test_who_does_not_read_is_dropped_and_others_hear_everything() -> None:
    async with (
        served(waiting=3) as s,
        s.client() as quick,
        s.open(max_queue=1, sock=narrow(s.port)) as opened,
    ):
        slow = Client(opened)
        await slow.say(type="connection_init")
        await slow.hear()
        await slow.subscribe(LONG)
        await quick.subscribe(SHORT)
        await flood(s)
        heard = [await quick.told() for _ in range(500 // 25)]
        assert sum(len(each["customersChanged"]["nodes"]) for each in heard) == 500
        while s.graphql.live.connected > 1:
            await quick.say(type="ping")
            await quick.hear()
        opened.transport.abort()


async def test_one_message_too_many_drops_all_that_wait_but_the_last_word() -> None:
    overruns = []
    line = Line(2, lambda: overruns.append(True))
    for each in "abc":
        line.put(each)
    assert overruns == [True]
    line.put("the last word")
    line.close()
    assert [await line.next(), await line.next()] == ["the last word", None]
