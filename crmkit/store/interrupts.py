"""Jobs on SQLite's threads that can be stopped while a statement runs."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from crmkit.values.errors import Timeout

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

T = TypeVar("T")


class Interruptible(Generic[T]):
    """A job that another thread may stop, and nothing but this job."""

    def __init__(self, job: Callable[[sqlite3.Connection], T]) -> None:
        self._job = job
        self._turn = threading.Lock()
        self._running: sqlite3.Connection | None = None
        self._stopped = False

    def run(self, connection: sqlite3.Connection) -> T:
        """Does the job, unless it was stopped before its turn came.

        Raises:
            Timeout: It was.
        """
        with self._turn:
            if self._stopped:
                raise overdue()
            self._running = connection
        try:
            return self._job(connection)
        finally:
            with self._turn:
                self._running = None

    def stop(self) -> None:
        """Interrupts its statement; one that has ended leaves the next job's alone."""
        with self._turn:
            self._stopped = True
            if self._running is not None:
                self._running.interrupt()


class Overseer:
    """Stops jobs that have taken too long; one timer looks after all of them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pause = min(1, seconds / 4)
        self._began: dict[Interruptible[Any], float] = {}
        self._looks = False

    def watch(self, job: Interruptible[Any]) -> None:
        """Stops the job when its time is over, unless it is forgotten before."""
        loop = asyncio.get_running_loop()
        self._began[job] = loop.time()
        if not self._looks:
            self._looks = True
            loop.call_later(self._pause, self._look)

    def forget(self, job: Interruptible[Any]) -> None:
        """It has ended by itself."""
        del self._began[job]

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        for job, began in self._began.items():
            if loop.time() - began >= self._seconds:
                job.stop()
        self._looks = bool(self._began)
        if self._looks:
            loop.call_later(self._pause, self._look)


def overdue() -> Timeout:
    """What a statement says that took too long."""
    return Timeout("The database took too long over this, and was stopped.")
