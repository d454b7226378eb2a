"""From what is known of a customer to points: which rules give how many, why, until when."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from crmkit_grading.config import EventKind, Group
from crmkit_grading.config.rules import MOST, WHOLE

if TYPE_CHECKING:
    from crmkit_grading.config import GradingConfig, Limits, Rule


@dataclass(frozen=True)
class Happened:
    """An event as rules see it; its day is one of the organisation's calendar."""

    id: str
    kind: EventKind
    day: date
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """All that rules ask of a customer."""

    id: str
    fields: Mapping[str, Any]
    events: Sequence[Happened] = ()


@dataclass(frozen=True)
class Share:
    """What a rule, or a limit where there is no rule, adds to a score."""

    rule: str | None
    group: Group | None
    points: int
    evidence: tuple[str, ...] = ()
    ends: date | None = None


@dataclass(frozen=True)
class Score:
    """The points of a customer on a day; its shares sum up to it exactly."""

    total: int
    fit: int
    engagement: int
    shares: tuple[Share, ...]
    changes: date | None
    """The first day on which it can be another although nothing happens."""


def score(config: GradingConfig, known: Known, today: date) -> Score:
    """Counts the points of a customer as they are today."""
    found: dict[Group, list[Share]] = {group: [] for group in Group}
    changes: list[date] = []
    disqualifying: list[Share] = []
    for key, rule in config.rules.items():
        counted = _Counted(rule, known)
        if change := counted.next_change(today):
            changes.append(change)
        if points := counted.points(today):
            share = Share(key, rule.group, points, counted.evidence(today), counted.end(today))
            (disqualifying if rule.disqualifies else found[rule.group]).append(share)
    for group, shares in found.items():
        shares += _limit(group, _sum(shares), config.limits_of(group))
    shares = [each for group in Group for each in found[group]]
    shares += _limit(None, _sum(shares), config.limits)
    for each in disqualifying:
        # What is left is taken by the first of them; the others say that they are true as well.
        rest = config.limits.min - _sum(shares)
        shares.append(Share(each.rule, each.group, rest, each.evidence, each.ends))
    return Score(
        _sum(shares),
        _sum(found[Group.FIT]),
        _sum(found[Group.ENGAGEMENT]),
        tuple(shares),
        min(changes, default=None),
    )


class _Counted:
    """A rule, and what of a customer it counts."""

    def __init__(self, rule: Rule, known: Known) -> None:
        self.rule = rule
        self._id = known.id
        self._is_fit = rule.group is Group.FIT
        self._is_true = self._is_fit and rule.holds(known.fields)
        happened = () if self._is_fit else known.events
        self._events = [
            each
            for each in happened
            if each.kind in rule.events and rule.holds(known.fields, each.fields)
        ]
        self._days = Counter(each.day.toordinal() for each in self._events)

    def points(self, day: date) -> int:
        """What it gives on a day; one for being true where it disqualifies."""
        return self._points(day.toordinal())

    def evidence(self, day: date) -> tuple[str, ...]:
        """What counts on a day, the latest first; of fit, the customer."""
        if self._is_fit:
            return (self._id,)
        latest = sorted(self._events, key=lambda each: (each.day, each.id), reverse=True)
        return tuple(each.id for each in latest if self.rule.share((day - each.day).days))

    def next_change(self, today: date) -> date | None:
        """The first day after today on which it gives another number of points."""
        begin = today.toordinal()
        to_come = min((day for day in self._days if day > begin), default=None)
        last = self._last()
        # Until the next event points only fade, so the day can be found by halving.
        end = to_come or (begin if last is None else last + 1)
        now = abs(self._points(begin))
        days = range(begin + 1, end)
        at = bisect_left(days, True, key=lambda day: abs(self._points(day)) < now)
        found = days[at] if at < len(days) else to_come
        return None if found is None else today.fromordinal(found)

    def end(self, today: date) -> date | None:
        """The first day from which on it gives nothing any more."""
        last = self._last()
        begin = max(today.toordinal(), max(self._days, default=0))
        if last is None or last <= begin:
            return None
        days = range(begin, last + 1)
        at = bisect_left(days, True, key=lambda day: not self._points(day))
        return today.fromordinal(days[at]) if at < len(days) else None

    def _last(self) -> int | None:
        """A day on which nothing is left of its events, if there is one."""
        reach = self.rule.reach_days
        return max(self._days) + reach if self._days and reach is not None else self._fades()

    def _fades(self) -> int | None:
        """The day of the last step, where even that leaves something."""
        if self._days and self.rule.steps:
            return max(self._days) + self.rule.steps[-1].after_days
        return None

    def _points(self, day: int) -> int:
        worth = abs(self.rule.points) or 1
        if self._is_fit:
            return (self.rule.points or 1) if self._is_true else 0
        most = self.rule.per_day
        parts = worth * sum(
            (min(times, most) if most else times) * self.rule.share(day - each)
            for each, times in self._days.items()
        )
        parts = min(parts, (self.rule.cap or MOST) * WHOLE)
        # Half a point is a whole one, on either side of zero.
        points = (2 * parts + WHOLE) // (2 * WHOLE)
        return -points if self.rule.points < 0 else points


def _limit(group: Group | None, points: int, limits: Limits) -> list[Share]:
    """What keeps points within their limits, as a share of its own."""
    kept = min(max(points, limits.min), limits.max)
    return [Share(None, group, kept - points)] if kept != points else []


def _sum(shares: Sequence[Share]) -> int:
    return sum(each.points for each in shares)


@dataclass(frozen=True)
class Step:
    """A grade as scores reach it."""

    id: str
    key: str
    at_least: int


def grade(steps: Sequence[Step], points: int, before: str | None, hysteresis: int) -> Step | None:
    """The grade of a score; `before` is kept while the score is hardly below its least.

    A score below all of them has the lowest: where there are grades, everybody has one.
    """
    falling = sorted(steps, key=lambda each: each.at_least, reverse=True)
    reached = next((each for each in falling if each.at_least <= points), None)
    reached = reached or next(iter(falling[-1:]), None)
    held = next((each for each in steps if each.key == before), None)
    if reached and held and held.at_least - hysteresis <= points < held.at_least:
        return held
    return reached
