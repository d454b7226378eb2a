"""From what is known of a customer to points: which rules give how many, why, until when."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from datetime import date
from math import ceil, log2
from typing import TYPE_CHECKING, Any, NamedTuple

from crmkit_grading.config import EventKind, Group
from crmkit_grading.config.rules import MOST, WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crmkit_grading.config import GradingConfig, Limits, Rule


class Happened(NamedTuple):
    """An event as rules see it; its day is one of the organisation's calendar."""

    id: str
    day: date
    fields: Mapping[str, Any]
    """Empty where no rule asks for them."""


class Known(NamedTuple):
    """All that rules ask of a customer."""

    id: str
    fields: Mapping[str, Any]
    events: Mapping[EventKind, Sequence[Happened]]


class Share(NamedTuple):
    """What a rule, or a limit where there is no rule, adds to a score."""

    rule: str | None
    group: Group | None
    points: int
    evidence: Callable[[], tuple[str, ...]] = tuple
    """What counts, the latest first; asked only by who shows it."""
    ends: Callable[[], date | None] = lambda: None
    """The first day from which on it gives nothing any more."""


class Score(NamedTuple):
    """The points of a customer on a day; its shares sum up to it exactly."""

    total: int
    fit: int
    engagement: int
    shares: tuple[Share, ...]
    changes: date | None
    """The first day on which it can be another although nothing happens."""


def score(config: GradingConfig, known: Known, today: date) -> Score:
    """Counts the points of a customer as they are today."""
    fit: list[Share] = []
    engagement: list[Share] = []
    changes: list[date] = []
    disqualifying: list[Share] = []
    begin = today.toordinal()
    for key, rule in config.rules.items():
        counted = _Counted(rule, known, begin)
        if change := counted.next_change():
            changes.append(change)
        if counted.points:
            share = Share(key, rule.group, counted.points, counted.evidence, counted.end)
            kept = fit if rule.group is Group.FIT else engagement
            (disqualifying if rule.disqualifies else kept).append(share)
    fit += _limit(Group.FIT, _sum(fit), config.limits_of(Group.FIT))
    engagement += _limit(Group.ENGAGEMENT, _sum(engagement), config.limits_of(Group.ENGAGEMENT))
    shares = [*fit, *engagement]
    shares += _limit(None, _sum(shares), config.limits)
    for each in disqualifying:
        # What is left is taken by the first of them; the others say that they are true as well.
        rest = config.limits.min - _sum(shares)
        shares.append(Share(each.rule, each.group, rest, each.evidence, each.ends))
    return Score(
        _sum(shares),
        _sum(fit),
        _sum(engagement),
        tuple(shares),
        min(changes, default=None),
    )


