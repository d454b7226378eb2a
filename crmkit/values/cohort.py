"""Requests that are under way together do the same things in a row."""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Generator


class Cohort:
    """Those who are within this block; each stage is done for all of them before the next one.

    What a request runs through is larger than the caches of a processor. Sixteen requests that
    go through a stage in a row find its code there; one by one, each would bring all of it anew.
    Larus and Parkes, Using Cohort Scheduling to Enhance Server Performance (2002).
    """

    def __init__(self) -> None:
        self._present = 0

    def __enter__(self) -> Self:
        self._present += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._present -= 1

    @coroutine
    def stage(self) -> Generator[None]:
        """Lets the others finish the stage before; whoever is alone goes on at once."""
        if self._present > 1:
            yield  # One turn of the loop, as asyncio's own sleep takes it.
