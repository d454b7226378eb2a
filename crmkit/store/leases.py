"""Work that one process has at a time: how long it is waited for, and for its next try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmkit.settings import WorkerSettings

_FACTOR = 5
_LONGEST = timedelta(minutes=15)

TRIES = 5
"""Whoever failed as often is dead."""


@dataclass(frozen=True)
class Patience:
    """Waits longer after each try."""

    lease: timedelta = timedelta(seconds=30)
    first: timedelta = timedelta(seconds=5)

    @classmethod
    def of(cls, settings: WorkerSettings) -> Patience:
        """What the operator says."""
        return cls(
            timedelta(seconds=settings.lease_seconds), timedelta(seconds=settings.backoff_seconds)
        )

    def after(self, tries: int) -> timedelta:
        """How long to wait after so many tries have failed."""
        times: int = _FACTOR ** (tries - 1)
        return min(self.first * times, _LONGEST)


USUAL = Patience()


class LeaseLost(Exception):
    """Somebody took so long that another one has begun the same work."""
