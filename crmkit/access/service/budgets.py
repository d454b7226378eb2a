"""How much somebody may ask for in a minute: counted here, and shared by all servers."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from crmkit.access.errors import TooOften
from crmkit.access.repository.points import Rate, take
from crmkit.values.errors import Failure

if TYPE_CHECKING:
    from crmkit.host.host import Host

_LEASED = timedelta(seconds=10)
_SOON = timedelta(seconds=1)
_MOST = 10_000  # accounts that are kept

log = structlog.get_logger("crmkit.access")


@dataclass
class _Account:
    """Points that were leased and are not used up yet; below nothing, they are owed."""

    until: datetime
    refused_until: datetime
    lease: int
    left: int = 0
    asking: asyncio.Task[None] | None = None


class Budgets:
    """Leases points from the table that all servers share, for 10 s at a time.

    Nobody waits for a lease: while one is asked for, as much as one may be owed.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def check(self, name: str) -> None:
        """Refuses who has used up what there is.

        Raises:
            Limited: He has.
        """
        now = self._host.clock.now()
        account = self._accounts.get(name)
        if account is not None and now < account.refused_until:
            raise TooOften(account.refused_until - now)

    def spend(self, name: str, points: int, rate: Rate) -> None:
        """Uses up points.

        Raises:
            Limited: There are none, or none until the table has answered.
        """
        now = self._host.clock.now()
        account = self._accounts.get(name) or self._new(name, rate, now)
        if now < account.refused_until:
            raise TooOften(account.refused_until - now)
        if account.left <= -account.lease:
            raise TooOften(_SOON)
        account.left -= points or 1
        if account.asking is None and (account.left <= 0 or now >= account.until):
            # Who has not asked for long is the first to be forgotten.
            self._accounts.move_to_end(name)
            asking = self._ask(name, account, rate)
            account.asking = asyncio.create_task(asking, name="lease points")

    async def settled(self) -> None:
        """Waits for the leases that are asked for."""
        asking = [each.asking for each in self._accounts.values() if each.asking is not None]
        await asyncio.gather(*asking)

    def _new(self, name: str, rate: Rate, now: datetime) -> _Account:
        lease = max(1, int(rate.points_of(_LEASED)))
        made = self._accounts[name] = _Account(now, now, lease)
        if len(self._accounts) > _MOST:
            # What it has leased is lost to it, which its owner notices only if he comes back.
            self._accounts.popitem(last=False)
        return made

    async def _ask(self, name: str, account: _Account, rate: Rate) -> None:
        back = max(0, account.left)
        account.left -= back
        wanted, now = account.lease - account.left, self._host.clock.now()
        try:
            taken = await take(self._host.database, name, wanted, rate, now, back=back)
            account.left += taken.points
        except Failure:
            # Without a database nothing is answered anyway.
            log.warning("points were not leased", exc_info=True)
            account.left += wanted
        account.until = now + _LEASED
        if account.left <= 0:
            account.refused_until = now + rate.time_of(1 - account.left)
        account.asking = None
