"""Bearer tokens such as `crm_<id>_<secret>`: told once, and kept as a digest alone."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from enum import StrEnum
from secrets import token_hex

_BYTES = 24
_TOKEN = re.compile(r"(crm[a-z]?)_([0-7][0-9a-z]{25})_([0-9a-f]{48})")


class TokenKind(StrEnum):
    """What a token is for: how it begins, and of which records it names one."""

    KEY = "crm", "api_key"
    SESSION = "crms", "user_session"
    INVITATION = "crmi", "user_invitation"

    prefix: str

    def __new__(cls, value: str, prefix: str) -> TokenKind:
        made = str.__new__(cls, value)
        made._value_ = value
        made.prefix = prefix
        return made


@dataclass(frozen=True)
class Token:
    """A token as somebody shows it; whether it was given out, only its digest says."""

    kind: TokenKind
    id: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.kind.value}_{self.id.rpartition('_')[2]}_{self.secret}"

    @classmethod
    def read(cls, text: str) -> Token | None:
        """A token of ours, by its form alone."""
        found = _TOKEN.fullmatch(text)
        kind = found and next((each for each in TokenKind if each.value == found[1]), None)
        return cls(kind, f"{kind.prefix}_{found[2]}", found[3]) if found and kind else None


class Tokens:
    """Makes secrets, and digests of them that nobody makes without the settings' own secret."""

    def __init__(self, secret: str) -> None:
        # Apart from cursors and links, which are sealed with the same secret.
        self._pepper = hashlib.sha256(b"pepper:" + secret.encode()).digest()

    def new(self) -> tuple[str, bytes]:
        """A secret to be told once, and what is kept of it."""
        secret = token_hex(_BYTES)
        return secret, self.digest(secret)

    def digest(self, text: str) -> bytes:
        """What is kept of a text that can be recognised and not told."""
        return hmac.digest(self._pepper, text.encode(), "sha256")

    def is_of(self, token: Token, digest: bytes) -> bool:
        """Whether this is what was kept of the token, in the same time whatever it is."""
        return hmac.compare_digest(self.digest(token.secret), digest)
