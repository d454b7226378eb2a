"""Server-sent events: one operation over one request, each answer an event of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from crmkit.graph.errors import errors_of
from crmkit.graph.live.abort import abort
from crmkit.graph.live.line import Line, json_text
from crmkit.values.errors import Limited, Unauthenticated

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from crmkit.graph.documents import Wanted
    from crmkit.graph.live.door import Live
    from crmkit.graph.observers import Note
    from crmkit.graph.reading import Asked
    from crmkit.values.errors import Failure

_KIND = b"text/event-stream"
_COMPLETE = "event: complete\ndata:\n\n"
_ALIVE = ":\n\n"
_GOODBYE = 1.0  # seconds that a client has to take the last word


@lru_cache(256)
def is_wanted(likes: bytes) -> bool:
    """Whether a client wants events before anything else.

    Some clients name them on every request, after what they would rather have.
    """
    first = likes.partition(b",")[0].partition(b";")[0]
    return first.strip().lower() == _KIND


class Stream:
    """One operation whose answers are sent as they come."""

    def __init__(self, live: Live, note: Note, scope: Scope, receive: Receive, send: Send) -> None:
        self._live, self._note = live, note
        self._scope, self._receive, self._send = scope, receive, send
        self._line = Line(live.settings.waiting, self._overrun)
        self._is_overrun = False
        self._is_over = asyncio.Event()
        self._joined: Wanted | None = None
        self.caller = live.caller(scope)

    async def serve(self, asked: Asked) -> None:
        """Answers until nothing is left to say, or nobody listens."""
        loop = asyncio.get_running_loop()
        await self._begin()
        tasks = [
            loop.create_task(self._answer(asked), name="answer a stream"),
            loop.create_task(self._until_gone(), name="watch a stream"),
            loop.create_task(self._write(), name="write a stream"),
            loop.create_task(self._is_over.wait(), name="watch a slow reader"),
        ]
        try:
            await asyncio.wait(tasks[1:], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._joined is not None:
                self._live.hub.leave(self._joined.key, self)
        await self._say_goodbye()

    def tell(self, payload: str) -> None:
        self._line.put(f"event: next\ndata: {payload}\n\n")

    def end(self, errors: list[dict[str, Any]]) -> None:
        self.tell(json_text({"errors": errors}))
        self._complete()

    def revoke(self) -> None:
        self._fail(Unauthenticated("Whoever asked may not ask any more; sign in again."))

    def stop(self) -> None:
        """Ends it because the server stops; as nothing says that all is told, clients come back."""
        self._line.close()

    def _complete(self) -> None:
        self._line.put(_COMPLETE)
        self._line.close()

    def _fail(self, failure: Failure) -> None:
        self.end(errors_of(failure, self._note))

    def _overrun(self) -> None:
        if not self._is_overrun:
            self._is_overrun = True
            self._fail(Limited("Too slow: more waits than is kept; ask again."))
            self._is_over.set()

    # -- while it lasts -----------------------------------------------------------------------

    async def _begin(self) -> None:
        headers = [
            (b"content-type", _KIND + b"; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            (b"x-request-id", self._note.request_id.encode()),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        self._note.status = 200

    async def _answer(self, asked: Asked) -> None:
        note, endpoint = self._note, self._live.endpoint
        try:
            wanted = endpoint.wanted(asked, note)
            async with asyncio.timeout(self._live.seconds):
                if wanted.operation.kind == "subscription":
                    await self._join(wanted)
                else:
                    self.tell(json_text(await endpoint.run(wanted, note)))
                    self._complete()
        except Exception as error:  # noqa: BLE001  `formatted` logs what is not expected
            self.end(errors_of(error, note))

    async def _join(self, wanted: Wanted) -> None:
        self._joined = wanted
        await self._live.join(wanted, self._note, self)
        # Whoever reads this knows that from now on he misses nothing.
        self._line.put(_ALIVE)

    async def _write(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._live.settings.heartbeat_seconds):
                    message = await self._line.next()
            except TimeoutError:
                message = _ALIVE
                if not await self._live.is_known(self.caller):
                    self.revoke()
                    continue
            if message is None:
                return
            await self._send_event(message)

    async def _send_event(self, message: str) -> None:
        body = message.encode()
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _say_goodbye(self) -> None:
        """Says the last words, which a slow reader has dropped of all others."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                while self._is_overrun and (message := await self._line.next()) is not None:
                    await self._send_event(message)
                await self._send({"type": "http.response.body", "body": b""})
                return
        await abort(self._scope, self._receive)
