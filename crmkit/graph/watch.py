"""Stops a request whose time is over, or whose client has gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Receive

_AT_ONCE = 0.2  # seconds; what takes no longer is not worth looking at


class Watch:
    """Cancels what runs within its block: first the body is read, then the operation works.

    Most is over before anybody has to look, so that all it costs is one timer.

    Raises:
        TimeoutError: It took too long.
        ClientDisconnect: Nobody waits for the answer any more.
    """

    def __init__(self, receive: Receive, body_seconds: float, operation_seconds: float) -> None:
        self._receive = receive
        self._operation_seconds = operation_seconds
        self._loop = asyncio.get_running_loop()
        self._pause = min(_AT_ONCE, body_seconds, operation_seconds)
        self._ends = self._loop.time() + body_seconds
        self.works = False
        self._left = False
        self.over = False
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The body has been read; the operation has its own time."""
        self.works = True
        self._ends = self._loop.time() + self._operation_seconds

    async def __aenter__(self) -> Self:
        self._timer = self._loop.call_later(self._pause, self._look)
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
        if not self.over:
            return
        assert self._work is not None  # noqa: S101  a task is what runs here
        if self._work.uncancel() == 0 and kind is asyncio.CancelledError:
            raise (ClientDisconnect if self._left else TimeoutError) from error

    def _look(self) -> None:
        """While the body is read, its reader hears of it when the client goes."""
        if self.works:
            self._looking = self._loop.create_task(self._until_over(), name="watch a request")
        elif self._loop.time() >= self._ends:
            self._stop()
        else:
            self._timer = self._loop.call_later(self._pause, self._look)

    async def _until_over(self) -> None:
        try:
            async with asyncio.timeout_at(self._ends):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
            self._left = True
        except TimeoutError:
            pass
        self._stop()

    def _stop(self) -> None:
        self.over = True
        assert self._work is not None  # noqa: S101  a task is what runs here
        self._work.cancel()
