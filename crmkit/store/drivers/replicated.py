"""PostgreSQL with a standby: what may be a little late is read there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from crmkit.store.drivers.lateness import may_be_late
from crmkit.store.drivers.postgres import Postgres, pool_of
from crmkit.store.drivers.postgres_errors import plainly
from crmkit.store.violations import Contention
from crmkit.values.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmkit.settings import DatabaseSettings
    from crmkit.store.pool import Pool

log = structlog.get_logger("crmkit.store")

_LOOK = 1.0  # seconds between two looks at how far the standby is behind

_WRITTEN = "SELECT pg_current_wal_lsn()::text"
_SEEN = "SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= $1::text::pg_lsn"


class Replicated(Postgres):
    """A primary, and a standby that answers while it has all that was written a second ago.

    Where it has not, or does not answer, the primary is asked instead.
    """

    has_replica = True

    def __init__(self, pool: Pool, replica: Pool) -> None:
        super().__init__(pool)
        self._replica = replica
        self._keeps_up = False
        self._looking: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, settings: DatabaseSettings) -> Replicated:
        primary = pool_of(settings, settings.url)
        with plainly:
            primary.give(await primary.take())
        made = cls(primary, pool_of(settings, settings.replica_url or ""))
        await made.look("0/0")
        made._looking = asyncio.create_task(made._look_for_ever(), name="standby")
        return made

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        if not (self._keeps_up and may_be_late()):
            return await super().rows(sql, arguments)
        try:
            found = await self._fetched(sql, arguments, self._replica)
        except (Unavailable, Contention):
            # It is gone, or had to choose between this query and keeping up.
            self._keeps_up = False
            return await super().rows(sql, arguments)
        self._watch(sql)
        return found

    async def look(self, written: str) -> str:
        """Finds out whether the standby has what was written then, and how far it is by now."""
        kept_up = self._keeps_up
        try:
            [[self._keeps_up]] = await self._fetched(_SEEN, [written], self._replica)
        except Unavailable:
            self._keeps_up = False
        if kept_up and not self._keeps_up:
            log.warning("the standby does not keep up", until="it has what was written")
        [[now]] = await self._fetched(_WRITTEN, [])
        return str(now)

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._replica.close()
        await super().close()

    async def _look_for_ever(self) -> None:
        written = "0/0"
        while True:
            await asyncio.sleep(_LOOK)
            try:
                written = await self.look(written)
            except Unavailable:
                # Nobody knows how far the primary is, so nobody knows what the standby lacks.
                self._keeps_up = False
