from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from starlette.applications import Starlette

from crmkit.app import routes
from crmkit.testing import crm
from crmkit.testing.trusting import trusting

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from crmkit import sdk
    from crmkit.testing import Trial


@pytest.fixture
async def t() -> AsyncIterator[Trial]:
    async with crm() as t:
        yield t


@pytest.fixture
async def http(t: Trial) -> AsyncIterator[httpx2.AsyncClient]:
    async with _client(t) as client:
        yield client


@asynccontextmanager
async def served(
    *plugins: type[sdk.Plugin], **settings: Any
) -> AsyncGenerator[tuple[httpx2.AsyncClient, Trial]]:
    """A client of an app with these plugins and settings."""
    async with crm(*plugins, **settings) as t, _client(t) as client:
        yield client, t


def stranger(t: Trial) -> httpx2.AsyncClient:
    """A client that has not signed in, which counts."""
    transport = httpx2.ASGITransport(Starlette(routes=routes(t.crm)))
    return httpx2.AsyncClient(transport=transport, base_url="http://crm")


def _client(t: Trial) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(Starlette(routes=routes(trusting(t.crm))))
    return httpx2.AsyncClient(transport=transport, base_url="http://crm")
