"""Wakes whoever waits for commits: in this process at once, in others of the same database soon."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog

from crmkit.values.waiting import within

if TYPE_CHECKING:
    from collections.abc import Callable

    from crmkit.store.drivers import Database
    from crmkit.store.pool import Connection

_CHANNEL = "crmkit"
_PAUSE = 0.02  # seconds between two words to others, which are one for all commits since
_AGAIN = 1.0  # seconds until a connection that broke is opened anew
_SILENT = 30.0  # seconds after which a connection has to show that it still leads somewhere

log = structlog.get_logger("crmkit.store")


class Notice(StrEnum):
    """Of what somebody is woken; each look costs some statements, whether there is anything."""

    EVENTS = "events"
    JOBS = "jobs"


class Notices:
    """Says that something was committed, and wakes those who wait for what others commit.

    A notice says neither which nor that nothing was missed, so whoever is woken looks into
    the database, and looks now and then unasked. On PostgreSQL one connection of its own
    listens and tells; a NOTIFY in the transaction would have all commits queue for one lock.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wakes: dict[Notice, list[Callable[[], None]]] = {each: [] for each in Notice}
        self._wire: Connection | None = None
        # What is said at the end of this turn here, and what others have still to be told.
        self._unsaid: set[Notice] = set()
        self._untold: set[Notice] = set()
        self._telling: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None

    def on(self, what: Notice, wake: Callable[[], None]) -> None:
        """Has somebody woken by each notice; he must be quick, and able to be woken for nothing."""
        self._wakes[what].append(wake)

    def off(self, what: Notice, wake: Callable[[], None]) -> None:
        """Lets somebody sleep who does not want to be woken any more."""
        self._wakes[what].remove(wake)

    def of_events(self) -> None:
        """Says that events were committed here."""
        self._tell(Notice.EVENTS)

    def of_jobs(self) -> None:
        """Says that jobs were committed here."""
        self._tell(Notice.JOBS)

    async def start(self) -> None:
        """Begins to listen to other processes, where there can be others."""
        if self._listening is None and self._database.may_have_others:
            self._listening = asyncio.create_task(self._listen_for_ever(), name="listen")

    async def stop(self) -> None:
        """Says what is still unsaid, and listens no more."""
        for each in [*self._unsaid]:
            self._say(each)
        if self._telling is not None:
            await self._telling
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None

    def _tell(self, what: Notice) -> None:
        """Says it at the end of this turn of the loop: once for all whose units end in it."""
        if what not in self._unsaid:
            self._unsaid.add(what)
            asyncio.get_running_loop().call_soon(self._say, what)

    def _say(self, what: Notice) -> None:
        if what not in self._unsaid:
            return  # It was said when all was stopped.
        self._unsaid.remove(what)
        self._wake(what)
        self._untold.add(what)
        if self._wire is not None and self._telling is None:
            self._telling = asyncio.create_task(self._tell_others(self._wire), name="notices")

    def _wake(self, *what: Notice) -> None:
        for notice in what:
            for each in self._wakes[notice]:
                each()

    async def _tell_others(self, wire: Connection) -> None:
        try:
            while self._untold:
                what = self._untold.pop()
                await wire.execute(f"NOTIFY {_CHANNEL}, '{what}'")
                await asyncio.sleep(_PAUSE)
        except Exception as error:  # noqa: BLE001  whoever listens looks by himself soon
            log.warning("others were not told", cause=repr(error))
            wire.terminate()
        finally:
            self._telling = None

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001  the database may be away for a while
                log.warning("nobody is heard at the moment", cause=repr(error))
            await asyncio.sleep(_AGAIN)

    async def _listen(self) -> None:
        """Listens until the connection breaks."""
        wire, broken = await self._database.wire(), asyncio.Event()
        own = wire.get_server_pid()

        def heard(_: Any, pid: int, __: str, said: str) -> None:
            if pid != own:
                self._wake(*[each for each in Notice if said in (each, "")])

        try:
            wire.add_termination_listener(lambda _: broken.set())
            await wire.add_listener(_CHANNEL, heard)
            self._wire = wire
            # What was said meanwhile, nobody has heard.
            self._wake(*Notice)
            while not broken.is_set():
                if not await within(broken, _SILENT):
                    # A network that swallows packets says nothing unless something is said.
                    self.of_events()
        finally:
            self._wire = None
            wire.terminate()
