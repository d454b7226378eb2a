"""GraphQL over HTTP, from the first byte of a request to the last of its answer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from graphql import GraphQLError
from starlette.requests import ClientDisconnect

from crmkit.engine.executor import WORTHWHILE
from crmkit.engine.plans import Plans
from crmkit.graph import answering
from crmkit.graph.documents import Documents, Wanted
from crmkit.graph.errors import Wrong, failed
from crmkit.graph.live.door import Live
from crmkit.graph.live.stream import is_wanted
from crmkit.graph.observers import Note, observers_of
from crmkit.graph.origins import Origins
from crmkit.graph.reading import Asked, Unreadable, read, too_slow, unreadable
from crmkit.graph.trusted import Trusted
from crmkit.graph.watch import Watch, Watches
from crmkit.host.actors import SYSTEM, Actor, Rights
from crmkit.store.tally import TALLY
from crmkit.values.errors import Forbidden, Invalid, QueryTooComplex, Timeout, Unauthenticated
from crmkit.values.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from crmkit.graph.observers import Observer
    from crmkit.graph.schema import Schema
    from crmkit.host.host import Host
    from crmkit.settings import Settings

_FIRST = """{ customers(first: 1) { nodes {
  id name createdAt stage { label } interactions(first: 1) { nodes { id subject } } } } }"""
_NOBODY = Actor("nobody", "public", rights=Rights(frozenset()))
_LEFT = 499  # in the log, of a client that did not wait for its answer

log = structlog.get_logger("crmkit.graph")


class SignIn(Protocol):
    """Finds out who sends a request."""

    async def actor(self, headers: Mapping[bytes, bytes], client: str | None) -> Actor: ...

    def charge(self, actor: Actor, points: int) -> None:
        """Counts what an operation costs against what its actor may ask for."""


class _NoSignIn:
    """Lets nobody in: an endpoint that was not told who may is asked from code alone."""

    async def actor(self, headers: Mapping[bytes, bytes], client: str | None) -> Actor:
        raise Unauthenticated("Nobody can sign in here.")

    def charge(self, actor: Actor, points: int) -> None:
        """Nobody is charged."""


def documents_of(schema: Schema, settings: Settings) -> Documents:
    """Keeps what is found out of documents under these settings, and knows none yet."""
    return Documents(
        schema.core,
        settings.graphql.limits,
        suggestions=settings.profile == "development",
    )


class GraphQL:
    """The one endpoint, as an ASGI application; without a sign-in, it is asked from code alone."""

    def __init__(
        self,
        schema: Schema,
        host: Host,
        origins: Origins | None = None,
        observers: Sequence[Observer] | None = None,
        *,
        sign_in: SignIn | None = None,
        keep_plans: bool = True,
        documents: Documents | None = None,
    ) -> None:
        self._schema = schema
        self._origins = origins or Origins(host.settings)
        self._host = host
        self._sign_in = sign_in or _NoSignIn()
        settings = host.settings
        self._settings = settings
        self._documents = documents or documents_of(schema, settings)
        self.observers = observers_of(settings) if observers is None else observers
        self._trusted = Trusted(settings.graphql)
        self._watches = Watches(settings.server.body_seconds, settings.graphql.operation_seconds)
        # Whether everybody may ask what the schema is, or only those who have the permission.
        self._introspection = settings.introspection
        self._by_permission = settings.graphql.introspection is None
        # Where nobody has said where the log goes, a line for each request helps nobody. It is
        # bound here, because putting a logger together takes longer than writing a line.
        self._log = log.bind() if structlog.is_configured() else None
        self.plans = Plans() if keep_plans else None
        self.live = Live(self, schema, host, self._origins, self.plans, self._sign_in)

    async def warm(self) -> None:
        """Does what the first request would have to wait for: imports, and SQLAlchemy's caches."""
        for _ in range(WORTHWHILE):
            await self.execute(_FIRST)

    async def execute(
        self,
        document: str,
        operation: str | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        actor: Actor = SYSTEM,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """Runs one operation and returns the answer with its errors as clients see them."""
        asked = Asked(document, None, operation, dict(variables or {}))
        note = Note(request_id or new_id("request"), actor)
        try:
            return await self.run(self.wanted(asked, note), note)
        except (Wrong, GraphQLError, Forbidden, Invalid, QueryTooComplex) as error:
            return failed(error, note.request_id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.live.socket(scope, receive, send)
            return
        note = Note(new_id("request"), _NOBODY, began=time.perf_counter())
        if not self.observers:
            note.calls = None
        headers = dict(scope["headers"])
        note.has_written = answering.WROTE in headers.get(b"cookie", b"")
        likes = headers.get(b"accept", b"")
        if is_wanted(likes):
            await self._stream(note, headers, scope, receive, send)
            return
        kind = answering.accepted(likes)
        TALLY.set(note)
        watch = Watch(self._watches, receive)
        answer: dict[str, Any] | None = None
        try:
            with watch, self._host.cohort as cohort:
                asked = await read(scope, headers, receive, self._origins)
                watch.begin()
                note.charge = self._sign_in.charge
                note.actor = await self._sign_in.actor(headers, _client(scope))
                wanted = self.wanted(asked, note)
                if note.kind == "query":
                    await cohort.stage()  # A mutation waits when it has been planned.
                answer = await self.run(wanted, note)
            note.status = 200
        except ClientDisconnect:
            note.status = _LEFT
        except Exception as error:  # noqa: BLE001  `failed` logs it with its traceback
            answer = self._failed(self._late(watch, note) if watch.over else error, note, kind)
        if answer is not None:
            wrote = self._host.database.has_replica and note.kind == "mutation"
            await answering.respond(
                scope, send, answer, note.status, kind, note.request_id, wrote=wrote
            )
        self.observed(note, headers)

    def observed(self, note: Note, headers: Mapping[bytes, bytes]) -> None:
        """Tells the log and whoever else wants to hear of a request that is over."""
        note.seconds = time.perf_counter() - note.began
        if self._log is not None:
            # Names and numbers alone: what was asked for and answered is people's.
            self._log.info(
                "request",
                request_id=note.request_id,
                actor=note.actor.id,
                kind=note.kind,
                operation=note.operation,
                plan=note.plan,
                statements=note.statements,
                status=note.status,
                ms=round(note.seconds * 1000, 2),
            )
        for each in self.observers:
            each.answered(note, headers)

    async def _stream(
        self,
        note: Note,
        headers: Mapping[bytes, bytes],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answers with events, unless it is no request."""
        TALLY.set(note)
        try:
            asked = await self._asked(scope, headers, receive)
            note.charge = self._sign_in.charge
            note.actor = await self._sign_in.actor(headers, _client(scope))
        except ClientDisconnect:
            note.status = _LEFT
        except Exception as error:  # noqa: BLE001  `failed` logs it with its traceback
            kind = answering.GRAPHQL
            answer = self._failed(error, note, kind)
            await answering.respond(scope, send, answer, note.status, kind, note.request_id)
        else:
            await self.live.stream(asked, note, scope, receive, send)
        self.observed(note, headers)

    async def _asked(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> Asked:
        seconds = self._settings.server.body_seconds
        try:
            async with asyncio.timeout(seconds):
                return await read(scope, headers, receive, self._origins)
        except TimeoutError:
            raise too_slow(seconds) from None

    def _failed(self, error: Exception, note: Note, kind: str) -> dict[str, Any]:
        """The answer to a request of which nothing ran; its status is noted."""
        answer = failed(error, note.request_id)
        said = error.status if isinstance(error, Unreadable) else None
        note.status = said or answering.status_of(answer, kind)
        return answer

    def _late(self, watch: Watch, note: Note) -> Exception:
        """What to say when the time was over."""
        if watch.works:
            return _too_slow(self._settings.graphql.operation_seconds, note)
        return too_slow(self._settings.server.body_seconds)

    def wanted(self, asked: Asked, note: Note) -> Wanted:
        """The operation that is asked for, of a valid document.

        Raises:
            Wrong: The document is not valid.
            GraphQLError: It cannot be read, or has no such operation.
            Failure: It is not let in, or asks for too much.
            Unreadable: An address asks for a change.
        """
        text = self._trusted.text(asked)
        introspects = self._introspection or (
            self._by_permission and note.actor.rights.may("core.schema.read")
        )
        document = self._documents(text, introspection=introspects)
        operation = document.operation(asked.operation)
        note.kind, note.operation = operation.kind, operation.name
        if not asked.may_change and operation.kind == "mutation":
            raise unreadable(405, "Send mutations with POST.", "http.method")
        return Wanted(operation, asked.variables or {})

    def run(self, wanted: Wanted, note: Note) -> Awaitable[dict[str, Any]]:
        """Runs a query or a mutation.

        Raises:
            Wrong: Its variables do not fit, or it is neither.
            Failure: It is not for this actor, or costs too much.
        """
        run = self._schema.run(
            wanted, host=self._host, actor=note.actor, note=note, plans=self.plans
        )
        return run.answer()


def _client(scope: Scope) -> str | None:
    """The address that a request comes from."""
    return scope["client"][0] if scope.get("client") else None


def _too_slow(seconds: float, note: Note) -> Timeout:
    told = f"The operation took longer than {seconds:g} seconds and was stopped."
    if note.kind == "mutation":
        told += " Whether it had an effect says the same mutation with the same idempotencyKey."
    return Timeout(told)
