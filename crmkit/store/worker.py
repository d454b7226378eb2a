"""Does jobs: each by one worker at a time, tried again after failures, given up at last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from crmkit.store.leases import LeaseLost, Patience
from crmkit.store.queue import Queue, Run
from crmkit.values.waiting import within

if TYPE_CHECKING:
    from crmkit.store.drivers import Database
    from crmkit.store.timetable import Timetable
    from crmkit.values.clock import Clock

_POLL = 1.0  # seconds; the net for what other processes ask for


@dataclass(frozen=True)
class JobKind:
    """A plugin's function that does jobs of one name."""

    name: str
    function: Callable[..., Awaitable[Any]]
    plugin: str
    tries: int
    seconds: float


class Worker:
    """Begins jobs that are due, a few at a time.

    `do` runs the job's function in a unit of work that it hands to `settle`, so that its
    effect and its end are committed together. A job that goes on is done in chunks, a unit
    each; whoever takes it up after a crash goes on where the last chunk ended.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        kinds: Mapping[str, JobKind],
        timetable: Timetable,
        do: Callable[[JobKind, Run], Awaitable[None]],
        patience: Patience,
        places: int,
    ) -> None:
        self._queue = Queue(database, clock, kinds, patience)
        self._kinds = kinds
        self._timetable = timetable
        self._do = do
        self._places = places
        self._beat = patience.lease.total_seconds() / 3
        self._running: dict[asyncio.Task[None], Run] = {}
        self._woken = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begins to work in the background."""
        self._loops = [
            asyncio.create_task(self._work_for_ever(), name="worker"),
            asyncio.create_task(self._renew_for_ever(), name="heartbeat"),
        ]

    async def stop(self, grace: float = 0) -> None:
        """Begins nothing more, waits a while, and gives back what has not ended by then."""
        work, beat = self._loops[:1], self._loops[1:]
        await _cancelled(work)
        if self._running and grace:
            await asyncio.wait(self._running, timeout=grace)
        stopped = dict(self._running)
        await _cancelled([*beat, *stopped])
        for run in stopped.values():
            await self._queue.release(run)
        self._loops = []

    def wake(self) -> None:
        """Says that there may be new jobs."""
        self._woken.set()

    async def drain(self) -> bool:
        """Works until nothing is due and nothing under way, and says whether there was anything."""
        was_idle = True
        while await self._begin() or self._running:
            was_idle = False
            if self._running:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        return not was_idle

    async def _work_for_ever(self) -> None:
        while True:
            self._woken.clear()
            try:
                while await self._begin():
                    pass
            except Exception:  # noqa: BLE001
                # The database may be away for a while; the next turn tries again.
                structlog.get_logger().exception("worker")
            await within(self._woken, min(_POLL, self._beat))

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._beat)
            try:
                await self._renew()
            except Exception:  # noqa: BLE001
                # Should the lease end before it answers, another takes over, and we notice.
                structlog.get_logger().exception("heartbeat")

    async def _renew(self) -> None:
        tasks = {run: task for task, run in self._running.items()}
        for lost in await self._queue.renew([*tasks]) if tasks else ():
            # Cancelled, or another's: whatever it still did would be rolled back.
            tasks[lost].cancel()

    async def _begin(self) -> bool:
        """Begins jobs that are due, and says whether there was anything to do."""
        asked = await self._timetable.ask()
        room = self._places - len(self._running)
        begun = await self._queue.begin(room) if room else []
        for run in begun:
            task = asyncio.create_task(self._work(run), name=run.name)
            self._running[task] = run
            task.add_done_callback(self._ended)
        return asked or bool(begun)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()):
            # The database went away; when its lease ends, somebody tries it again.
            structlog.get_logger().error("worker", exc_info=error)
        self.wake()

    async def _work(self, run: Run) -> None:
        kind = self._kinds[run.name]
        if run.tries > kind.tries:
            # Its last tries ended with their process, so nobody counted them as failed.
            await self._queue.fail(run, "its process ended while it was at work", kind.tries)
            return
        try:
            await self._do_all(kind, run)
        except LeaseLost:
            structlog.get_logger().warning("lease_lost", job=run.name, id=run.id)
        except Exception as error:  # noqa: BLE001  a job may fail in any way
            structlog.get_logger().exception("job_failed", job=run.name, tries=run.tries)
            await self._queue.fail(run, f"{type(error).__name__}: {error}", kind.tries)

    async def _do_all(self, kind: JobKind, run: Run) -> None:
        """Does a job, chunk by chunk; each of them has the whole time."""
        while True:
            limit = asyncio.timeout(kind.seconds)
            try:
                async with limit:
                    await self._do(kind, run)
            except TimeoutError as error:
                if not limit.expired():
                    raise
                raise TimeoutError(f"it took longer than {kind.seconds:g} s") from error
            if run.next is None:
                return
            run.payload, run.tries = run.next, 1


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
