from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest
from starlette.applications import Starlette

from crmkit.app import routes
from crmkit.testing import crm

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from crmkit.testing import Trial


@pytest.fixture
async def t() -> AsyncIterator[Trial]:
    async with crm() as t:
        yield t


@pytest.fixture
async def http(t: Trial) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(Starlette(routes=routes(t.crm)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://crm") as client:
        yield client
