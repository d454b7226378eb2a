"""Brings events to their handlers: at least once, and in order per handler and record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import exists, not_, or_, select, update

from crmkit.store.database import table_of
from crmkit.store.outbox import Delivery, DeliveryState, Outbox
from crmkit.store.write import Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Executable

    from crmkit.store.drivers import Database, Transaction
    from crmkit.store.unit_of_work import UnitOfWork
    from crmkit.values.clock import Clock

TRIES = 5
LEASE = timedelta(seconds=30)
_BATCH = 100
_AT_ONCE = 8
_POLL = 1.0  # seconds; the net for what other processes write

event = table_of(Outbox)
delivery = table_of(Delivery)
_waiting = delivery.c.state == DeliveryState.PENDING


@dataclass(frozen=True)
class Handler:
    """A plugin's function that is told of one kind of event."""

    name: str
    event: str
    function: Callable[..., Awaitable[None]]
    plugin: str


@dataclass(frozen=True)
class Occurrence:
    """An event as one handler gets it, for the n-th time."""

    delivery: int
    handler: str
    tries: int
    name: str
    version: int
    record: str
    payload: Mapping[str, Any]
    plugin: str
    request_id: str
    at: datetime

    def settle(self, unit: UnitOfWork) -> None:
        """Has this unit of work, and no other, be the delivery's effect."""
        unit.before_commit.append(self._settle)

    async def _settle(self, transaction: Transaction) -> None:
        done = {"state": DeliveryState.DONE, "leased_until": None, "problem": None}
        if not await transaction.run(self.held().values(done)):
            raise LeaseLost(f"The delivery {self.delivery} to {self.handler} is another relay's.")

    def held(self) -> Any:
        """An update of the delivery, if nobody else has begun it meanwhile."""
        mine = (delivery.c.seq == self.delivery, delivery.c.tries == self.tries)
        return update(delivery).where(_waiting, *mine)


class LeaseLost(Exception):
    """A handler took so long that another relay has begun the same delivery."""


Run = Callable[[Handler, Occurrence], Awaitable[None]]


