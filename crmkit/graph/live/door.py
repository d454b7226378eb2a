"""The way in for those who stay connected."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from crmkit.graph.live.caller import Caller
from crmkit.graph.live.hub import Hub
from crmkit.graph.live.socket import Socket
from crmkit.graph.live.stream import Stream
from crmkit.graph.live.telling import Telling
from crmkit.values.errors import Failure, Forbidden, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping

    from starlette.types import Receive, Scope, Send

    from crmkit.engine.plans import Plans
    from crmkit.graph.documents import Wanted
    from crmkit.graph.endpoint import SignIn
    from crmkit.graph.live.caller import Subscriber
    from crmkit.graph.observers import Note
    from crmkit.graph.origins import Origins
    from crmkit.graph.reading import Asked
    from crmkit.graph.schema import Schema
    from crmkit.host.host import Host

_STOP = 5.0  # seconds until those who are connected have heard that the server stops


class Endpoint(Protocol):
    """What those who stay connected ask of the endpoint."""

    def wanted(self, asked: Asked, note: Note) -> Wanted: ...

    def run(self, wanted: Wanted, note: Note) -> Awaitable[dict[str, Any]]: ...

    def observed(self, note: Note, headers: Mapping[bytes, bytes]) -> None: ...


class Connected(Protocol):
    """A client that stays connected."""

    def stop(self) -> None:
        """Has it hear that the server stops."""


class Live:
    """All who stay connected, and what tells them."""

    def __init__(
        self,
        endpoint: Endpoint,
        schema: Schema,
        host: Host,
        origins: Origins,
        plans: Plans | None,
        sign_in: SignIn,
    ) -> None:
        graphql = host.settings.graphql
        self.endpoint, self.origins = endpoint, origins
        self.settings, self.seconds = graphql.live, graphql.operation_seconds
        self.hub = Hub(host, self.seconds)
        self._schema, self._host, self._plans = schema, host, plans
        self._sign_in = sign_in
        self._connected: dict[Connected, asyncio.Event] = {}
        self._is_closed = False

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a websocket."""
        made = Socket(self, scope, receive, send)
        with self._kept(made):
            await made.serve()

    async def stream(
        self, asked: Asked, note: Note, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serves a request whose answers are events."""
        made = Stream(self, note, scope, receive, send)
        with self._kept(made):
            await made.serve(asked)

    @property
    def connected(self) -> int:
        """How many are."""
        return len(self._connected)

    def caller(self, scope: Scope) -> Caller:
        """Who has sent these headers."""
        client = scope["client"][0] if scope.get("client") else None
        return Caller(self._sign_in, dict(scope["headers"]), client)

    async def is_known(self, caller: Caller) -> bool:
        """Whether he still is who he says; a database that does not answer denies nobody."""
        try:
            await caller.actor()
        except (Forbidden, Unauthenticated):
            return False
        except Failure:
            pass
        return True

    async def join(self, wanted: Wanted, note: Note, subscriber: Subscriber) -> None:
        """Tells a subscriber of all that is committed from now on.

        Raises:
            Exception: Whatever is wrong with the operation; he is told nothing.
        """
        telling = Telling(self._schema, self._host, self._plans, wanted)
        telling.check(note.actor, note)
        await self.hub.join(telling, subscriber)

    async def close(self) -> None:
        """Has all hear that the server stops, and reads no more."""
        self._is_closed = True
        waiting = [asyncio.create_task(each.wait()) for each in self._connected.values()]
        for each in [*self._connected]:
            each.stop()
        if waiting:
            await asyncio.wait(waiting, timeout=_STOP)
        for task in waiting:
            task.cancel()
        await self.hub.close()

    @contextmanager
    def _kept(self, made: Connected) -> Iterator[None]:
        """Knows of a client while it is connected."""
        gone = self._connected[made] = asyncio.Event()
        if self._is_closed:
            made.stop()
        try:
            yield
        finally:
            del self._connected[made]
            gone.set()
