from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.values.schedules import Cron, Every

if TYPE_CHECKING:
    from crmkit.values.schedules import Schedule

BERLIN = "Europe/Berlin"


def moments(schedule: Schedule, begin: str, end: str, zone: str = BERLIN) -> list[str]:
    """When it comes between two days, as the clocks on the wall show it."""
    at, until = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (begin, end))
    found = []
    while (at := schedule.next(at)) < until:
        found.append(f"{at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}")
    return found


def test_a_time_that_the_clocks_skip_comes_an_hour_later() -> None:
    nights = moments(Cron("30 2 * * *", BERLIN), "2026-03-28", "2026-03-31")
    assert nights == ["03-28 02:30", "03-29 03:30", "03-30 02:30"]


def test_a_time_that_the_clocks_show_twice_comes_once() -> None:
    nights = moments(Cron("30 2 * * *", BERLIN), "2026-10-24", "2026-10-27")
    assert nights == ["10-24 02:30", "10-25 02:30", "10-26 02:30"]


@pytest.mark.parametrize("night", ["2026-03-28", "2026-10-24"])
def test_what_comes_every_quarter_of_an_hour_does_so_in_both_nights(night: str) -> None:
    at, quarters = datetime.fromisoformat(night).replace(tzinfo=UTC), []
    schedule = Cron("*/15 * * * *", BERLIN)
    for _ in range(200):
        at = schedule.next(at)
        quarters.append(at)
    assert {b - a for a, b in pairwise(quarters)} == {timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("0 9 * * mon-fri", ["01-01 09:00", "01-02 09:00", "01-05 09:00"]),
        ("0 9 1,15 * *", ["01-01 09:00", "01-15 09:00", "02-01 09:00"]),
        ("0 9 13 * fri", ["01-02 09:00", "01-09 09:00", "01-13 09:00"]),
        ("0 0 29 feb *", ["02-29 00:00"] * 3),
        ("5/20 8-10/2 * * 7", ["01-04 08:05", "01-04 08:25", "01-04 08:45"]),
    ],
)
def test_an_expression_means_what_cron_means(said: str, expected: list[str]) -> None:
    at, found = datetime(2026, 1, 1, tzinfo=UTC), []
    for _ in expected:
        at = Cron(said, BERLIN).next(at)
        found.append(f"{at.astimezone(ZoneInfo(BERLIN)):%m-%d %H:%M}")
    assert found == expected


@pytest.mark.parametrize(
    "said", ["", "* * * *", "60 * * * *", "0 0 31 feb *", "5-1 * * * *", "*/0 * * * *", "x * * * *"]
)
def test_what_is_no_expression_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"cron expression|no year has"):
        Cron(said, BERLIN)


@given(
    st.integers(0, 365 * 24 * 60),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"]),
)
def test_a_daily_schedule_comes_once_on_each_day(
    minutes: int, hour: int, minute: int, zone: str
) -> None:
    after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    schedule = Cron(f"{minute} {hour} * * *", zone)
    found = [schedule.next(after)]
    for _ in range(9):
        found.append(schedule.next(found[-1]))
    days = [each.astimezone(ZoneInfo(zone)).date() for each in found]
    assert found[0] > after
    assert all(b - a == timedelta(days=1) for a, b in pairwise(days))


def test_workers_mean_the_same_moments_by_each_so_much_time() -> None:
    hourly = Every(timedelta(hours=1))
    begun = datetime(2026, 1, 1, 8, 59, 59, tzinfo=UTC)
    assert hourly.next(begun) == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert hourly.next(hourly.next(begun)) == datetime(2026, 1, 1, 10, tzinfo=UTC)
