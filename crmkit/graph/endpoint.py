"""GraphQL over HTTP: reads a request within its bounds and answers with one encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from crmkit.engine.plans import Plans
from crmkit.graph.documents import Documents
from crmkit.graph.errors import failed, formatted
from crmkit.host.context import SYSTEM
from crmkit.values.errors import Failure, Invalid, QueryTooComplex, Unavailable
from crmkit.values.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from crmkit.graph.schema import Schema
    from crmkit.host.host import Host

_LARGEST_BODY = 1024 * 1024
_JSON = "application/json"
_GRAPHQL = "application/graphql-response+json"


class GraphQL:
    """The one endpoint, as an ASGI application.

    A body must say that it is JSON: a form of another site cannot, so no browser can be
    led to send one.
    """

    def __init__(self, schema: Schema, host: Host, *, keep_plans: bool = True) -> None:
        self._schema = schema
        self._host = host
        self._documents = Documents(schema.core, host.settings.graphql.limits)
        self.plans = Plans() if keep_plans else None

    async def execute(
        self,
        document: str,
        operation: str | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """Runs one operation and returns the answer with its errors as clients see them."""
        request_id = request_id or new_id("request")
        result = await self._executed(document, operation, variables, request_id)
        if errors := result.pop("errors", None):
            # Errors first: a reader of the raw answer should not miss them.
            return {"errors": formatted(errors, request_id), **result}
        return result

    async def _executed(
        self,
        text: str,
        operation: str | None,
        variables: Mapping[str, Any] | None,
        request_id: str,
    ) -> dict[str, Any]:
        try:
            document = self._documents(text)
            if isinstance(document, list):
                return {"errors": document}
            return await self._schema.execute(
                document=document,
                operation=operation,
                variables=variables,
                host=self._host,
                actor=SYSTEM,
                request_id=request_id,
                plans=self.plans,
            )
        except (GraphQLError, QueryTooComplex) as error:
            return {"errors": [error]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        request_id = new_id("request")
        accepted = _accepted(request.headers.get("accept", ""))
        try:
            asked = _read(await _body(request))
            result = await self.execute(
                asked.document, asked.operation, asked.variables, request_id=request_id
            )
            status = 200 if "data" in result or accepted == _JSON else 400
            return _response(result, status, accepted, request_id)
        except ClientDisconnect:
            raise
        except _Unreadable as error:
            answer, status = failed(error.failure, request_id), error.status
        except Exception as error:  # noqa: BLE001  `failed` logs it with its traceback
            answer, status = failed(error, request_id), _status(error)
        return _response(answer, status, accepted, request_id)


@dataclass(frozen=True)
class _Asked:
    document: str
    operation: str | None
    variables: dict[str, Any] | None


class _Unreadable(Exception):
    def __init__(self, status: int, message: str, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.failure = Invalid(message, reason=reason)


async def _body(request: Request) -> bytes:
    if request.method != "POST":
        raise _Unreadable(405, "Send operations with POST.", "http.method")
    _check_content_type(request.headers.get("content-type", ""))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise _Unreadable(413, "The body is larger than 1 MiB.", "http.body_too_large")
    return bytes(body)


def _check_content_type(header: str) -> None:
    kind, *parameters = (part.strip().lower() for part in header.split(";"))
    if kind != _JSON:
        raise _Unreadable(415, f"Send the operation as {_JSON}.", "http.content_type")
    named = {part.replace('"', "") for part in parameters if part.startswith("charset=")}
    if not named <= {"charset=utf-8"}:
        raise _Unreadable(415, "Send the body in UTF-8.", "http.charset")


def _read(body: bytes) -> _Asked:
    try:
        # It takes strict UTF-8 and JSON alone, and bounds nesting and numbers by itself.
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The body is not JSON: {error.msg} at character {error.pos}."
        raise _Unreadable(400, message, "http.body") from None
    if not isinstance(asked, dict):
        raise _Unreadable(400, "The body must be one JSON object.", "http.body")
    document = _member(asked, "query", str, "a string")
    if document is None:
        raise _Unreadable(400, "The body has no query.", "http.body")
    _member(asked, "extensions", dict, "an object")
    return _Asked(
        document,
        _member(asked, "operationName", str, "a string"),
        _member(asked, "variables", dict, "an object"),
    )


def _member(asked: Mapping[str, Any], name: str, kind: type, called: str) -> Any:
    value = asked.get(name)
    if value is not None and not isinstance(value, kind):
        raise _Unreadable(400, f"{name} must be {called} or null.", "http.body")
    return value


def _accepted(header: str) -> str:
    """The newer media type where the client names it, else the one all understand."""
    kinds = {part.partition(";")[0].strip().lower() for part in header.split(",")}
    return _GRAPHQL if _GRAPHQL in kinds else _JSON


def _status(error: Exception) -> int:
    if isinstance(error, Unavailable):
        return 503
    return 400 if isinstance(error, Failure) else 500


def _response(answer: Mapping[str, Any], status: int, kind: str, request_id: str) -> Response:
    headers = {"content-type": f"{kind}; charset=utf-8", "x-request-id": request_id}
    if status == 405:
        headers["allow"] = "POST"
    # What a failure tells may be an amount or a moment; data are JSON already.
    return Response(orjson.dumps(answer, default=str), status, headers)
