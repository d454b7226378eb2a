"""Brings events to their handlers: at least once, and in order per handler and record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from crmkit.store.agenda import Agenda
from crmkit.store.deliveries import (
    AT_ONCE,
    FANNED_OUT,
    HELD,
    Deliveries,
    Handler,
    Occurrence,
    settle,
)
from crmkit.store.leases import TRIES, USUAL, LeaseLost, Patience
from crmkit.values.waiting import within

if TYPE_CHECKING:
    from crmkit.store.drivers import Database
    from crmkit.values.clock import Clock

__all__ = ["TRIES", "Handler", "Occurrence", "Relay", "settle"]

_POLL = 1.0  # seconds; the net for what other processes write
_GATHER = 0.1  # seconds between two looks, because each costs as much for one event as for many
_BEHIND = 0.02  # seconds, where a look did not find room for all that there was
_RECORDS = 1_000  # that the events of one unit are about

Run = Callable[[Handler, Sequence[Occurrence]], Awaitable[None]]


class Relay:
    """Makes deliveries of new events and runs those that are due.

    `run` calls a handler inside a unit of work that it hands to `settle`, so that the
    handler's effect and the end of the deliveries are committed together. A plural handler
    is told of many events in one unit; if that fails, it is halved until the culprit
    stands alone.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        handlers: Mapping[str, Sequence[Handler]],
        run: Run,
        patience: Patience = USUAL,
    ) -> None:
        self._agenda = Agenda(database, clock)
        self._deliveries = Deliveries(database, clock, handlers, patience)
        self._patience = patience
        self._pause = min(_POLL, patience.lease.total_seconds() / 3)
        self._clock = clock
        self._named = {each.name: each for some in handlers.values() for each in some}
        self._run = run
        self._held: dict[int, Occurrence] = {}
        self._running: dict[asyncio.Task[None], str | None] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._renewed = clock.now()
        self._is_behind = False
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to deliver in the background."""
        self._loop = asyncio.create_task(self._deliver_for_ever(), name="relay")

    async def stop(self) -> None:
        """Ends what is under way; what was not finished is tried again later."""
        tasks = [*([self._loop] if self._loop else []), *self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop = None
        await self._give_back([*self._held.values()])

    def wake(self) -> None:
        """Says that there may be new events."""
        self._woken.set()

    async def drain(self, *, due: bool = True) -> bool:
        """Delivers until nothing is left or under way, and says whether there was anything.

        Args:
            due: Whether also what has only become true by the time that it is.
        """
        was_idle = True
        while await self._begin(due=due) or self._running:
            was_idle = False
            if self._running:
                first = asyncio.FIRST_COMPLETED
                await asyncio.wait(self._running, timeout=_POLL, return_when=first)
        return not was_idle

    async def _deliver_for_ever(self) -> None:
        while True:
            self._woken.clear()
            try:
                while await self._begin():
                    await self._gather()
            except Exception:  # noqa: BLE001
                # The database may be away for a while; the next turn tries again.
                structlog.get_logger().exception("relay")
            await within(self._woken, self._pause)

    async def _gather(self) -> None:
        """What comes within a moment comes together; whoever is idle waits for nothing."""
        await asyncio.sleep(_BEHIND if self._is_behind else _GATHER)

    async def _begin(self, *, due: bool = True) -> bool:
        """Begins deliveries that are due, and says whether there was anything to do."""
        async with self._turn:
            await self._renew()
            came = due and await self._agenda.come()
            made = await self._deliveries.make()
            # What comes meanwhile for a plural handler at work waits, and then comes together.
            busy = {each for each in self._running.values() if each}
            room = HELD - len(self._held)
            begun = await self._deliveries.begin(room, but=busy) if room >= HELD // 2 else []
            self._held |= {each.delivery: each for each in begun}
            for key, lane in self._lanes(begun).items():
                task = asyncio.create_task(self._work(lane), name=lane[0].handler)
                self._running[task] = key if isinstance(key, str) else None
                task.add_done_callback(self._ended)
            self._is_behind = made == FANNED_OUT or len(begun) >= room
            return came or bool(made or begun)

    def _lanes(self, begun: Sequence[Occurrence]) -> dict[object, list[Occurrence]]:
        """What one task does, in order: all of a plural handler, else what is of one record."""
        found: dict[object, list[Occurrence]] = {}
        for each in begun:
            together = self._named[each.handler].is_plural and each.tries == 1
            key = each.handler if together else (each.handler, each.record)
            found.setdefault(key, []).append(each)
        return found

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()):
            structlog.get_logger().error("relay", exc_info=error)
        self.wake()

    async def _renew(self) -> None:
        if self._clock.now() - self._renewed > self._patience.lease / 3:
            self._renewed = self._clock.now()
            await self._deliveries.renew(self._held.values())

    # -- what one task does -----------------------------------------------------------------

    async def _work(self, lane: Sequence[Occurrence]) -> None:
        handler, stuck = self._named[lane[0].handler], set[str]()
        async with self._places:
            try:
                for batch in _batches(handler, lane):
                    await self._deliver(handler, batch, stuck)
            except Exception:
                # The database went away; when their leases end, somebody tries what is left.
                for each in lane:
                    self._held.pop(each.delivery, None)
                raise

    async def _deliver(
        self, handler: Handler, batch: Sequence[Occurrence], stuck: set[str]
    ) -> None:
        """Delivers as many together as it can; what stands behind a failed one waits."""
        await self._give_back([each for each in batch if each.record in stuck])
        ready = [each for each in batch if each.record not in stuck]
        if not ready or await self._is_done(handler, ready):
            self._let_go(ready)
        elif len(ready) > 1:
            middle = len(ready) // 2
            await self._deliver(handler, ready[:middle], stuck)
            await self._deliver(handler, ready[middle:], stuck)
        else:
            stuck.add(ready[0].record)
            self._let_go(ready)

    async def _is_done(self, handler: Handler, batch: Sequence[Occurrence]) -> bool:
        """Runs the handler; only of a single event is it said to have failed."""
        one = batch[0] if len(batch) == 1 else None
        if one and one.tries > TRIES:
            # Its last tries ended with their process, so nobody counted them as failed.
            await self._deliveries.fail(one, "its process ended while it was at work")
            return True
        try:
            await self._run(handler, batch)
        except LeaseLost:
            if one:
                structlog.get_logger().warning("lease_lost", handler=handler.name)
            return False
        except Exception as error:  # noqa: BLE001  a handler may fail in any way
            if one:
                told = {"handler": handler.name, "name": one.name, "tries": one.tries}
                structlog.get_logger().exception("handler_failed", **told)
                await self._deliveries.fail(one, f"{type(error).__name__}: {error}")
            return False
        return True

    async def _give_back(self, occurrences: Sequence[Occurrence]) -> None:
        await self._deliveries.release(occurrences)
        self._let_go(occurrences)

    def _let_go(self, occurrences: Sequence[Occurrence]) -> None:
        for each in occurrences:
            del self._held[each.delivery]


def _batches(handler: Handler, lane: Sequence[Occurrence]) -> list[list[Occurrence]]:
    """What shares a unit: few events of many records, or many of few."""
    batches: list[list[Occurrence]] = []
    room = 0
    for each in lane:
        lists = (said for said in each.payload.values() if isinstance(said, list))
        records = max(map(len, lists), default=1)
        if not handler.is_plural or records > room:
            batches.append([])
            room = _RECORDS
        batches[-1].append(each)
        room -= records
    return batches
