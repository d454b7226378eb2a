"""What people and programs show to sign in is looked up, and becomes an actor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from crmkit.access.errors import NotSignedIn
from crmkit.access.repository import keys, people
from crmkit.access.service.roles import grants_of, grants_of_role
from crmkit.access.service.uses import Uses
from crmkit.host.actors import Actor, Grant
from crmkit.values.tokens import Token, TokenKind

if TYPE_CHECKING:
    from collections.abc import Collection

    from crmkit.access.repository.keys import KnownKey
    from crmkit.host.host import Host

NOTHING = b""
"""What somebody says who does not sign in."""

_REMEMBERED = timedelta(seconds=5)


@dataclass(frozen=True)
class Known:
    """Somebody who has been found, for how long that is good, and where he may come from."""

    actor: Actor
    until: datetime
    networks: Sequence[IPv4Network | IPv6Network] = ()

    def admits(self, client: str | None) -> bool:
        if not self.networks:
            return True
        own = address(client)
        return own is not None and any(own in each for each in self.networks)


class Credentials:
    """Looks up what somebody shows, each time anew."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._uses = Uses(host)

    async def of(self, said: bytes) -> Known:
        """Whom the head `authorization` names.

        Raises:
            NotSignedIn: Nobody, or nobody any more.
        """
        if said == NOTHING:
            return await self._public()
        scheme, _, text = said.decode("latin-1").partition(" ")
        token = Token.read(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise NotSignedIn
        if token.kind is TokenKind.KEY:
            return await self._by_key(token)
        if token.kind is TokenKind.SESSION:
            return await self._by_session(token)
        raise NotSignedIn

    async def close(self) -> None:
        """Waits for what is still to be written."""
        await self._uses.written()

    async def _public(self) -> Known:
        rights = self._host.rights.rights(await grants_of_role(self._host, "public"))
        actor = Actor("public", "public", rights=rights)
        return Known(actor, _until(self._host.clock.now(), None))

    async def _by_key(self, token: Token) -> Known:
        now = self._host.clock.now()
        key = await keys.key(self._host.database, token.id)
        # What is not there is compared as well, so that it takes as long.
        is_genuine = self._host.tokens.is_of(token, bytes(key.digest) if key else b"")
        if key is None or not is_genuine or not _is_open(key, now):
            raise NotSignedIn
        self._uses.note(key.id, key.last_used_at)
        networks = [ip_network(each) for each in key.networks]
        return Known(await self._actor(key), _until(now, key.expires_at), networks)

    async def _by_session(self, token: Token) -> Known:
        now = self._host.clock.now()
        session = await people.session(self._host.database, token.id)
        is_genuine = self._host.tokens.is_of(token, bytes(session.digest) if session else b"")
        if session is None or not is_genuine or session.expires_at <= now or not session.active:
            raise NotSignedIn
        rights = self._host.rights.rights(await grants_of(self._host, session.user_id))
        values = {"user": session.user_id, "team": session.team_id, "session": session.id}
        actor = Actor(session.user_id, "user", rights=rights, values=values)
        return Known(actor, _until(now, session.expires_at))

    async def _actor(self, key: KnownKey) -> Actor:
        grants = await grants_of_key(self._host, key.user_id, key.permissions)
        rights = self._host.rights.rights(grants, read_only=key.read_only)
        if key.user_id is None:
            return Actor(key.service or "", "plugin", key.id, rights)
        values = {"user": key.user_id, "team": key.team_id}
        return Actor(key.user_id, "user", key.id, rights, values)


async def grants_of_key(
    host: Host, user_id: str | None, permissions: Collection[str] | None
) -> list[Grant]:
    """What a key gives: these permissions as far as its user has them, a service just these."""
    held = frozenset(permissions or ())
    if user_id is None:
        return [Grant(held)]
    grants = await grants_of(host, user_id)
    if permissions is None:
        return grants
    return [replace(each, permissions=each.permissions & held) for each in grants]


def address(client: str | None) -> IPv4Address | IPv6Address | None:
    """Where somebody comes from; an IPv4 address is one, however it is written."""
    try:
        found = ip_address(client or "")
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_open(key: KnownKey, now: datetime) -> bool:
    """Whether neither the key nor its owner has ended."""
    has_expired = key.expires_at is not None and key.expires_at <= now
    return key.revoked_at is None and not has_expired and key.user_is_active is not False


def _until(now: datetime, end: datetime | None) -> datetime:
    remembered = now + _REMEMBERED
    return remembered if end is None else min(remembered, end)
