"""Who asks: found by what the head of a request says, and remembered for some seconds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache, partial
from hashlib import blake2b
from ipaddress import IPv6Address, ip_network
from typing import TYPE_CHECKING

from crmkit.access.errors import NotSignedIn
from crmkit.access.repository.points import Rate
from crmkit.access.service.budgets import Budgets
from crmkit.access.service.credentials import NOTHING, Credentials, Known, address
from crmkit.host.actors import Actor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmkit.host.host import Host

_GUESS = 100  # points of an address for showing what is not valid
_MOST = 10_000  # actors that are remembered
_LOCAL = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip")


class SignIn:
    """Finds out who sends a request; whoever is ended or changed is so within 5 seconds."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._credentials = Credentials(host)
        self._budgets = Budgets(host)
        self._rate = Rate(host.settings.access.points_per_minute)
        self._public_rate = Rate(host.settings.access.public_points_per_minute)
        self._address_names = lru_cache(_MOST)(partial(_name_of, host))
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Known]] = {}

    async def actor(self, headers: Mapping[bytes, bytes], client: str | None) -> Actor:
        """The actor whom the head of a request names, or the public if it names nobody.

        Raises:
            Unauthenticated: What it says was not given out, or has ended.
        """
        said = headers.get(b"authorization")
        if said is None:
            return await self._nobody(headers, client)
        try:
            known = await self._found(said, client)
            if known.networks and not known.admits(client):
                raise NotSignedIn
        except NotSignedIn:
            self._budgets.spend(*self._of_address(client, _GUESS))
            raise
        return known.actor

    def charge(self, actor: Actor, points: int) -> None:
        """Counts what an operation costs; the system's own and a developer's are free.

        Raises:
            Limited: The actor has used up what he may ask for in a minute.
        """
        if actor.kind == "public":
            self._budgets.spend(*self._of_address(actor.values.get("address"), points))
        elif not actor.rights.is_unlimited:
            self._budgets.spend(f"actor:{actor.key or actor.id}", points, self._rate)

    async def close(self) -> None:
        """Ends what is still under way."""
        await self._credentials.close()
        await self._budgets.settled()

    def _of_address(self, client: str | None, points: int) -> tuple[str, int, Rate]:
        """The budget of where somebody comes from."""
        return self._address_names(client), points, self._public_rate

    async def _nobody(self, headers: Mapping[bytes, bytes], client: str | None) -> Actor:
        if self._is_developer(headers, client):
            return Actor("developer", "system")
        known = await self._found(NOTHING, client)
        return replace(known.actor, values={"address": client})

    def _is_developer(self, headers: Mapping[bytes, bytes], client: str | None) -> bool:
        """Whether somebody at this machine asks, himself and by its own name.

        A proxy here asks for others, and a page of any site may have its name lead here.
        """
        settings = self._host.settings
        own = address(client)
        name = headers.get(b"host", b"").lower()
        return (
            settings.profile == "development"
            and settings.access.developer
            and own is not None
            and own.is_loopback
            and not any(each in headers for each in _FORWARDED)
            and (name in _LOCAL or name.rpartition(b":")[0] in _LOCAL)
        )

    async def _found(self, said: bytes, client: str | None) -> Known:
        name = blake2b(said, digest_size=16).digest()
        known = self._known.get(name)
        if known is not None and self._host.clock.now() < known.until:
            return known
        if said != NOTHING:
            self._budgets.check(self._of_address(client, _GUESS)[0])
        # Of many who ask with one token at once, one looks; and whoever leaves stops nobody.
        if (asking := self._asking.get(name)) is None:
            asking = self._asking[name] = asyncio.create_task(self._look(name, said))
            asking.add_done_callback(lambda done: self._looked(name, done))
        return await asyncio.shield(asking)

    async def _look(self, name: bytes, said: bytes) -> Known:
        self._known.pop(name, None)
        known = self._known[name] = await self._credentials.of(said)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return known

    def _looked(self, name: bytes, done: asyncio.Task[Known]) -> None:
        del self._asking[name]
        if not done.cancelled():
            done.exception()  # Who waited has been told; perhaps nobody does any more.


def _name_of(host: Host, client: str | None) -> str:
    """What the budget of an address is called, which does not tell it; of IPv6, its network."""
    own = address(client)
    whole = ip_network(f"{own}/64", strict=False) if isinstance(own, IPv6Address) else own
    return f"from:{host.tokens.digest(str(whole)).hex()}"
