"""The time that something may take, without what it waits for on behalf of others."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


class Allowance:
    """Cancels what runs within its block once its own time is over.

    Raises:
        TimeoutError: It took longer.
    """

    def __init__(self, seconds: float) -> None:
        self._timeout = asyncio.timeout(seconds)
        self._uncounted = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it was this time that ran out, and not another's."""
        return self._timeout.expired()

    @property
    def used(self) -> float:
        """Seconds that were counted so far."""
        return time.perf_counter() - self._began - self._uncounted

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """What runs within this block takes nothing of the time."""
        ends, began = self._timeout.when(), time.perf_counter()
        self._timeout.reschedule(None)
        try:
            yield
        finally:
            seconds = time.perf_counter() - began
            self._uncounted += seconds
            if ends is not None:
                self._timeout.reschedule(ends + seconds)

    async def __aenter__(self) -> Self:
        self._began = time.perf_counter()
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._timeout.__aexit__(kind, error, traceback)
