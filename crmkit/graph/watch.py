"""Stops requests whose time is over, or whose client has gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import Receive

_AT_ONCE = 0.2  # seconds; what takes no longer is not worth looking at


class Watches:
    """Looks after all requests of an endpoint with one timer.

    Most are over before anybody looks, so that a watch costs next to nothing.
    """

    def __init__(self, body_seconds: float, operation_seconds: float) -> None:
        self.body_seconds = body_seconds
        self.operation_seconds = operation_seconds
        self._pause = min(_AT_ONCE, body_seconds, operation_seconds)
        self.kept: set[Watch] = set()
        self.looks = False

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins to look now and then, until no request is left."""
        self.looks = True
        loop.call_later(self._pause, self._look)

    def _look(self) -> None:
        for each in self.kept:
            each.look()
        self.looks = bool(self.kept)
        if self.looks:
            asyncio.get_running_loop().call_later(self._pause, self._look)


class Watch:
    """Cancels what runs within its block: first the body is read, then the operation works.

    Raises:
        TimeoutError: It took too long.
        ClientDisconnect: Nobody waits for the answer any more.
    """

    __slots__ = (
        "_ends",
        "_left",
        "_looking",
        "_receive",
        "_was_seen",
        "_watches",
        "_work",
        "loop",
        "over",
        "works",
    )

    def __init__(self, watches: Watches, receive: Receive) -> None:
        self._watches, self._receive = watches, receive
        self.loop = asyncio.get_running_loop()
        self._ends = self.loop.time() + watches.body_seconds
        self.works = False
        self._left = False
        self.over = False
        self._was_seen = False
        self._looking: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """The body has been read; the operation has its own time."""
        self.works = True
        self._ends = self.loop.time() + self._watches.operation_seconds

    def __enter__(self) -> None:
        self._work = asyncio.current_task(self.loop)
        self._watches.kept.add(self)
        if not self._watches.looks:
            self._watches.look(self.loop)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._watches.kept.discard(self)
        if self._looking is not None:
            self._looking.cancel()
        if not self.over:
            return
        assert self._work is not None  # noqa: S101  a task is what runs here
        if self._work.uncancel() == 0 and kind is asyncio.CancelledError:
            raise (ClientDisconnect if self._left else TimeoutError) from error

    def look(self) -> None:
        """Goes on looking by itself at what works for the second time, and stops what is late.

        While the body is read, its reader hears of it when the client goes.
        """
        if self.works:
            if not self._was_seen:
                self._was_seen = True  # Mostly it has only just begun.
            elif self._looking is None:
                work = self._until_over()
                self._looking = self.loop.create_task(work, name="watch a request")
        elif not self.over and self.loop.time() >= self._ends:
            self._stop()

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
