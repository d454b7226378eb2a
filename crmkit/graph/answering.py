"""Says an answer in the media type that a client understands, with the status that fits."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from crmkit.values.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope, Send

Headers = list[tuple[bytes, bytes]]

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
_NAMED = {kind: f"{kind}; charset=utf-8".encode() for kind in (JSON, GRAPHQL)}

# What stands between, such as a client's library, has to see these whatever the media type is.
_SEEN = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.LIMITED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.TIMEOUT: 504,
    ErrorCode.INTERNAL: 500,
}
_THEIRS = {ErrorCode.FORBIDDEN: 403}
_CHALLENGE = b'Bearer realm="crmkit", error="invalid_token"'

ANSWER = "crmkit.answer"
"""The extension of ASGI by which our own server takes a whole answer with the status 200 at once."""

WROTE = b"crmkit_wrote=1"
"""The cookie of who has just written. Whoever forges it is only read to from the primary."""
_WROTE_JUST_NOW = WROTE + b"; Max-Age=2; Path=/; HttpOnly; SameSite=Strict"


@lru_cache(256)
def accepted(likes: bytes) -> str:
    """The media type that the client likes best; the one all understand where it does not say."""
    liked: dict[str, float] = {}
    for part in likes.decode("latin-1").lower().split(","):
        kind, *parameters = (each.strip() for each in part.split(";"))
        quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        liked[kind] = float(quality) if quality.replace(".", "", 1).isdecimal() else 0.0
    newer, older = liked.get(GRAPHQL, 0.0), liked.get(JSON, 0.0)
    return GRAPHQL if newer and newer >= older else JSON


def status_of(answer: Mapping[str, Any], kind: str) -> int:
    """The status of an answer of errors alone: what the older media type says stands in the body."""
    code = answer["errors"][0]["extensions"]["code"]
    if (seen := _SEEN.get(code)) is not None:
        return seen
    return 200 if kind == JSON else _THEIRS.get(code, 400)


async def respond(
    scope: Scope,
    send: Send,
    answer: Mapping[str, Any],
    status: int,
    kind: str,
    request_id: str,
    *,
    wrote: bool = False,
) -> None:
    """Sends an answer; who has written is told to say so for a moment, to whichever server."""
    # What a failure tells may be an amount or a moment; data are JSON already.
    body = orjson.dumps(answer, default=str)
    headers = [
        (b"content-type", _NAMED[kind]),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request_id.encode()),
    ]
    if wrote:
        headers.append((b"set-cookie", _WROTE_JUST_NOW))
    offered = scope.get("extensions", {}).get(ANSWER)
    if status != 200:
        headers += _besides(answer, status)
    elif offered and offered["now"](send, headers, body):
        return
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _besides(answer: Mapping[str, Any], status: int) -> Headers:
    """What a client, or what stands between, has to know of an answer that is no success."""
    headers = []
    if status == 401:
        headers.append((b"www-authenticate", _CHALLENGE))
    if status == 405:
        headers.append((b"allow", b"GET, POST"))
    if status == 429:
        headers.append((b"retry-after", _wait(answer)))
    if status in (408, 413):
        # The rest of the body is not waited for.
        headers.append((b"connection", b"close"))
    return headers


def _wait(answer: Mapping[str, Any]) -> bytes:
    """The seconds after which it may be tried again, as the failure says them."""
    [error, *_] = answer["errors"]
    [problem, *_] = error["extensions"]["problems"]
    return str(problem["params"]["retryAfter"]).encode()
