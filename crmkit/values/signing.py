"""Texts that leave the house and come back: sealed, for one purpose, until a moment."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

from crmkit.values.errors import Invalid, Refused

if TYPE_CHECKING:
    from datetime import datetime

_SEAL = 16
_MOMENT = 8


class TokenUnknown(Invalid):
    """The token was not given out here, or for something else."""

    reason = "core.token_unknown"

    def __init__(self, field: str) -> None:
        super().__init__("This token was not given out for this.", field=field)


class TokenExpired(Refused):
    """The token was good once."""

    reason = "core.token_expired"

    def __init__(self, field: str) -> None:
        super().__init__("The time of this token is over.", field=field)


class Signer:
    """Signs with the secret of the settings; whoever changes that ends all tokens."""

    def __init__(self, secret: str) -> None:
        # Apart from the cursors, which are sealed with the same secret.
        self._key = hashlib.sha256(b"token:" + secret.encode()).digest()

    def sign(self, text: str, *, purpose: str, until: datetime) -> str:
        """A token of this text that can stand in an address."""
        body = int(until.timestamp()).to_bytes(_MOMENT) + text.encode()
        return urlsafe_b64encode(self._seal(purpose, body) + body).decode().rstrip("=")

    def verify(self, token: str, *, purpose: str, now: datetime, field: str) -> str:
        """The text of a token that was signed for this purpose.

        Raises:
            TokenUnknown: It was not, or has been altered.
            TokenExpired: Its time is over.
        """
        raw = _decoded(token)
        seal, body = raw[:_SEAL], raw[_SEAL:]
        if not hmac.compare_digest(seal, self._seal(purpose, body)):
            raise TokenUnknown(field)
        if now.timestamp() >= int.from_bytes(body[:_MOMENT]):
            raise TokenExpired(field)
        return body[_MOMENT:].decode()

    def digest(self, purpose: str, body: bytes) -> bytes:
        """A digest that nobody finds the body of by trying, who has not the settings' secret."""
        # The purpose has no NUL, so no other purpose and body begin like these.
        told = purpose.encode() + b"\0" + body
        return hashlib.blake2b(told, key=self._key, digest_size=32).digest()

    def _seal(self, purpose: str, body: bytes) -> bytes:
        return self.digest(purpose, body)[:_SEAL]


def _decoded(token: str) -> bytes:
    try:
        return urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return b""
