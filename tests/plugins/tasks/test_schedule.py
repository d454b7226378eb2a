from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from crmkit_tasks.config import Rule, TasksConfig

BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = st.integers(0, 12 * 365 * 24 * 60).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
ZONES = st.sampled_from([*map(ZoneInfo, ("UTC", "Europe/Berlin", "America/Sao_Paulo"))])
RULES = st.one_of(
    st.builds(lambda n, at: Rule(subject="x", every_days=n, at=at), st.integers(1, 90), st.times()),
    st.builds(
        lambda n, at: Rule(subject="x", every_months=n, at=at), st.integers(1, 14), st.times()
    ),
)


@settings(max_examples=100)
@given(RULES, MOMENTS, st.timedeltas(timedelta(0), timedelta(days=3_000)), ZONES)
def test_the_next_time_is_the_first_of_its_calendar_after_a_moment(
    rule: Rule, start: datetime, passed: timedelta, zone: ZoneInfo
) -> None:
    after = start + passed
    times = _all_times(rule, start, after, zone)
    assert rule.due(start, None, zone) == times[0]
    assert rule.due(start, after, zone) == next(each for each in times if each > after)


def _all_times(rule: Rule, start: datetime, after: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every time of a rule from its first until well after a moment, counted one by one."""
    begins, times = start.astimezone(zone).date(), []
    while not times or times[-1] <= after:
        times.append(_nth(rule, begins, len(times) + 1, zone))
    return times


def _nth(rule: Rule, begins: date, nth: int, zone: ZoneInfo) -> datetime:
    if rule.every_days:
        day = begins + timedelta(days=rule.every_days * nth)
    else:
        year, month = begins.year, begins.month
        for _ in range((rule.every_months or 0) * nth):
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        day = date(year, month, min(begins.day, calendar.monthrange(year, month)[1]))
    return datetime.combine(day, rule.at, zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "at", "due"),
    [
        # The 29th of February and the last of months that are shorter.
        ("2024-01-31T12:00Z", time(9), "2024-02-29T08:00Z"),
        ("2025-12-31T12:00Z", time(9), "2026-01-31T08:00Z"),
        # Clocks that go forward skip half past two: it is an hour later.
        ("2026-02-28T22:59Z", time(2, 30), "2026-03-28T01:30Z"),
        ("2026-02-28T23:00Z", time(2, 30), "2026-04-01T00:30Z"),
        ("2021-02-28T12:00Z", time(2, 30), "2021-03-28T01:30Z"),
        # Clocks that go back have it twice: the first counts.
        ("2026-09-25T12:00Z", time(2, 30), "2026-10-25T00:30Z"),
    ],
)
def test_months_end_and_clocks_change(start: str, at: time, due: str) -> None:
    rule = Rule(subject="x", every_months=1, at=at)
    moment = datetime.fromisoformat(start.replace("Z", "+00:00"))
    assert rule.due(moment, None, BERLIN) == datetime.fromisoformat(due.replace("Z", "+00:00"))


@pytest.mark.parametrize(
    "rule",
    [
        {"subject": "x"},
        {"subject": "x", "every_days": 1, "every_months": 1},
        {"subject": "x", "every_days": 0},
        {"subject": "", "every_days": 1},
        {"subject": "x", "every_days": 1, "at": "09:00:00Z"},
        {"subject": "x", "every_days": 1, "stages": ["No Key"]},
        {"subject": "x", "every_days": 1, "grade": "A"},
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TasksConfig.model_validate({"rules": {"r": rule}})
