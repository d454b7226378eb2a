"""Counts the statements of whatever runs in one context, such as a request."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Tally(Protocol):
    """What counts."""

    statements: int


TALLY: ContextVar[Tally | None] = ContextVar("crmkit_tally", default=None)
"""Counts each statement that is sent in this context."""
