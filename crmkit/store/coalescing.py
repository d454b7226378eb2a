"""What several ask for in the same moment, done once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from crmkit.store.tally import TALLY

_MOST = 64  # that are done at once

One = TypeVar("One")
Act = Callable[[Sequence[One]], Awaitable[Sequence[Any]]]
_Waiting = list[tuple[One, "asyncio.Future[Any]"]]


class Apart(Exception):
    """It cannot be done together with what others ask for; each does it alone."""


class Coalescing(Generic[One]):
    """Lets who comes first act for all who come with the same key in the same turn of the loop.

    A busy server wakes for many requests at once. Sent one by one, their statements would cost
    each the way to the database and back, which is more than most of them cost there.
    """

    def __init__(self) -> None:
        self._open: dict[Hashable, _Waiting[One]] = {}
        self._acting: set[asyncio.Task[None]] = set()

    async def __call__(self, key: Hashable, one: One, act: Act[One], statements: int = 1) -> Any:
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
        if waiting is not None and len(waiting) < _MOST:
            return await self._joined(waiting, one, statements)
        waiting = self._open[key] = []
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            _leave(waiting)
            raise
        finally:
            if self._open.get(key) is waiting:
                del self._open[key]
        if not waiting:
            [only] = await act([one])
            return only
        # Who acts for others does not stop when his own client has gone.
        mine = self._joined(waiting, one, statements)
        waiting.insert(0, waiting.pop())  # He came first.
        context = copy_context()
        context.run(TALLY.set, None)
        task = asyncio.get_running_loop().create_task(_act(waiting, act), context=context)
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)
        return await mine

    def _joined(self, waiting: _Waiting[One], one: One, statements: int) -> asyncio.Future[Any]:
        if (tally := TALLY.get()) is not None:
            tally.statements += statements
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting.append((one, waiter))
        return waiter


async def _act(waiting: _Waiting[One], act: Act[One]) -> None:
    try:
        outcomes = await act([one for one, _ in waiting])
    except asyncio.CancelledError:
        _leave(waiting)
        raise
    except Exception as error:  # noqa: BLE001  it is the business of those who wait
        outcomes = [error] * len(waiting)
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
