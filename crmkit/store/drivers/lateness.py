"""Whether what is read now may be some moments old."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LATE: ContextVar[bool] = ContextVar("may be late", default=False)


@contextmanager
def late(*, may_be: bool) -> Iterator[None]:
    """Says whether what is read in this block may be some moments old."""
    token = _LATE.set(may_be)
    try:
        yield
    finally:
        _LATE.reset(token)


def may_be_late() -> bool:
    """Whether somebody has said so around here."""
    return _LATE.get()
