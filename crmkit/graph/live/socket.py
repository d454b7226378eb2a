"""graphql-transport-ws: one websocket, and all that a client asks over it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from crmkit.graph.errors import errors_of
from crmkit.graph.live.abort import abort
from crmkit.graph.live.line import Line, json_text
from crmkit.graph.observers import Note
from crmkit.graph.reading import LARGEST, Unreadable, asked_of, json_of
from crmkit.store.tally import TALLY
from crmkit.values.errors import Limited, Unauthenticated
from crmkit.values.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from crmkit.graph.documents import Wanted
    from crmkit.graph.live.caller import Caller
    from crmkit.graph.live.door import Live
    from crmkit.graph.reading import Asked

PROTOCOL = "graphql-transport-ws"

_GOODBYE = 1.0  # seconds that a client has to take the last word

log = structlog.get_logger("crmkit.graph")


class Closing(Exception):
    """Why the connection ends, in the words of the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Subscription:
    """One of the subscriptions of a socket."""

    def __init__(self, socket: Socket, id: str, caller: Caller) -> None:
        self._socket, self._id = socket, json_text(id)
        self.key: Any = None
        self.caller = caller
        self.id = id

    def tell(self, payload: str) -> None:
        self._socket.put(f'{{"id":{self._id},"type":"next","payload":{payload}}}')

    def end(self, errors: list[dict[str, Any]]) -> None:
        self._socket.fail(self.id, errors)

    def revoke(self) -> None:
        self._socket.end(Closing(4403, "Forbidden"))


