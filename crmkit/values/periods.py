"""Periods of the calendar: days, weeks, months, quarters and years, by their first day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PERIODS = ("day", "week", "month", "quarter", "year")


def first_day(period: str, day: date) -> date:
    """The first day of the period in which a day lies; weeks begin on Monday."""
    match period:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
    return day


def period_start(period: str, zone: str | None, at: str | None) -> str | None:
    """The same for databases that know no zones: of a moment or a day as they store it.

    A moment is `2026-01-31T09:00:00.000000Z`, and lies in the day that it is in the zone.
    """
    if at is None or zone is None:
        return None if at is None else _start(period, at)
    # Moments of one hour nearly always share their day, and a cache needs few hours.
    return _of_hour(period, zone, at[:13]) or _of_moment(period, zone, at)


@lru_cache(50_000)
def _start(period: str, day: str) -> str:
    return first_day(period, date.fromisoformat(day)).isoformat()


@lru_cache(50_000)
def _of_hour(period: str, zone: str, hour: str) -> str | None:
    """Where all moments of this hour lie; nothing where the day changes within it."""
    begin, end = (
        _of_moment(period, zone, f"{hour}:{rest}Z") for rest in ("00:00.000000", "59:59.999999")
    )
    return begin if begin == end else None


def _of_moment(period: str, zone: str, at: str) -> str:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return first_day(period, moment.astimezone(ZoneInfo(zone)).date()).isoformat()
