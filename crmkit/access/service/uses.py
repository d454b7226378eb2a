"""When keys were last used: written at most once a minute, and while nobody waits for it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from crmkit.access.repository import keys
from crmkit.values.errors import Failure

if TYPE_CHECKING:
    from crmkit.host.host import Host

_OFTEN = timedelta(minutes=1)

log = structlog.get_logger("crmkit.access")


class Uses:
    """Collects uses, and has a task of its own write them."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting: dict[str, datetime] = {}
        self._writing: asyncio.Task[None] | None = None

    def note(self, id: str, last: datetime | None) -> None:
        """Notes that a key is used, unless this has been written a moment ago."""
        now = self._host.clock.now()
        if last is not None and now - last < _OFTEN:
            return
        self._waiting[id] = now
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="uses of keys")

    async def written(self) -> None:
        """Waits until all uses so far have been written."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        try:
            while self._waiting:
                uses, self._waiting = self._waiting, {}
                await keys.note_uses(self._host.database, uses)
        except Failure:
            # Nobody depends on it, and the next use notes it again.
            log.warning("uses of keys were not written", exc_info=True)
        finally:
            self._writing = None
