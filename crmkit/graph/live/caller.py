"""Who stays connected: asked for again as long as he does, because rights end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from crmkit.graph.endpoint import SignIn
    from crmkit.host.actors import Actor

_TAKEN = ("authorization",)
"""What a client says in its first message where a browser lets it set no header."""


class Caller:
    """Whoever has sent these headers."""

    def __init__(self, sign_in: SignIn, headers: Mapping[bytes, bytes], client: str | None) -> None:
        self._sign_in = sign_in
        self._headers = headers
        self._client = client

    def saying(self, params: Mapping[str, Any] | None) -> Caller:
        """The same caller with what its first message says, as headers or beside them."""
        said = params or {}
        below = said.get("headers")
        found = {**(below if isinstance(below, Mapping) else {}), **said}
        headers = {
            name.lower().encode(): value.encode("latin-1", "replace")
            for name, value in found.items()
            if name.lower() in _TAKEN and isinstance(value, str)
        }
        return Caller(self._sign_in, {**self._headers, **headers}, self._client)

    async def actor(self) -> Actor:
        """Who it is, with the rights of now.

        Raises:
            Failure: The credentials are none, or not any more.
        """
        return await self._sign_in.actor(self._headers, self._client)

    def charge(self, actor: Actor, points: int) -> None:
        """Counts what an operation costs against what its actor may ask for."""
        self._sign_in.charge(actor, points)


class Subscriber(Protocol):
    """Who is told of events."""

    caller: Caller

    def tell(self, payload: str) -> None:
        """Has him hear an answer, which is JSON."""

    def end(self, errors: list[dict[str, Any]]) -> None:
        """Has him hear why he is told no more."""

    def revoke(self) -> None:
        """Has him hear that he is not who he was."""
