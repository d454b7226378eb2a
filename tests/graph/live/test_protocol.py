"""graphql-transport-ws and SSE to the letter: each close code, each message, each refusal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from tests.graph.live.conftest import ADD, CHANGED, PATIENCE, Client, Served, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture
async def s() -> AsyncIterator[Served]:
    async with served(subscriptions=2) as s:
        yield s


INIT: dict[str, Any] = {"type": "connection_init"}
ASK: dict[str, Any] = {"type": "subscribe", "id": "1", "payload": {"query": CHANGED}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([ASK], 4401),
        ([INIT, INIT], 4429),
        ([INIT, ASK, ASK], 4409),
        ([{"type": "start"}], 4400),
        ([{"typ": "ping"}], 4400),
        ([[]], 4400),
        ([INIT | {"payload": 3}], 4400),
        ([INIT, ASK | {"id": ""}], 4400),
        ([INIT, ASK | {"payload": {"query": 3}}], 4400),
    ],
)
async def test_each_breach_of_the_protocol_has_its_code(
    s: Served, messages: list[Any], code: int
) -> None:
    async with s.open() as opened:
        client = Client(opened)
        for each in messages:
            await client.send(each)
        assert (await client.closed())[0] == code


async def test_who_does_not_say_who_he_is_is_not_waited_for() -> None:
    async with served(init_seconds=0.3) as s, s.open() as opened:
        assert (await Client(opened).closed())[0] == 4408


async def test_bytes_broken_json_and_what_is_too_long_are_refused(s: Served) -> None:
    for message, code in ((b"{}", 4400), ("{", 4400), ("[" * 2000, 4400), ("x" * 1048577, 1009)):
        async with s.open() as opened:
            await opened.send(message)
            assert (await Client(opened).closed())[0] == code


async def test_only_the_one_protocol_and_only_allowed_origins_are_let_in(s: Served) -> None:
    async with s.open("graphql-ws") as opened:
        assert await Client(opened).closed() == (4406, "Subprotocol not acceptable")
    with pytest.raises(InvalidStatus, match="403"):
        await s.open(origin="https://evil.example")
    for origin in (f"http://127.0.0.1:{s.port}", "http://localhost:3000"):
        async with s.open(origin=origin) as opened:
            assert opened.subprotocol == "graphql-transport-ws"


async def test_queries_and_mutations_are_answered_over_a_socket(s: Served) -> None:
    async with s.client() as client:
        for key, name in (("a", "Ada"), ("b", "Bob")):
            asked = {"query": ADD, "variables": {"name": name}}
            await client.say(type="subscribe", id=key, payload=asked)
            assert await client.told()
            assert await client.hear() == {"type": "complete", "id": key}
        await client.say(
            type="subscribe", id="c", payload={"query": "{ customers { totalCount } }"}
        )
        assert await client.told() == {"customers": {"totalCount": 2}}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ("subscription { nothing }", "Cannot query field"),
        ("subscription { a: customersChanged { at } stagesMoved { at } }", "one top level field"),
        ("subscription ($n: Int!) { customersChanged { at } }", "Variable '$n'"),
        ('subscription { customersChanged(where: {name: {in: [null]}}) { at } }', "Expected value"),
        ("subscription { customersChanged { nodes { interactions(first: 900) { nodes { id } } } } }", "costs"),
        ("{", "Syntax Error"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_at_once_and_the_id_is_free_again(
    s: Served, document: str, sentence: str
) -> None:
    async with s.client() as client:
        await client.say(type="subscribe", id="1", payload={"query": document})
        message = await client.hear()
        assert message["type"] == "error"
        assert sentence in message["payload"][0]["message"], message
        assert message["payload"][0]["extensions"]["code"]
        await client.subscribe(CHANGED, id="1")
    async with s.stream(document) as told:
        name, said = await anext(told)
        assert (name, sentence in said["errors"][0]["message"]) == ("next", True)
        assert await anext(told) == ("complete", None)


async def test_who_completes_hears_no_more_and_makes_room(s: Served) -> None:
    async with s.client() as client:
        await client.subscribe(CHANGED, id="1")
        await client.subscribe(CHANGED, id="2")
        await client.say(type="subscribe", id="3", payload={"query": CHANGED})
        [error] = (await client.hear())["payload"]
        assert error["extensions"]["code"] == "LIMITED"
        await client.say(type="complete", id="1")
        await client.subscribe(CHANGED, id="4")
        await s.add("Ada")
        assert {(await client.hear())["id"] for _ in "ab"} == {"2", "4"}


async def test_events_are_sent_only_where_they_are_wanted_first(s: Served) -> None:
    body = {"query": "{ customers { totalCount } }"}
    url = f"http://127.0.0.1:{s.port}/graphql"
    async with httpx2.AsyncClient(timeout=PATIENCE) as http:
        accept = {"accept": "application/json, text/event-stream"}
        assert (await http.post(url, json=body, headers=accept)).json() == {
            "data": {"customers": {"totalCount": 0}}
        }
        accept = {"accept": "text/event-stream"}
        answer = await http.post(url, json=body, headers=accept)
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.text == (
            'event: next\ndata: {"data":{"customers":{"totalCount":0}}}\n\n'
            "event: complete\ndata:\n\n"
        )
        assert (await http.post(url, content=b"{", headers=accept)).status_code == 415
        asked = {"query": "subscription { customersChanged { at } }"}
        plain = (await http.post(url, json=asked)).json()
        assert "text/event-stream" in plain["errors"][0]["message"]


async def test_a_stream_on_which_nothing_happens_stays_alive() -> None:
    async with served(heartbeat_seconds=0.1) as s, s.stream(CHANGED) as told:
        assert [await anext(told) for _ in range(3)] == [("alive", None)] * 3


async def test_what_nobody_waits_for_any_more_is_cancelled(s: Served) -> None:
    async with s.client() as client:
        await client.subscribe(CHANGED)
        async with s.stream(CHANGED) as told:
            await anext(told)
    async with asyncio.timeout(PATIENCE):
        while s.graphql.live.hub.is_reading:
            await s.add("Ada")
