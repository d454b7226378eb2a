"""When something is to happen again and again: each so much time, or by the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_NAMES = {
    "month": ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    "weekday": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
_FARTHEST = 366 * 8  # days; 29 February comes after eight years at most


class Schedule(Protocol):
    """Says when it is time; `text` tells it from others."""

    @property
    def text(self) -> str: ...

    def next(self, after: datetime) -> datetime:
        """The first moment after this one."""


@dataclass(frozen=True)
class Every:
    """Each so much time, counted from 1970, so that all workers mean the same moments."""

    period: timedelta

    def __post_init__(self) -> None:
        if self.period < timedelta(seconds=1):
            raise ValueError("a schedule comes again after a second at the earliest")

    @property
    def text(self) -> str:
        return f"every {self.period.total_seconds():g} s"

    def next(self, after: datetime) -> datetime:
        return _EPOCH + ((after - _EPOCH) // self.period + 1) * self.period


class Cron:
    """By the calendar of a zone: `30 2 * * mon-fri` is half past two on workdays.

    A time that the clocks skip comes when it would have come had they not been changed; one
    that they show twice comes the first time, and both times where the hour is `*`.
    """

    def __init__(self, expression: str, zone: str) -> None:
        said = expression.lower().split()
        if len(said) != len(_FIELDS):
            raise ValueError(f"{expression!r} has not the five fields of a cron expression")
        self.text = f"{' '.join(said)} {zone}"
        self._zone = ZoneInfo(zone)
        found = [_values(each, *field) for each, field in zip(said, _FIELDS, strict=True)]
        self._minutes, self._hours, self._days, self._months, weekdays = found
        self._weekdays = {each % 7 for each in weekdays}
        # Of day and weekday either one is enough where both are said, as everywhere.
        self._either = not (said[2].startswith("*") or said[4].startswith("*"))
        self._folds = (0, 1) if said[1].startswith("*") else (0,)
        if next(self._from(date(2024, 1, 1)), None) is None:
            raise ValueError(f"{expression!r} names a day that no year has")

    def next(self, after: datetime) -> datetime:
        # A skipped time may come out on the day after its own.
        day = after.astimezone(self._zone).date() - timedelta(days=1)
        return next(
            found for each in self._from(day) for found in self._moments(each) if found > after
        )

    def _from(self, day: date) -> Iterator[date]:
        """The days on which it comes, beginning with this one."""
        for _ in range(_FARTHEST):
            if self._is_on(day):
                yield day
            day += timedelta(days=1)

    def _is_on(self, day: date) -> bool:
        by_day, by_weekday = day.day in self._days, day.isoweekday() % 7 in self._weekdays
        fits = (by_day or by_weekday) if self._either else (by_day and by_weekday)
        return fits and day.month in self._months

    def _moments(self, day: date) -> list[datetime]:
        local = (
            datetime(day.year, day.month, day.day, hour, minute, tzinfo=self._zone, fold=fold)
            for hour in self._hours
            for minute in self._minutes
            for fold in self._folds
        )
        return sorted({each.astimezone(UTC) for each in local})


def _values(said: str, field: str, least: int, most: int) -> set[int]:
    """The numbers that a field of a cron expression means: `*`, `1-5`, `*/15`, `mon,wed`."""
    found: set[int] = set()
    for part in said.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = least, min(most, 6) if field == "weekday" else most
        else:
            begin = _number(first, field)
            end = _number(last, field) if dash else most if slash else begin
        every = _number(step, field) if slash else 1
        if not (least <= begin <= end <= most and every > 0):
            raise ValueError(f"{part!r} is no {field} of a cron expression")
        found.update(range(begin, end + 1, every))
    return found


def _number(said: str, field: str) -> int:
    names = _NAMES.get(field, [])
    if said in names:
        return names.index(said) + (field == "month")
    if not said.isdecimal():
        raise ValueError(f"{said!r} is no {field} of a cron expression")
    return int(said)
