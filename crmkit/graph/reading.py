"""Reads what a client sends, within its bounds: a body, or the query of an address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect

from crmkit.values.errors import Invalid, QueryTooComplex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope

    from crmkit.graph.origins import Origins
    from crmkit.values.errors import Failure

LARGEST = 1024 * 1024
JSON = b"application/json"

_DEEPEST = 100
_CROSS_SITE = (
    "Send a header that a page of another site cannot send unasked, such as "
    "apollo-require-preflight: true."
)


@dataclass(slots=True)
class Asked:
    """One operation as a client asks for it."""

    document: str | None
    document_id: str | None
    operation: str | None
    variables: dict[str, Any] | None
    may_change: bool = True
    """False where an address alone asks, which a link or a picture can do."""


class Unreadable(Exception):
    """What was sent is no request; the status says so to what stands between."""

    def __init__(self, status: int, failure: Failure) -> None:
        super().__init__(failure.message)
        self.status = status
        self.failure = failure


def unreadable(status: int, message: str, reason: str) -> Unreadable:
    """A refusal of the form of a request."""
    return Unreadable(status, Invalid(message, reason=reason))


async def read(
    scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, origins: Origins
) -> Asked:
    """Reads one request.

    Raises:
        Unreadable: It is none, or is too large.
        ClientDisconnect: The client left before it had said all.
    """
    if scope["method"] == "POST":
        if (kind := headers.get(b"content-type", b"")) != JSON:
            _check_content_type(kind)
        asked = json_of(await _body(headers, receive), "The body")
        if type(asked) is not dict:
            raise unreadable(400, "The body must be one JSON object.", "http.body")
        return asked_of(asked)
    if scope["method"] == "GET":
        if not origins.vouch(headers):
            raise unreadable(400, _CROSS_SITE, "http.cross_site")
        return _in_address(scope["query_string"])
    raise unreadable(405, "Send operations with POST, or queries with GET.", "http.method")


async def _body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > LARGEST:
        raise _too_large()
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > LARGEST:
            raise _too_large()
        return body
    return await _in_parts(message, receive)


async def _in_parts(message: Mapping[str, Any], receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST:
            raise _too_large()
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def too_slow(seconds: float) -> Unreadable:
    """A body that does not arrive."""
    told = f"The body did not arrive within {seconds:g} seconds."
    return unreadable(408, told, "http.body_too_slow")


def _too_large() -> Unreadable:
    return unreadable(413, "The body is larger than 1 MiB.", "http.body_too_large")


def _check_content_type(header: bytes) -> None:
    kind, *parameters = (part.strip().lower() for part in header.split(b";"))
    if kind != JSON:
        raise unreadable(415, "Send the operation as application/json.", "http.content_type")
    named = {part.replace(b'"', b"") for part in parameters if part.startswith(b"charset=")}
    if not named <= {b"charset=utf-8"}:
        raise unreadable(415, "Send the body in UTF-8.", "http.charset")


def _in_address(query: bytes) -> Asked:
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=len(_MEMBERS)
        )
    except ValueError:
        raise unreadable(400, "The address has no query that can be read.", "http.query") from None
    said: dict[str, Any] = dict(pairs)
    if len(said) < len(pairs):
        raise unreadable(400, "The address says something twice.", "http.query")
    for name in ("variables", "extensions"):
        if said.get(name):
            said[name] = json_of(said[name].encode(), name)
    return asked_of({name: value for name, value in said.items() if value != ""}, may_change=False)


def json_of(text: bytes, called: str) -> Any:
    """What JSON says.

    Raises:
        Unreadable: It is none, or nests too deep.
    """
    try:
        # It takes strict UTF-8 and JSON alone, and bounds numbers by itself.
        read = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        message = f"{called} is not JSON: {error.msg} at character {error.pos}."
        raise unreadable(400, message, "http.body") from None
    if text.count(b"{") + text.count(b"[") > _DEEPEST:
        _check_depth(read)
    return read


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            each
            for outer in level
            for each in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(each, dict | list)
        ]
        if not level:
            return
    raise Unreadable(400, QueryTooComplex(f"The variables nest deeper than {_DEEPEST} levels."))


_MEMBERS: dict[str, tuple[type, str]] = {
    "query": (str, "a string"),
    "documentId": (str, "a string"),
    "operationName": (str, "a string"),
    "variables": (dict, "an object"),
    "extensions": (dict, "an object"),
}


def asked_of(said: Mapping[str, Any], *, may_change: bool = True) -> Asked:
    """The operation that a client asks for.

    Raises:
        Unreadable: Something of it is not what it has to be.
    """
    for name, value in said.items():
        if value is not None and name in _MEMBERS and type(value) is not _MEMBERS[name][0]:
            raise unreadable(400, f"{name} must be {_MEMBERS[name][1]} or null.", "http.body")
    document, document_id = said.get("query"), said.get("documentId")
    if document is None and document_id is None:
        raise unreadable(400, "The request has no query.", "http.body")
    return Asked(
        document, document_id, said.get("operationName"), said.get("variables"), may_change
    )
