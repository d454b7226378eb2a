"""What several ask for in the same moment, done once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from crmkit.store.tally import TALLY

_MOST = 64  # that are done at once
_SOME = 8  # that join those who act in turn; more where more than twice as many are there
_PATIENCE = 0.02  # seconds for which those who come next wait for those before them

One = TypeVar("One")
Act = Callable[[Sequence[One]], Awaitable[Sequence[Any]]]
_Waiting = list[tuple[One, "asyncio.Future[Any]"]]
_Over = asyncio.Future[None]


class Apart(Exception):
    """It cannot be done together with what others ask for; each does it alone."""


class Coalescing(Generic[One]):
    """Lets who comes first act for all who come with the same key in the same turn of the loop.

    A busy server wakes for many requests at once. Sent one by one, their statements would cost
    each the way to the database and back, which is more than most of them cost there.

    Args:
        in_turn: Whether those who come later wait for those before them, a moment at most, so
            that more are done at once. They are no more than half of those who are there: while
            the others wait for the database, this half has the server prepare what it wants.
    """

    def __init__(self, *, in_turn: bool = False) -> None:
        self._open: dict[Hashable, _Waiting[One]] = {}
        self._acting: set[asyncio.Task[None]] = set()
        self._in_turn = in_turn
        self._last: _Over | None = None
        self._present = 0

    async def join(self, key: Hashable, one: One, act: Act[One], statements: int = 1) -> Any:
        """What comes of this one.

        Args:
            key: Those who have the same can be done together.
            one: What is to be done.
            act: Does it for as many as have come; an exception that it returns is raised for
                the one in whose place it stands.
            statements: How many it takes, for the tally of whoever did not send them.

        Raises:
            Apart: It has to be done alone.
        """
        try:
            waiting = self._open.get(key)
        except TypeError:  # It holds a list, so nobody can be found that has the same.
            raise Apart from None
        self._present += 1
        try:
            if waiting is not None and len(waiting) < self._most:
                return await self._joined(waiting, one, statements)
            waiting = self._open[key] = []
            before, over = self._last, None
            if self._in_turn:
                over = self._last = asyncio.get_running_loop().create_future()
            if before is None or before.done():
                return await self._led(key, waiting, one, act, statements, over)
            mine = self._joined(waiting, one, statements)
            self._begin(self._in_time(key, waiting, act, before, over))
            return await mine
        finally:
            self._present -= 1

    @property
    def _most(self) -> int:
        return max(_SOME, self._present // 2) if self._in_turn else _MOST

    def _joined(self, waiting: _Waiting[One], one: One, statements: int) -> asyncio.Future[Any]:
        if (tally := TALLY.get()) is not None:
            tally.statements += statements
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting.append((one, waiter))
        return waiter

    async def _led(
        self,
        key: Hashable,
        waiting: _Waiting[One],
        one: One,
        act: Act[One],
        statements: int,
        over: _Over | None,
    ) -> Any:
        """Waits for one turn of the loop; whoever is alone then acts by himself."""
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            _leave(waiting)
            _end(over)
            raise
        finally:
            self._close(key, waiting)
        if waiting:
            mine = self._joined(waiting, one, statements)
            waiting.insert(0, waiting.pop())  # He came first.
            self._begin(_act(waiting, act, over))
            return await mine
        try:
            [only] = await act([one])
        finally:
            _end(over)
        return only

    async def _in_time(
        self,
        key: Hashable,
        waiting: _Waiting[One],
        act: Act[One],
        before: _Over,
        over: _Over | None,
    ) -> None:
        """Waits for those before, and then acts for all who have come."""
        patience = asyncio.get_running_loop().call_later(_PATIENCE, _end, before)
        try:
            await before
        except asyncio.CancelledError:
            _leave(waiting)
            _end(over)
            raise
        finally:
            patience.cancel()
            self._close(key, waiting)
        await _act(waiting, act, over)

    def _close(self, key: Hashable, waiting: _Waiting[One]) -> None:
        if self._open.get(key) is waiting:
            del self._open[key]

    def _begin(self, acting: Coroutine[Any, Any, None]) -> None:
        """Acts for others: that does not stop when the client of the first of them has gone."""
        context = copy_context()
        context.run(TALLY.set, None)
        task = asyncio.get_running_loop().create_task(acting, context=context)
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)


async def _act(waiting: _Waiting[One], act: Act[One], over: _Over | None) -> None:
    try:
        outcomes = await act([one for one, _ in waiting])
    except asyncio.CancelledError:
        _leave(waiting)
        raise
    except Exception as error:  # noqa: BLE001  it is the business of those who wait
        outcomes = [error] * len(waiting)
    finally:
        # Who comes next begins before those who are done go on: the database has time, too.
        _end(over)
    for (_, waiter), outcome in zip(waiting, outcomes, strict=True):
        if waiter.done():
            continue
        if isinstance(outcome, Exception):
            waiter.set_exception(outcome)
        else:
            waiter.set_result(outcome)


def _leave(waiting: _Waiting[Any]) -> None:
    """Tells those who wait that nobody acts for them."""
    for _, waiter in waiting:
        if not waiter.done():
            waiter.set_exception(Apart())


def _end(over: _Over | None) -> None:
    """Lets those who come next act."""
    if over is not None and not over.done():
        over.set_result(None)
