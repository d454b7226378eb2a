"""Stops an operation whose time is over, or whose client has gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Receive

_AT_ONCE = 0.2  # seconds; what takes no longer is not worth watching over


class Watch:
    """Cancels the work within its block.

    Most work is over before anybody has to look, so all that it costs then is a timer.

    Raises:
        TimeoutError: The work took too long.
        ClientDisconnect: Nobody waits for it any more.
    """

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._seconds = seconds
        self._left = False
        self._over = False
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._ends = loop.time() + self._seconds
        self._timer = loop.call_later(min(_AT_ONCE, self._seconds), self._look)
        self._work = asyncio.current_task()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._looking is not None:
            self._looking.cancel()
        if not self._over:
            return
        assert self._work is not None  # noqa: S101  a task is what runs here
        if self._work.uncancel() == 0 and kind is asyncio.CancelledError:
            raise (ClientDisconnect if self._left else TimeoutError) from error

    def _look(self) -> None:
        self._looking = asyncio.create_task(self._until_over(), name="watch over an operation")

    async def _until_over(self) -> None:
        try:
            async with asyncio.timeout_at(self._ends):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
            self._left = True
        except TimeoutError:
            pass
        self._over = True
        assert self._work is not None  # noqa: S101  a task is what runs here
        self._work.cancel()
