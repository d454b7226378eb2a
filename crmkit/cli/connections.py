"""A connection whose client has to say soon, and in few words, what it wants."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from crmkit.graph.live.abort import ABORT

if TYPE_CHECKING:
    from websockets.http11 import Request

MOST = 128 * 1024
"""Bytes of the head of a request; of an address alone, httptools reads half as much."""

_CONTINUE = b"HTTP/1.1 100 "
_LENGTH = b"\r\ncontent-length: "


class Connection(HttpToolsProtocol):
    """One of uvicorn's, which would wait for the end of a head for ever, and keep all of it.

    Args:
        seconds: How long it waits, from the first byte of a request or, before the first one,
            from the beginning; between requests uvicorn's own keep-alive counts.
    """

    def __init__(self, *uvicorns: Any, seconds: float, **named: Any) -> None:
        super().__init__(*uvicorns, **named)
        self._seconds = seconds
        self._end: asyncio.TimerHandle | None = None
        self._is_within = False  # a head of which the end has not come yet
        self._bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
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
        self.scope["extensions"] = {ABORT: {"now": self.transport.abort}}
        self._is_within = True

    def on_headers_complete(self) -> None:
        self._is_within = False
        if self._end is not None:
            self._stop()
        super().on_headers_complete()
        begun = self.cycle
        if begun is not None and not begun.response_started and begun.scope["method"] != "HEAD":
            begun.transport = _Answer(self.transport)

    def _begin(self) -> None:
        self._bytes = 0
        self._end = self.loop.call_later(self._seconds, self.transport.close)

    def _stop(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._end = None


class _Answer(asyncio.Transport):
    """Sends the head of an answer together with its body, if it says that one comes.

    uvloop sends each write at once, and to send takes longer than all else that uvicorn does.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._has_begun = False
        self._head = b""

    def write(self, part: Any) -> None:
        if self._head:
            part = self._head + part
            self._head = b""
        elif not self._has_begun and not part.startswith(_CONTINUE):
            self._has_begun = True
            if _LENGTH in part:
                self._head = part
                return
        self._transport.write(part)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        if self._head:
            self.write(b"")
        self._transport.close()


class Socket(WebSocketsSansIOProtocol):
    """A websocket of uvicorn's that can be broken off."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # Otherwise it was no handshake.
            self.scope["extensions"][ABORT] = {"now": self.transport.abort}
