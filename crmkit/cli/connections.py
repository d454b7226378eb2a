"""A connection whose client has to say soon, and in few words, what it wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from crmkit.graph.answering import ANSWER, Headers
from crmkit.graph.live.abort import ABORT

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from starlette.types import Send
    from websockets.http11 import Request

MOST = 128 * 1024
"""Bytes of the head of a request; of an address alone, httptools reads half as much."""


class Connection(HttpToolsProtocol):
    """One of uvicorn's, which would wait for the end of a head for ever, and keep all of it.

    Args:
        seconds: How long it waits, from the first byte of a request or, before the first one,
            from the beginning; between requests uvicorn's own keep-alive counts.
    """

    def __init__(self, *uvicorns: Any, seconds: float, **named: Any) -> None:
        super().__init__(*uvicorns, **named)
        self._seconds = seconds
        self._patience = _Patience(self.loop)
        self.loop: Any = self._patience
        self._end: asyncio.TimerHandle | None = None
        self._is_within = False  # a head of which the end has not come yet
        self._bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._patience.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._end is None:
            if not self._is_within:
                return
            self._begin()  # Most heads come whole, and need no timer.
        # What came with the last bytes of the request before is counted, too.
        self._bytes += len(data)
        if self._bytes > MOST and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # They lead to this connection and not to the request, which would be a circle for each.
        self.scope["extensions"] = {
            ABORT: {"now": self.transport.abort},
            ANSWER: {"now": self._answer},
        }
        self._is_within = True

    def on_headers_complete(self) -> None:
        self._is_within = False
        if self._end is not None:
            self._stop()
        super().on_headers_complete()

    def _answer(self, send: Send, headers: Headers, body: bytes) -> bool:
        """Sends a whole answer in one go, if all is as it mostly is; says whether it did."""
        cycle = getattr(send, "__self__", None)
        if type(cycle) is not RequestResponseCycle:
            return False  # A layer has put its own in this place, and wants to see what is sent.
        is_as_mostly = cycle.keep_alive and not (
            cycle.response_started
            or cycle.disconnected
            or cycle.waiting_for_100_continue
            or cycle.access_log
            or self.flow.write_paused
            or cycle.scope["method"] == "HEAD"
        )
        if not is_as_mostly:
            return False
        parts = [STATUS_LINE[200]]
        for name, value in (*self.server_state.default_headers, *headers):
            parts += (name, b": ", value, b"\r\n")
        # uvloop sends each write at once, and to send takes longer than all else here.
        self.transport.write(b"".join([*parts, b"\r\n", body]))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _begin(self) -> None:
        self._bytes = 0
        self._end = self._patience.loop.call_later(self._seconds, self.transport.close)

    def _stop(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None


class _Patience:
    """The loop as a connection of uvicorn's sees it, which waits for the next request after each.

    uvicorn has a timer for that, which it sets and cancels for each request. Here it is one, which
    goes on and finds out when it is over whether it still counts.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.create_task = loop.create_task
        self._timer: asyncio.TimerHandle | None = None
        self._ends = 0.0
        self._then: Callable[[], None] | None = None

    def call_later(self, seconds: float, then: Callable[[], None]) -> Self:
        """Does something after so many seconds, in the place of what was to be done before."""
        self._ends, self._then = self.loop.time() + seconds, then
        if self._timer is None:
            self._timer = self.loop.call_at(self._ends, self._look)
        return self

    def cancel(self) -> None:
        """Does not do it."""
        self._then = None

    def end(self) -> None:
        """Is asked for nothing any more."""
        self.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._then is None:
            return
        if self.loop.time() < self._ends:
            self._timer = self.loop.call_at(self._ends, self._look)
        else:
            self._then()


class Socket(WebSocketsSansIOProtocol):
    """A websocket of uvicorn's that can be broken off."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # Otherwise it was no handshake.
            self.scope["extensions"][ABORT] = {"now": self.transport.abort}
