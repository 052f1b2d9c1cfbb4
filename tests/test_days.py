"""How tests move the clock and state their day (`docs/tests-and-time.md`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.factories import now, zone_where_it_is
from tests.tools.shifted import shift_of


@pytest.mark.parametrize("hour", [0, 2, 12, 23])
def test_there_is_a_zone_for_every_hour(hour: int) -> None:
    assert now().astimezone(ZoneInfo(zone_where_it_is(hour))).hour == hour


def test_the_clock_of_the_factories_stands_within_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    began = now()
    monkeypatch.setattr("tests.factories.core.datetime", None)

    assert now() == began


def test_a_shift_is_given_in_hours_or_as_a_moment_or_drawn() -> None:
    now = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)

    assert shift_of("-1.5", now) == timedelta(minutes=-90)
    assert shift_of("2028-02-29T00:30Z", now) == shift_of("2028-02-29T00:30", now) == timedelta(days=424, hours=1.5)
    assert timedelta(0) < shift_of("random", now) <= timedelta(days=730)
