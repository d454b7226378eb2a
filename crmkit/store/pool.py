"""Connections to PostgreSQL, each lent to one statement or one transaction at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic
from typing import Any

import asyncpg  # type: ignore[import-untyped]

from crmkit.store.patience import PATIENCE

_STOPPED = 1  # second that a server has to stop what it was at
_RESTED = 300  # seconds after which whatever stands between may have forgotten a connection

Connection = Any
"""asyncpg's, which has no types."""

_Waiter = tuple[float, "asyncio.Future[Connection | None]"]
"""Until when somebody waits for a connection, or for the place of one."""


class Pool:
    """Keeps connections open, and opens no more than so many.

    The pool of asyncpg makes a task, a timer and a proxy for each loan, which is most of
    what a small read costs. Here a loan costs something only where somebody has to wait.
    """

    def __init__(self, address: str, size: int, **options: Any) -> None:
        self._address = address
        self._size = size
        self._options = options
        self._places = 0  # taken by connections, and by those that are about to be
        self._open: set[Connection] = set()
        self._closed = False
        self._idle: list[tuple[float, Connection]] = []  # The last to come is the next to go.
        self._stopping: set[asyncio.Task[None]] = set()
        self._waiting: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def take(self) -> Connection:
        """Borrows a connection; whoever does gives it back.

        Raises:
            TimeoutError: None came free.
        """
        if (idle := self.taken()) is not None:
            return idle
        if self._places < self._size:
            self._places += 1
            return await self._connected()
        return await self._handed() or await self._connected()

    def taken(self) -> Connection | None:
        """Borrows a connection that is idle, if there is one: for that, nobody has to wait."""
        while self._idle:
            since, connection = self._idle.pop()
            if not connection.is_closed() and monotonic() - since < _RESTED:
                return connection
            self._drop(connection)
        return None

    def give(self, connection: Connection) -> None:
        """Gives back what was borrowed; it may be broken, or busy with being cancelled."""
        if self._closed or (self._waiting and connection.is_closed()):
            self._drop(connection)
        elif not (self._waiting and self._hand(connection)):
            # Whether it is broken, the next one to take it finds out.
            now, idle = monotonic(), self._idle
            idle.append((now, connection))
            if now - idle[0][0] > _RESTED:
                self._drop(idle.pop(0)[1])

    def give_stopped(self, connection: Connection) -> None:
        """Gives back what may still be at work on something that nobody waits for any more.

        Closing it would leave the server at work, so it is given a moment to stop.
        """
        task = asyncio.create_task(self._stop(connection), name="stop a statement")
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def close(self) -> None:
        """Closes all connections; what is still lent breaks."""
        self._closed = True
        if self._timer is not None and not self._waiting:
            self._timer.cancel()
        await asyncio.gather(*self._stopping)
        while self._idle:
            await self._idle.pop()[1].close()
        for each in self._open:
            each.terminate()

    async def connected(self) -> Connection:
        """A new connection that is none of the pool's; whoever asks closes it."""
        return await asyncpg.connect(self._address, **self._options)

    async def _connected(self) -> Connection:
        """A new connection, in a place that is counted already."""
        try:
            made = await self.connected()
        except BaseException:
            self._leave()
            raise
        self._open.add(made)
        return made

    async def _handed(self) -> Connection | None:
        """What the next one gives back, or nothing: then its place is free for a new one."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        until = loop.time() + PATIENCE
        self._waiting.append((until, waiter))
        if self._timer is None:
            self._timer = loop.call_at(until, self._look)
        try:
            return await waiter
        except asyncio.CancelledError:
            # It may have been handed over in the same moment.
            if waiter.done() and not waiter.cancelled() and not waiter.exception():
                self._pass_on(waiter.result())
            raise

    def _look(self) -> None:
        """Tells those who have waited too long; one timer does for all, because most have not."""
        loop = asyncio.get_running_loop()
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= loop.time()):
            _, waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(TimeoutError())
        self._timer = loop.call_at(self._waiting[0][0], self._look) if self._waiting else None

    async def _stop(self, connection: Connection) -> None:
        try:
            # It waits for the server's word on what it was asked to cancel.
            await connection.reset(timeout=_STOPPED)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()
        finally:
            self.give(connection)

    def _pass_on(self, handed: Connection | None) -> None:
        if handed is None:
            self._leave()
        else:
            self.give(handed)

    def _hand(self, connection: Connection | None) -> bool:
        """Gives whoever waits longest a connection, or the place for one."""
        while self._waiting:
            _, waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _drop(self, connection: Connection) -> None:
        connection.terminate()
        self._open.discard(connection)
        self._leave()

    def _leave(self) -> None:
        if not self._hand(None):
            self._places -= 1
