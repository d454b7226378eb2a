"""What people and programs show to sign in is looked up, and becomes an actor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from crmkit.access.errors import NotSignedIn
from crmkit.access.repository import keys, people
from crmkit.access.service.roles import grants_of, grants_of_role
from crmkit.access.service.uses import Uses
from crmkit.access.service.welcome import welcome
from crmkit.host.actors import Actor, Grant
from crmkit.values.errors import SetupError
from crmkit.values.tokens import Token, TokenKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from crmkit.access.repository.keys import KnownKey
    from crmkit.access.repository.people import KnownSubject
    from crmkit.access.service.provider import Provider
    from crmkit.host.host import Host

NOTHING = b""
"""What somebody says who does not sign in."""

_REMEMBERED = timedelta(seconds=5)
_PROVIDER = "crmkit.access.service.provider"
_DOTS = 2  # in a signed token of others


@dataclass(frozen=True)
class Known:
    """Somebody who has been found, for how long that is good, and where he may come from."""

    actor: Actor
    until: datetime
    networks: Sequence[IPv4Network | IPv6Network] = ()

    def admits(self, client: str | None) -> bool:
        """Whether an address is in one of the networks that are named."""
        own = address(client)
        return own is not None and any(own in each for each in self.networks)


class Credentials:
    """Looks up what somebody shows, each time anew."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._uses = Uses(host)
        self._provider = _provider(host)

    async def of(self, said: bytes) -> Known:
        """Whom the head `authorization` names.

        Raises:
            NotSignedIn: Nobody, or nobody any more.
        """
        if said == NOTHING:
            return await self._public()
        scheme, _, text = said.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn
        token = Token.read(text.strip())
        if token is None:
            return await self._by_provider(text.strip())
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
        actor = await self._user(session.user_id, session.team_id, session=session.id)
        return Known(actor, _until(now, session.expires_at))

    async def _by_provider(self, text: str) -> Known:
        if self._provider is None or text.count(".") != _DOTS:
            raise NotSignedIn
        claims = await self._provider.claims(text)
        user = await self._of_subject(claims)
        if user is None or not user.active:
            raise NotSignedIn
        end = datetime.fromtimestamp(claims["exp"] + self._leeway, UTC)
        return Known(await self._user(user.id, user.team_id), _until(self._host.clock.now(), end))

    async def _of_subject(self, claims: Mapping[str, Any]) -> KnownSubject | None:
        """The user whom the provider names, made now if that is wanted."""
        oidc, database = self._host.settings.access.oidc, self._host.database
        known = await people.by_subject(database, claims["sub"])
        if known is None and oidc is not None and oidc.create_users:
            await welcome(self._host, claims, oidc.roles)
            known = await people.by_subject(database, claims["sub"])
        return known

    @property
    def _leeway(self) -> int:
        oidc = self._host.settings.access.oidc
        return oidc.leeway_seconds if oidc else 0

    async def _user(self, id: str, team: str | None, **more: str) -> Actor:
        rights = self._host.rights.rights(await grants_of(self._host, id))
        return Actor(id, "user", rights=rights, values={"user": id, "team": team, **more})

    async def _actor(self, key: KnownKey) -> Actor:
        grants = await grants_of_key(self._host, key.user_id, key.permissions)
        rights = self._host.rights.rights(grants, read_only=key.read_only)
        if key.user_id is None:
            return Actor(key.service or "", "plugin", key.id, rights)
        values = {"user": key.user_id, "team": key.team_id}
        return Actor(key.user_id, "user", key.id, rights, values)


def _provider(host: Host) -> Provider | None:
    """The identity provider of the settings, which wants libraries that others do not need.

    Raises:
        SetupError: They are not installed.
    """
    oidc = host.settings.access.oidc
    if oidc is None:
        return None
    try:
        made: Provider = import_module(_PROVIDER).Provider(oidc, host.clock)
    except ModuleNotFoundError as error:
        raise SetupError(
            f"access.oidc needs {error.name}, which is not installed; run pip install 'crmkit[oidc]'."
        ) from None
    return made


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
