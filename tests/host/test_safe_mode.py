"""In safe mode events wait for those to whom they matter."""

from __future__ import annotations

import asyncio

import pytest

from crmkit.testing import crm

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("safe", [False, True])
async def test_events_are_delivered_only_out_of_safe_mode(engine: str, safe: bool) -> None:
    async with crm(engine=engine, safe_mode=safe) as t:
        await t.host.start()
        running = {each.get_name() for each in asyncio.all_tasks()}
        assert ("relay" in running) is not safe
