"""Who waits for something that happens hears of it, of the end of his time, or that he is to stop."""

from __future__ import annotations

import asyncio

import pytest

from crmkit.values.waiting import within

pytestmark = pytest.mark.anyio


async def test_it_says_whether_it_has_happened() -> None:
    event = asyncio.Event()
    assert not await within(event, 0)
    event.set()
    assert await within(event, 10)


@pytest.mark.parametrize("turns", range(6))
async def test_who_is_cancelled_while_it_happens_is_cancelled(turns: int) -> None:
    event = asyncio.Event()
    task = asyncio.create_task(_for_ever(event))
    for _ in range(3):
        await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    _, waits = await asyncio.wait([task], timeout=60)
    assert not waits
    assert task.cancelled()


async def _for_ever(event: asyncio.Event) -> None:
    while True:
        event.clear()
        await within(event, 60)
