"""Who has written a moment ago, and wants to see it."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmkit.values.clock import Clock

MOMENT = timedelta(seconds=2)
"""As long as somebody who has written reads from the primary alone."""


class Recent:
    """Those who have written in the last moment by this process; of others, cookies tell."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrote: OrderedDict[str, datetime] = OrderedDict()

    def wrote(self, actor: str) -> None:
        """Remembers that somebody has written just now, and forgets who did before."""
        now = self._clock.now()
        self._wrote[actor] = now
        self._wrote.move_to_end(actor)
        while now - next(iter(self._wrote.values())) > MOMENT:
            self._wrote.popitem(last=False)

    def __contains__(self, actor: str) -> bool:
        at = self._wrote.get(actor)
        return at is not None and self._clock.now() - at <= MOMENT
