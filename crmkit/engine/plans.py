"""Plans that were made before, for requests that differ in nothing that was looked at."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from crmkit.engine.late import Look, Request, Unbound

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from crmkit.engine.plan import Plan

MOST = 500  # a plan takes a tenth of a megabyte


class Plans:
    """Keeps the plans of one app that were used last.

    Below the key of an operation stands its plan, or what the planner looked at first;
    below each thing seen there stands a plan, or what was looked at next. So requests
    are told apart by what the planner has really looked at, and nobody has to know it.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.hits = 0
        self.misses = 0
        self.alone = 0
        self._kept: OrderedDict[Hashable, Look | Plan] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Hashable, request: Request) -> Plan | None:
        """The plan that serves this request, if one was made."""
        try:
            while (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                if not isinstance(found, Look):
                    self.hits += 1
                    return found
                key = (found, found.answer(request))
        except Unbound:
            pass
        self.misses += 1
        return None

    def keep(self, key: Hashable, looks: Sequence[tuple[Look, str]], plan: Plan) -> None:
        """Keeps a plan for all requests in which the same is seen."""
        for look, answer in looks:
            kept = self._kept.setdefault(key, look)
            key = (kept, answer)
        self._kept[key] = plan
        # What was looked at first is used first, so nothing outlives the way to it for long.
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)
