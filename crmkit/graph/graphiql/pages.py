"""The addresses of GraphiQL: a page, and the files it names, all from here."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from crmkit.graph.graphiql.example import example

if TYPE_CHECKING:
    from starlette.requests import Request

    from crmkit.graph.schema import Schema

_OWN = Path(__file__).parent
FETCHED = _OWN / "fetched"
"""Where set-up puts what npm has."""

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_OF_NPM = (
    "graphiql.css",
    "graphiql.min.js",
    "react-dom.production.min.js",
    "react.production.min.js",
)
_OURS = ("icon.svg", "page.css", "page.js")

# Nothing is inline but three things of GraphiQL's: its style sheet carries fonts and icons
# within itself, and an open dialog adds one style, always the same, that stops the page
# behind it from scrolling.
_POLICY = (
    "default-src 'self'; font-src 'self' data:; img-src 'self' data:; "
    "style-src 'self' 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    # Asked for again each time, sent again only when it has changed.
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_MISSING = (
    "The files of GraphiQL have not been fetched. Run `make graphiql`, then load this page again.\n"
)


def graphiql(schema: Schema) -> list[Route]:
    """What a browser asks for at /graphiql and below, and nothing else."""
    written = (_OWN / "page.html").read_text(encoding="utf-8")
    page = written.replace("{example}", escape(example(schema))).encode()

    async def show(request: Request) -> Response:
        if not all((FETCHED / name).is_file() for name in _OF_NPM):
            return PlainTextResponse(_MISSING, 503, _HEADERS)
        return _answer(request, page, "text/html")

    return [Route("/graphiql", show), Route("/graphiql/{name}", _file)]


async def _file(request: Request) -> Response:
    path = _path(request.path_params["name"])
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except FileNotFoundError:
        return PlainTextResponse(_MISSING, 503, _HEADERS)
    return _answer(request, content, _KINDS[path.suffix])


def _path(name: str) -> Path:
    """Where a file of this name is, if it is one of those that the page needs."""
    if name in _OURS:
        return _OWN / name
    if name in _OF_NPM:
        return FETCHED / name
    raise HTTPException(404)


def _answer(request: Request, content: bytes, kind: str) -> Response:
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {**_HEADERS, "etag": etag}
    known = request.headers.get("if-none-match", "")
    if etag in {each.strip().removeprefix("W/") for each in known.split(",")}:
        return Response(status_code=304, headers=headers)
    headers |= {"content-type": f"{kind}; charset=utf-8", "content-length": str(len(content))}
    return Response(b"" if request.method == "HEAD" else content, headers=headers)
