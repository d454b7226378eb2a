"""Threads that wait for SQLite in the place of the event loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Threads:
    """Does jobs in the order in which they came, each by the next thread that is free.

    An executor of the standard library makes two futures of each job, with a lock and a condition
    each, which is half of the way to a thread and back; and that is as long as most jobs take.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = 0  # jobs that wait or are being done

    async def run(self, work: Callable[[], T]) -> T:
        """Waits for what a thread makes of this; whoever is cancelled waits no longer."""
        job = _Job(work, self._ended)
        self._open += 1
        if self._open > len(self._threads) < self._most:
            self._begin()
        self._jobs.put(job)
        return await job.done  # type: ignore[no-any-return]

    def end(self) -> None:
        """Waits until all that was asked for has been done."""
        for _ in self._threads:
            self._jobs.put(None)
        for each in self._threads:
            each.join()

    def _begin(self) -> None:
        name = f"{self._name}_{len(self._threads)}"
        # Whoever forgets to close shall end all the same.
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _ended(self) -> None:
        self._open -= 1

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.do()
            # Until the next one comes, nothing of this one is held.
            del job


class OwnThread:
    """Does jobs at once, in the thread of whoever asks, for whom alone they are done.

    Two threads of which one always waits for the other spend a fourth of their time on it.
    """

    async def run(self, work: Callable[[], T]) -> T:
        """What this makes."""
        return work()

    def end(self) -> None:
        """All that was asked for has been done."""


class _Job:
    """Something to do, and who waits for it."""

    __slots__ = ("_ended", "_loop", "_work", "done")

    def __init__(self, work: Callable[[], Any], ended: Callable[[], None]) -> None:
        self._work = work
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Any] = self._loop.create_future()

    def do(self) -> None:
        try:
            made = self._work()
        except BaseException as error:  # noqa: BLE001  it is the business of whoever waits
            self._tell(self._failed, error)
        else:
            self._tell(self._made, made)

    def _tell(self, how: Callable[[Any], None], what: Any) -> None:
        # Where the loop has ended, nobody waits any more.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(how, what)

    def _made(self, made: Any) -> None:
        self._ended()
        if not self.done.done():
            self.done.set_result(made)

    def _failed(self, error: BaseException) -> None:
        self._ended()
        if not self.done.done():
            self.done.set_exception(error)
