"""What waits to be sent to one client."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 8 * 1024 * 1024
"""Characters that wait; few messages can be large."""


def json_text(said: Any) -> str:
    """JSON as both ways of staying connected send it: in one line."""
    return orjson.dumps(said, default=str).decode()


class Line:
    """Messages in their order, and no more than so many: a slow reader costs nobody else.

    Args:
        most: How many may wait.
        overrun: Is called when more do; then all that wait have been dropped.
    """

    def __init__(self, most: int, overrun: Callable[[], None]) -> None:
        self._most, self._overrun = most, overrun
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._came = asyncio.Event()
        self._is_closed = False

    def put(self, message: str) -> None:
        """Has a message wait for its turn."""
        if self._is_closed:
            return
        self._waiting.append(message)
        self._characters += len(message)
        self._came.set()
        if len(self._waiting) > self._most or self._characters > _MOST:
            self._waiting.clear()
            self._overrun()

    def close(self) -> None:
        """Lets nothing come after what waits."""
        self._is_closed = True
        self._came.set()

    async def next(self) -> str | None:
        """The next message, when there is one; None when there will be none."""
        while not self._waiting:
            if self._is_closed:
                return None
            self._came.clear()
            await self._came.wait()
        message = self._waiting.popleft()
        self._characters -= len(message)
        return message
