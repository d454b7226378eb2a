"""What runs in one context, such as a request, and how long it is waited for."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Protocol


class Tally(Protocol):
    """What counts."""

    statements: int

    def took(self, plugin: str, what: str, began: float, seconds: float) -> None: ...


TALLY: ContextVar[Tally | None] = ContextVar("crmkit_tally", default=None)
"""Counts each statement that is sent in this context."""


def tell(plugin: str, what: str, began: float) -> None:
    """Says of something that is over, and began then by the performance counter, whose it was."""
    if (tally := TALLY.get()) is not None:
        tally.took(plugin, what, began, time.perf_counter() - began)
