"""The database is gone, back, or behind a network that swallows everything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import pytest
from starlette.applications import Starlette

from crmkit.app import open_crm, routes
from crmkit.settings import Settings
from crmkit.testing import crm
from crmkit.testing.databases import PATIENT
from crmkit.testing.trusting import trusting
from tests.store.proxy import Proxy, proxy

pytestmark = pytest.mark.anyio

COUNT = "{ customers { totalCount } }"
MAKE = 'mutation { createCustomer(input: {name: "Ada"}) { customer { id } } }'
QUICKLY = {"statement_seconds": 0.2, "connect_seconds": 0.5}
SOON = 30  # seconds, of which even a machine that stands still for a while leaves most


@pytest.fixture
async def way() -> AsyncIterator[Proxy]:
    """The way to a database with all tables."""
    async with crm(engine="postgresql") as t, proxy(t.host.settings.database.url) as way:
        yield way


@asynccontextmanager
async def served(way: Proxy, patience: Mapping[str, float]) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of an app that reaches its database by this way."""
    settings = Settings.model_validate(
        {"database": {"url": way.address, "pool_size": 2, **patience}}
    )
    app = await open_crm(settings, plugins=())
    transport = httpx2.ASGITransport(Starlette(routes=routes(trusting(app))))
    async with httpx2.AsyncClient(transport=transport, base_url="http://crm") as client:
        await recovers(client)
        yield client
    await app.close()


@pytest.fixture
async def http(way: Proxy) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an app that waits long for what takes long."""
    async with served(way, PATIENT) as http:
        yield http


@pytest.fixture
async def hasty(way: Proxy) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an app that soon gives up a database that says nothing."""
    async with served(way, QUICKLY) as http:
        yield http


async def ask(http: httpx2.AsyncClient, query: str) -> tuple[int, str, float]:
    """The status, the code of the error, and how many seconds it took to say so."""
    began = time.monotonic()
    answer = await http.post("/graphql", json={"query": query})
    [error] = answer.json()["errors"]
    for word in ("asyncpg", "postgres", "connect", "socket", "Errno", "Traceback", "SELECT"):
        assert word not in answer.text
    return answer.status_code, error["extensions"]["code"], time.monotonic() - began


async def answers(http: httpx2.AsyncClient) -> bool:
    answer = await http.post("/graphql", json={"query": COUNT})
    return answer.json() == {"data": {"customers": {"totalCount": 0}}}


async def ready(http: httpx2.AsyncClient) -> int:
    return (await http.get("/health/ready")).status_code


async def recovers(http: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(SOON):
        while await ready(http) != 200 or not await answers(http):
            pass


async def test_while_the_database_is_gone_it_is_said_at_once_and_nothing_else(
    way: Proxy, http: httpx2.AsyncClient
) -> None:
    await way.cut()
    for _ in range(3):
        status, code, seconds = await ask(http, COUNT)
        assert (status, code, seconds < SOON) == (503, "UNAVAILABLE", True)
    _, code, seconds = await ask(http, MAKE)
    assert (code, seconds < SOON, await ready(http)) == ("UNAVAILABLE", True, 503)
    assert (await http.get("/health/live")).status_code == 200
    await way.listen()
    await recovers(http)


async def test_a_network_that_swallows_everything_is_not_waited_for(
    way: Proxy, hasty: httpx2.AsyncClient
) -> None:
    way.swallow()
    for query in (COUNT, COUNT, MAKE):
        _, code, seconds = await ask(hasty, query)
        assert (code in ("UNAVAILABLE", "TIMEOUT"), seconds < SOON) == (True, True)
    assert await ready(hasty) == 503
    way.pass_on()
    await recovers(hasty)


async def test_many_who_wait_for_a_swallowed_answer_are_all_told(
    way: Proxy, hasty: httpx2.AsyncClient
) -> None:
    way.swallow()
    told = await asyncio.gather(*(ask(hasty, COUNT) for _ in range(5)))
    assert {code for _, code, _ in told} <= {"UNAVAILABLE", "TIMEOUT"}
    way.pass_on()
    await recovers(hasty)
