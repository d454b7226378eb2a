"""Breaks the connection of a client that takes nothing any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

ABORT = "crmkit.abort"
"""The extension of ASGI by which our own server breaks a connection: what waits in its buffer
would otherwise be kept for as long as the client likes."""


async def abort(scope: Scope, receive: Receive) -> None:
    """Breaks it, where the server can."""
    offered = scope.get("extensions", {}).get(ABORT)
    if offered is not None:
        offered["now"]()
        while not (await receive())["type"].endswith(".disconnect"):
            pass
