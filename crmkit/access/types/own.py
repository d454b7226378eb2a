"""What somebody sees of his own keys and sessions, and how he ends them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crmkit.engine.fields import ID
from crmkit.engine.nodes import value


@value
class OwnApiKey:
    """A key that speaks for you; what its program says is never told again."""

    id: ID
    """Names it where it is to end."""
    name: str
    """What it is for, in your words."""
    permissions: list[str] | None
    """All that it may of what you may; null is all of it."""
    networks: list[str]
    """Where it may come from; empty is anywhere."""
    read_only: bool
    """Whether it changes nothing."""
    created_at: datetime
    """When it was made."""
    expires_at: datetime | None
    """When it ends by itself."""
    last_used_at: datetime | None
    """When it was last used, to a minute."""
    revoked_at: datetime | None
    """When somebody ended it."""


@value
class OwnSession:
    """A place where you have signed in with your password, and not out again."""

    id: ID
    """Names it where it is to end."""
    created_at: datetime
    """When it began."""
    expires_at: datetime
    """When it ends by itself."""
    is_this: bool
    """Whether it is the session that asks."""


@dataclass(frozen=True)
class RevokeOwnApiKey:
    """The key of yours that is to end."""

    id: ID
    """Which one is meant."""


@dataclass(frozen=True)
class RevokedOwnApiKey:
    """The key that has ended; wherever it is still known, it ends within 5 seconds."""

    id: ID
    """Which one it is."""
    revoked_at: datetime
    """Since when it has ended."""


@dataclass(frozen=True)
class EndSession:
    """The session of yours that is to end."""

    id: ID
    """Which one is meant."""


@dataclass(frozen=True)
class EndedSession:
    """The session that has ended; wherever it is still known, it ends within 5 seconds."""

    id: ID
    """Which one it was."""