class Socket:
    """One connection, from its handshake to its last word."""

    def __init__(self, live: Live, scope: Scope, receive: Receive, send: Send) -> None:
        self._live = live
        self._scope, self._receive, self._send = scope, receive, send
        self._headers = dict(scope["headers"])
        self._offered = PROTOCOL in scope.get("subprotocols", ())
        self._caller = live.caller(scope)
        self._settings = live.settings
        self._line = Line(live.settings.waiting, self._overrun)
        self._ended: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()
        self._was_greeted = self._is_greeted = False
        self._subscriptions: dict[str, Subscription] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        """Talks until one of both has enough."""
        await self._receive()
        if not self._live.origins.lets_in(self._headers):
            await self._send({"type": "websocket.close"})  # Before it is accepted: 403.
            return
        await self._send(
            {"type": "websocket.accept", "subprotocol": PROTOCOL if self._offered else None}
        )
        closing: Closing | None = Closing(4406, "Subprotocol not acceptable")
        if self._offered:
            closing = await self._talked()
        if closing is not None:
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(_GOODBYE):
                    told = {"code": closing.code, "reason": closing.reason}
                    await self._send({"type": "websocket.close", **told})
                    return
            await abort(self._scope, self._receive)

    def put(self, message: str) -> None:
        """Has something said in its turn."""
        self._line.put(message)

    def fail(self, id: str, errors: list[dict[str, Any]]) -> None:
        """Says why an operation is over."""
        self._forget(id)
        self._say("error", id=id, payload=errors)

    def end(self, closing: Closing) -> None:
        """Ends the connection."""
        if not self._ended.done():
            self._ended.set_result(closing)

    def stop(self) -> None:
        """Ends it because the server stops."""
        self.end(Closing(1001, "The server stops; connect again."))

    def _overrun(self) -> None:
        self.end(Closing(1013, "Too slow: more waits than is kept; connect again."))

    # -- while it lasts -----------------------------------------------------------------------

    async def _talked(self) -> Closing | None:
        """Talks, and says why no more; None where the client has gone."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._settings.init_seconds, self._need_greeting)
        reading = loop.create_task(self._read(), name="read a socket")
        writing = loop.create_task(self._write(), name="write a socket")
        try:
            over: list[asyncio.Future[Any]] = [reading, writing, self._ended]
            await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
            return await self._reason(reading, writing)
        finally:
            timer.cancel()
            for each in [*self._subscriptions, *self._running]:
                self._forget(each)
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)

    async def _reason(self, *tasks: asyncio.Task[None]) -> Closing | None:
        if self._ended.done():
            return self._ended.result()
        try:
            for each in tasks:
                if each.done():
                    await each
        except Closing as closing:
            return closing
        except Exception:
            log.exception("a socket broke")
            return Closing(1011, "Internal error")
        return None

    def _need_greeting(self) -> None:
        if not self._was_greeted:
            self.end(Closing(4408, "Connection initialisation timeout"))

    async def _write(self) -> None:
        with suppress(OSError):  # It has gone, which the other task hears.
            while True:
                try:
                    async with asyncio.timeout(self._settings.heartbeat_seconds):
                        message = await self._line.next()
                except TimeoutError:
                    await self._still_there()
                else:
                    await self._send({"type": "websocket.send", "text": message})
        await asyncio.Event().wait()

    async def _still_there(self) -> None:
        """Looks whether whoever hears nothing at the moment may still be here."""
        if self._is_greeted and not await self._live.is_known(self._caller):
            raise Closing(4403, "Forbidden")

    async def _read(self) -> None:
        while (message := await self._receive())["type"] == "websocket.receive":
            await self._heard(self._message(message.get("text")))

    def _message(self, text: str | None) -> Mapping[str, Any]:
        if text is None or len(text) > LARGEST:
            raise Closing(4400 if text is None else 1009, "Send text of at most 1 MiB.")
        try:
            said = json_of(text.encode(), "The message")
        except Unreadable:
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("type"), str):
            raise Closing(4400, "Send a message of the protocol as JSON.")
        return said

    # -- messages -----------------------------------------------------------------------------

    async def _heard(self, message: Mapping[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                await self._greet(message.get("payload"))
            case "ping":
                self._say("pong")
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message.get("id"), message.get("payload"))
            case "complete":
                self._forget(message.get("id"))
            case kind:
                raise Closing(4400, f"There is no message of the type {kind[:50]}.")

    async def _greet(self, params: Any) -> None:
        if self._was_greeted:
            raise Closing(4429, "Too many initialisation requests")
        if params is not None and not isinstance(params, dict):
            raise Closing(4400, "The payload of connection_init is an object.")
        self._was_greeted = True
        self._caller = self._caller.saying(params)
        if not await self._live.is_known(self._caller):
            raise Closing(4403, "Forbidden")
        self._is_greeted = True
        self._say("connection_ack")

    async def _subscribe(self, id: Any, payload: Any) -> None:
        if not self._is_greeted:
            raise Closing(4401, "Unauthorized")
        if not isinstance(id, str) or not id or not isinstance(payload, dict):
            raise Closing(4400, "A subscribe message has an id and a payload.")
        if id in self._subscriptions or id in self._running:
            raise Closing(4409, f"Subscriber for {id[:50]} already exists")
        try:
            asked = asked_of(payload)
        except Unreadable as error:
            raise Closing(4400, error.failure.message[:100]) from None
        await self._begin(id, asked)

    async def _begin(self, id: str, asked: Asked) -> None:
        note = Note(new_id("request"), began=time.perf_counter())
        TALLY.set(note)
        try:
            self._check_number()
            async with asyncio.timeout(self._live.seconds):
                note.charge = self._caller.charge
                note.actor = await self._caller.actor()
                wanted = self._live.endpoint.wanted(asked, note)
                if wanted.operation.kind == "subscription":
                    await self._join(id, wanted, note)
                else:
                    work = self._answered(id, wanted, note)
                    self._running[id] = asyncio.create_task(work, name="answer over a socket")
                    return
        except Unauthenticated:
            raise Closing(4403, "Forbidden") from None
        except Exception as error:  # noqa: BLE001  `formatted` logs what is not expected
            self.fail(id, errors_of(error, note))
            note.status = 400
        self._live.endpoint.observed(note, self._headers)

    def _check_number(self) -> None:
        most = self._settings.subscriptions
        if len(self._subscriptions) + len(self._running) >= most:
            raise Limited(f"One connection has at most {most} operations at a time.")

    async def _join(self, id: str, wanted: Wanted, note: Note) -> None:
        made = Subscription(self, id, self._caller)
        made.key = wanted.key
        self._subscriptions[id] = made
        await self._live.join(wanted, note, made)
        note.status = 200

    async def _answered(self, id: str, wanted: Wanted, note: Note) -> None:
        """Runs a query or a mutation, and stops when the client wants no answer any more."""
        try:
            async with asyncio.timeout(self._live.seconds):
                answer = await self._live.endpoint.run(wanted, note)
        except Exception as error:  # noqa: BLE001  `formatted` logs what is not expected
            self.fail(id, errors_of(error, note))
            note.status = 400
        else:
            note.status = 200
            self._say("next", id=id, payload=answer)
            self._say("complete", id=id)
        finally:
            self._running.pop(id, None)
            self._live.endpoint.observed(note, self._headers)

    def _forget(self, id: Any) -> None:
        if (made := self._subscriptions.pop(id, None)) is not None:
            self._live.hub.leave(made.key, made)
        if (task := self._running.pop(id, None)) is not None and task is not asyncio.current_task():
            task.cancel()

    def _say(self, kind: str, **said: Any) -> None:
        self.put(json_text({"type": kind, **said}))