class Relay:
    """Makes deliveries of new events and runs those that are due.

    `run` calls a handler inside a unit of work that it hands to `occurrence.settle`, so
    that the handler's effect and the end of the delivery are committed together.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        handlers: Mapping[str, Sequence[Handler]],
        run: Run,
    ) -> None:
        self._database = database
        self._clock = clock
        self._handlers = handlers
        self._named = {each.name: each for some in handlers.values() for each in some}
        self._run = run
        self._running: dict[asyncio.Task[None], Occurrence] = {}
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to deliver in the background."""
        self._loop = asyncio.create_task(self._deliver_for_ever(), name="relay")

    async def stop(self) -> None:
        """Ends what is under way; what was not finished is tried again later."""
        tasks = [*([self._loop] if self._loop else []), *self._running]
        unfinished = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop = None
        for each in unfinished:
            await self._write(each.held().values(leased_until=None))

    def wake(self) -> None:
        """Says that there may be new events."""
        self._woken.set()

    async def drain(self) -> None:
        """Delivers until nothing is due and nothing is under way."""
        while await self._begin() or self._running:
            if self._running:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)

    async def _deliver_for_ever(self) -> None:
        renewed = self._clock.now()
        while True:
            self._woken.clear()
            try:
                while await self._begin() and len(self._running) < _AT_ONCE:
                    pass
                if self._clock.now() - renewed > LEASE / 3:
                    renewed = self._clock.now()
                    await self._renew()
            except Exception:  # noqa: BLE001
                # The database may be away for a while; the next turn tries again.
                structlog.get_logger().exception("relay")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _POLL)

    async def _begin(self) -> bool:
        """Begins deliveries that are due, and says whether there was anything to do."""
        async with self._turn:
            found = await self._has_new() and await self._fan_out()
            for each in await self._claimed():
                task = asyncio.create_task(self._deliver(each), name=each.handler)
                self._running[task] = each
                task.add_done_callback(self._ended)
                found = True
            return found

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()):
            structlog.get_logger().error("relay", exc_info=error)
        self.wake()

    # -- new events ---------------------------------------------------------------------

    async def _has_new(self) -> bool:
        return bool(await self._database.fetch(self._new(1)))

    def _new(self, limit: int) -> Any:
        columns = (event.c.seq, event.c.name, event.c.record)
        return select(*columns).where(not_(event.c.fanned_out)).order_by(event.c.seq).limit(limit)

    async def _fan_out(self) -> bool:
        """Makes a delivery to each handler of each new event.

        New is a state, not a number: on PostgreSQL a lower number may be committed later.
        """
        write = Write(self._clock.now(), {})
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch(self._new(_BATCH).with_for_update(skip_locked=True))
            for seq, name, record in rows:
                for each in self._handlers.get(name, ()):
                    due = self._clock.now()
                    write.add(Delivery(event=seq, handler=each.name, record=record, due=due))
                write.change(Outbox, (seq,), set={Outbox.fanned_out: True})
            for group in write.taken():
                await group.run(transaction)
        return bool(rows)

    # -- deliveries ---------------------------------------------------------------------

    async def _claimed(self) -> list[Occurrence]:
        room = _AT_ONCE - len(self._running)
        if room <= 0 or not await self._database.fetch(self._due(1)):
            return []
        lease = {"leased_until": self._clock.now() + LEASE, "tries": delivery.c.tries + 1}
        # A CTE that locks is run once, whatever the plan; a subquery may be run again.
        due = self._due(room).with_for_update(skip_locked=True).cte()
        mine = update(delivery).where(delivery.c.seq.in_(select(due.c.seq))).values(lease)
        async with self._database.transaction() as transaction:
            claimed = await transaction.fetch(mine.returning(delivery.c.seq))
            return await self._occurrences(transaction, [seq for (seq,) in claimed])

    def _due(self, limit: int) -> Any:
        """Deliveries whose time has come, and whose record has none before it."""
        now, before = self._clock.now(), delivery.alias("before")
        earlier = exists().where(
            before.c.state == DeliveryState.PENDING,
            before.c.handler == delivery.c.handler,
            before.c.record == delivery.c.record,
            before.c.event < delivery.c.event,
        )
        free = or_(delivery.c.leased_until.is_(None), delivery.c.leased_until <= now)
        known = delivery.c.handler.in_(sorted(self._named))
        due = select(delivery.c.seq).where(_waiting, delivery.c.due <= now, free, known, ~earlier)
        return due.order_by(delivery.c.seq).limit(limit)

    async def _occurrences(self, transaction: Transaction, seqs: list[int]) -> list[Occurrence]:
        columns = (delivery.c.seq, delivery.c.handler, delivery.c.tries)
        said = [event.c[each] for each in ("name", "version", "record", "payload", "plugin")]
        joined = select(*columns, *said, event.c.request_id, event.c.at).join_from(
            delivery, event, delivery.c.event == event.c.seq
        )
        rows = await transaction.fetch(joined.where(delivery.c.seq.in_(seqs)))
        return [Occurrence(*row) for row in sorted(rows)]

    async def _deliver(self, occurrence: Occurrence) -> None:
        if occurrence.tries > TRIES:
            # Its last tries ended with their process, so nobody counted them as failed.
            await self._fail(occurrence, "its process ended while it was at work")
            return
        try:
            await self._run(self._named[occurrence.handler], occurrence)
        except LeaseLost:
            structlog.get_logger().warning("lease_lost", handler=occurrence.handler)
        except Exception as error:  # noqa: BLE001  a handler may fail in any way
            told = {"handler": occurrence.handler, "name": occurrence.name}
            structlog.get_logger().exception("handler_failed", **told, tries=occurrence.tries)
            await self._fail(occurrence, f"{type(error).__name__}: {error}")

    async def _fail(self, occurrence: Occurrence, problem: str) -> None:
        """Tries again later, or, after the last try, lets the next event of its record pass."""
        is_dead = occurrence.tries >= TRIES
        state = DeliveryState.DEAD if is_dead else DeliveryState.PENDING
        due = self._clock.now() + timedelta(seconds=5**occurrence.tries)
        fate = {"state": state, "due": due, "leased_until": None, "problem": problem}
        await self._write(occurrence.held().values(fate))

    async def _renew(self) -> None:
        for each in list(self._running.values()):
            await self._write(each.held().values(leased_until=self._clock.now() + LEASE))

    async def _write(self, statement: Executable) -> None:
        async with self._database.transaction() as transaction:
            await transaction.run(statement)
