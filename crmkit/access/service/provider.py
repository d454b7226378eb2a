"""Bearer tokens of an identity provider, checked with its keys, which are fetched and kept."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import structlog
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from crmkit.access.errors import NotSignedIn
from crmkit.values.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmkit.settings import OidcSettings
    from crmkit.values.clock import Clock

_KEPT = timedelta(hours=1)
_AGAIN = timedelta(seconds=30)  # before an unknown key makes us ask once more
_LARGEST = 256 * 1024
_DISCOVERY = "/.well-known/openid-configuration"
_FORMS = (JoseError, ValueError, TypeError, KeyError)

log = structlog.get_logger("crmkit.access")


class Provider:
    """Says who a token of the identity provider is about."""

    def __init__(self, settings: OidcSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._keys = _Keys(settings, clock)

    async def claims(self, text: str) -> Mapping[str, Any]:
        """What a token says that was made here, for us, and is good now.

        Raises:
            NotSignedIn: It is another, or none.
            Unavailable: The provider does not tell its keys.
        """
        try:
            try:
                token = self._decoded(text, await self._keys.known())
            except InvalidKeyIdError:
                # Its keys may have changed since.
                token = self._decoded(text, await self._keys.newer())
            self._check(token.claims)
        except _FORMS:
            raise NotSignedIn from None
        return token.claims

    def _decoded(self, text: str, keys: KeySet) -> jwt.Token:
        return jwt.decode(text, keys, algorithms=self._settings.algorithms)

    def _check(self, claims: dict[str, Any]) -> None:
        jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=self._settings.leeway_seconds,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.audience},
            sub={"essential": True},
            exp={"essential": True},
        ).validate(claims)


class _Keys:
    """The provider's keys; many who wait for them ask once."""

    def __init__(self, settings: OidcSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._turn = asyncio.Lock()
        self._set: KeySet | None = None
        self._asked_at: datetime | None = None

    async def known(self) -> KeySet:
        """The keys, as they were an hour ago at most, or longer where nobody tells newer ones."""
        return await self._no_older_than(_KEPT)

    async def newer(self) -> KeySet:
        """The keys of now, unless they were asked for a moment ago."""
        return await self._no_older_than(_AGAIN)

    async def _no_older_than(self, age: timedelta) -> KeySet:
        async with self._turn:
            now = self._clock.now()
            if self._asked_at is None or now - self._asked_at >= age:
                self._asked_at = now
                try:
                    self._set = await self._fetched()
                except (httpx2.HTTPError, TimeoutError, *_FORMS):
                    log.warning("the identity provider tells no keys", exc_info=True)
            if self._set is None:
                self._asked_at = None
                raise Unavailable("The identity provider does not answer.")
            return self._set

    async def _fetched(self) -> KeySet:
        seconds = self._settings.timeout_seconds
        async with asyncio.timeout(seconds), httpx2.AsyncClient(timeout=seconds) as client:
            where = self._settings.keys or await self._discovered(client)
            return KeySet.import_key_set(await _json(client, where))

    async def _discovered(self, client: httpx2.AsyncClient) -> str:
        said = await _json(client, self._settings.issuer + _DISCOVERY)
        if said["issuer"].rstrip("/") != self._settings.issuer:
            raise ValueError(f"{self._settings.issuer} says that it is {said['issuer']}")
        where: str = said["jwks_uri"]
        return where


async def _json(client: httpx2.AsyncClient, url: str) -> Any:
    """Reads a small document; whoever sends elsewhere is not followed."""
    async with client.stream("GET", url) as answer:
        answer.raise_for_status()
        body = b""
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _LARGEST:
                raise ValueError(f"{url} is too large")
    return httpx2.Response(200, content=body).json()
