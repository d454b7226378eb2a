from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from crmkit.values.clock import ManualClock, SystemClock


def test_the_system_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()
    assert clock.now() == clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    clock.move(days=1, hours=2, minutes=3, seconds=4)
    assert clock.now() == datetime(2026, 1, 2, 2, 3, 4, tzinfo=UTC)


def test_a_manual_clock_is_set_in_any_zone_and_tells_utc() -> None:
    clock = ManualClock()
    clock.set(datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    assert clock.now().isoformat() == "2026-03-01T00:00:00+00:00"


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        ManualClock(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive time is the point
