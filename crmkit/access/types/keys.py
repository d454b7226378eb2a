"""What a client sees of API keys, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING

from crmkit.access import models
from crmkit.access.types.people import User
from crmkit.engine.fields import JSON, Ref, Secret, to_one
from crmkit.engine.nodes import node
from crmkit.values import checks

if TYPE_CHECKING:
    from crmkit.values.errors import Problem

_MOST = 100


@node(
    models.ApiKey,
    list="apiKeys",
    read="core.api_key.read",
    order_by=models.ApiKey.created_at.desc(),
)
class ApiKey:
    """What a program says instead of a password; it is a user's or a service's."""

    name: str
    user: User | None = to_one()
    """The user for whom it speaks."""
    service: str | None
    permissions: JSON | None
    networks: JSON
    read_only: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class CreateApiKey:
    """A new key: yours, another user's, or a service's."""

    name: str
    """What it is for."""
    user_id: Ref[User] | None = None
    """The user for whom it speaks; you, unless said."""
    service: str | None = None
    """Instead of a user, the service for which it speaks; then say what it may."""
    permissions: Sequence[str] | None = None
    """All that it may of what its owner may; left out, all of it."""
    networks: Sequence[str] = ()
    """Where it may come from, such as 203.0.113.0/24; left out, anywhere."""
    read_only: bool = False
    """Whether it changes nothing, whatever its owner may."""
    expires_at: datetime | None = None
    """When it ends by itself."""

    def __post_init__(self) -> None:
        checks.check(
            checks.word("name", self.name),
            checks.key("service", self.service),
            _owner_faults(self),
            _network_faults(self.networks),
        )


@dataclass(frozen=True)
class CreatedApiKey:
    """The key, and the token that its program says."""

    api_key: ApiKey
    """The new key."""
    token: Secret | None
    """What the program says as `Authorization: Bearer …`, told this once: a repeat gets null."""


@dataclass(frozen=True)
class RevokeApiKey:
    """The key that is to end."""

    id: Ref[ApiKey]
    """Which one is meant."""


@dataclass(frozen=True)
class RevokedApiKey:
    """The key that has ended."""

    api_key: ApiKey
    """The key as it is now; wherever it is still known, it ends within 5 seconds."""


def _owner_faults(given: CreateApiKey) -> Iterator[Problem]:
    if given.service is None:
        return
    if given.user_id is not None:
        yield checks.fault("service", "A key speaks for a user or for a service, not for both.")
    if not given.permissions:
        yield checks.fault("permissions", "Say what the key of a service may; nobody else does.")


def _network_faults(given: Sequence[str]) -> Iterator[Problem]:
    if len(given) > _MOST:
        yield checks.fault("networks", f"A key has at most {_MOST} networks.")
    for index, each in enumerate(given):
        try:
            ip_network(each)
        except ValueError:
            message = f"{each[:80]!r} is no network such as 203.0.113.0/24 or 2001:db8::/32."
            yield checks.fault(("networks", index), message)
