"""Jobs on SQLite's threads that can be stopped while a statement runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

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


def overdue() -> Timeout:
    """What a statement says that took too long."""
    return Timeout("The database took too long over this, and was stopped.")