class _Counted:
    """A rule, and what of a customer it counts on a day."""

    __slots__ = ("_begin", "_days", "_events", "_id", "_is_fit", "_rule", "_share", "points")

    def __init__(self, rule: Rule, known: Known, begin: int) -> None:
        self._rule = rule
        self._id = known.id
        self._begin = begin
        self._is_fit = rule.group is Group.FIT
        if self._is_fit:
            self._events, self._days = [], []
            # One for being true where it disqualifies.
            self.points = (rule.points or 1) if rule.holds(known.fields, None) else 0
            return
        self._share = rule.share
        self._events = _counting(rule, known)
        self._days = _days(self._events, rule.per_day) if self._events else []
        self.points = self._points(begin)

    def evidence(self) -> tuple[str, ...]:
        """What counts, the latest first; of fit, the customer."""
        if self._is_fit:
            return (self._id,)
        latest = sorted(self._events, key=lambda each: (each.day, each.id), reverse=True)
        return tuple(each.id for each in latest if self._share(self._begin - each.day.toordinal()))

    def next_change(self) -> date | None:
        """The first day after today on which it gives another number of points."""
        if not self._days:
            return None
        to_come = min((day for day, _ in self._days if day > self._begin), default=None)
        last = self._last()
        # Until the next event points only fade, down to none.
        end = to_come or (self._begin if last is None else last + 1)
        found = self._falling(abs(self.points), end) if self.points else None
        found = found or to_come
        return None if found is None else date.fromordinal(found)

    def end(self) -> date | None:
        """The first day from which on it gives nothing any more."""
        last = self._last()
        begin = max(self._begin, max((day for day, _ in self._days), default=0))
        if last is None or last <= begin:
            return None
        found = _first(begin, last + 1, lambda day: not self._points(day))
        return None if found is None else date.fromordinal(found)

    def _falling(self, now: int, end: int) -> int | None:
        """The first day before this one on which it gives less."""
        begin = self._begin + 1
        return _first(begin, end, lambda day: abs(self._points(day)) < now, self._guess(now))

    def _guess(self, now: int) -> int:
        """The day on which there may be less than these points; where to look first."""
        rule, begin = self._rule, self._begin
        steps = [each.after_days for each in rule.steps]
        if rule.window_days:
            steps.append(rule.window_days)
        ends = [day + step for day, _ in self._days for step in steps if day + step > begin]
        if rule.half_life_days:
            left = sum([times * self._share(begin - day) for day, times in self._days])
            share = (abs(rule.points) or 1) * left / (WHOLE * (now - 0.5))
            ends.append(begin + max(1, ceil(rule.half_life_days * log2(max(share, 1)))))
        return min(ends, default=begin + 1)

    def _points(self, day: int) -> int:
        if not self._days:
            return 0
        rule, share = self._rule, self._share
        left = sum([times * share(day - each) for each, times in self._days])
        parts = min((abs(rule.points) or 1) * left, (rule.cap or MOST) * WHOLE)
        # Half a point is a whole one, on either side of zero.
        points = (2 * parts + WHOLE) // (2 * WHOLE)
        return -points if rule.points < 0 else points

    def _last(self) -> int | None:
        """A day on which nothing is left of its events, if there is one, or nothing changes."""
        reach = self._rule.reach_days
        if reach is None and self._rule.steps:
            # Even the last step leaves something.
            reach = self._rule.steps[-1].after_days
        latest = max((day for day, _ in self._days), default=None)
        return None if latest is None or reach is None else latest + reach


def _counting(rule: Rule, known: Known) -> list[Happened]:
    """The events that a rule counts."""
    happened = [each for kind in rule.events for each in known.events.get(kind, ())]
    if not happened or rule.counts_all:
        return happened
    holds = rule.holds
    return [each for each in happened if holds(known.fields, each.fields)]


def _days(events: Sequence[Happened], per_day: int | None) -> list[tuple[int, int]]:
    """The days of events, each with how many of them count."""
    times = Counter([each.day.toordinal() for each in events])
    return [(day, min(count, per_day) if per_day else count) for day, count in times.items()]


def _first(begin: int, end: int, holds: Callable[[int], bool], guess: int = 0) -> int | None:
    """The first of these days on which it holds, as it does from then on.

    Most often it is the one that was guessed, or else a near one.
    """
    if begin <= guess < end:
        if not holds(guess):
            begin = guess + 1
        elif guess == begin or not holds(guess - 1):
            return guess
        else:
            end = guess
    step = 1
    while begin + step < end and not holds(begin + step - 1):
        begin, step = begin + step, step * 2
    days = range(begin, min(begin + step, end))
    at = bisect_left(days, True, key=holds)
    return days[at] if at < len(days) else None


def _limit(group: Group | None, points: int, limits: Limits) -> list[Share]:
    """What keeps points within their limits, as a share of its own."""
    kept = min(max(points, limits.min), limits.max)
    return [Share(None, group, kept - points)] if kept != points else []


def _sum(shares: Sequence[Share]) -> int:
    return sum([each.points for each in shares])


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
