"""Whose pages may ask: those of the settings, and in development this machine's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.middleware.cors import CORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from crmkit.settings import Settings

_LOCAL = r"http://(localhost|127\.0\.0\.1)(:\d+)?"
_PREFLIGHTED = (b"apollo-require-preflight", b"x-apollo-operation-name")


class Origins:
    """The origins that the settings let in."""

    def __init__(self, settings: Settings) -> None:
        self._named = settings.server.origins
        self._local = _LOCAL if settings.profile == "development" else None

    def around(self, endpoint: ASGIApp) -> ASGIApp:
        """Lets their pages read the answers of an endpoint."""
        if not self._named and self._local is None:
            return endpoint
        shared = CORSMiddleware(
            endpoint,
            allow_origins=self._named,
            allow_origin_regex=self._local,
            allow_methods=("GET", "POST"),
            allow_headers=("*",),
            # What anybody may read, nobody reads with the sign-in of somebody else.
            allow_credentials="*" not in self._named,
            expose_headers=("retry-after", "x-request-id"),
        )
        return _Browsers(shared, endpoint)

    def vouch(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether no page of another site can have made a browser send this by itself.

        A header that is none of the few that pages may send unasked had to be asked for. And
        a browser says itself that a script is at work, which then names its origin if that
        is another; pictures and links of other sites cannot say so.
        """
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind == b"application/json" or any(headers.get(name) for name in _PREFLIGHTED):
            return True
        return headers.get(b"sec-fetch-mode") == b"cors" and self._allows(headers.get(b"origin"))

    def lets_in(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a page may open a socket, for which browsers ask nobody: we look ourselves."""
        origin = headers.get(b"origin")
        if self._allows(origin):
            return True
        return origin is not None and origin.partition(b"://")[2] == headers.get(b"host")

    def _allows(self, origin: bytes | None) -> bool:
        if origin is None or "*" in self._named:
            return True
        said = origin.decode("latin-1")
        return said in self._named or bool(self._local and re.fullmatch(self._local, said))


class _Browsers:
    """Keeps apart what a page asks: nobody else says where he comes from."""

    def __init__(self, pages: ASGIApp, others: ASGIApp) -> None:
        self._pages, self._others = pages, others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        of_page = any(name == b"origin" for name, _ in scope["headers"])
        await (self._pages if of_page else self._others)(scope, receive, send)
