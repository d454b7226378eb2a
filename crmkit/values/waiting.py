"""Waiting for something that happens, but not for ever."""

from __future__ import annotations

import asyncio


async def within(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event no longer than so many seconds, and says whether it has happened.

    Whoever is cancelled in the very moment in which it happens is cancelled: Python 3.11's
    `asyncio.wait_for` forgets that, and a loop that was to end would go on for ever.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
