"""Services keep their place on the clock of the venue, over clock changes and from one zone into another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import Event
from resolvers.events.service_times import Move, moment_of

ZONES = (
    "UTC", "Europe/Berlin", "Europe/Moscow", "America/New_York", "America/St_Johns", "Australia/Lord_Howe",
    "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Chatham", "America/Santiago", "Asia/Gaza", "Pacific/Apia",
)  # fmt: skip
CHANGES = {
    "Europe/Berlin": [datetime(2027, 3, 28, 1), datetime(2027, 10, 31, 1)],
    "America/New_York": [datetime(2027, 3, 14, 7), datetime(2027, 11, 7, 6)],
    "Australia/Lord_Howe": [datetime(2027, 4, 3, 15), datetime(2027, 10, 2, 15, 30)],
}
"""Instants in UTC."""


def an_event(starts_at: datetime, zone: str) -> Event:
    return Event(starts_at=starts_at, ends_at=starts_at, time_zone=zone)


def wall(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def is_skipped(shown: datetime, zone: str) -> bool:
    """Whether clocks of the zone never show this time."""
    there = shown.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).astimezone(ZoneInfo(zone))
    return there.replace(tzinfo=None) != shown


def comes_twice(shown: datetime, zone: str) -> bool:
    offsets = {shown.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}
    return len(offsets) == 2 and not is_skipped(shown, zone)


@st.composite
def moments(draw: st.DrawFn) -> tuple[datetime, str]:
    """An instant, often close to a clock change, and a zone."""
    if draw(st.booleans()):
        zone = draw(st.sampled_from(list(CHANGES)))
        near = draw(st.sampled_from(CHANGES[zone])).replace(tzinfo=UTC)
        return near + timedelta(minutes=draw(st.integers(-300, 300))), zone
    day = draw(st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)))
    return day.replace(second=0, microsecond=0, tzinfo=UTC), draw(st.sampled_from(ZONES))


@settings(max_examples=120, deadline=None)
@given(before=moments(), after=moments(), offset=st.integers(0, 720), length=st.integers(0, 300))
def test_a_service_keeps_its_place_on_the_clock(before, after, offset, length):
    """Whatever the dates and the zones, unless clocks never show that time or have shown it before."""
    (former, former_zone), (new, zone) = before, after
    starts_at = former + timedelta(minutes=offset)
    ends_at = starts_at + timedelta(minutes=length)
    move = Move.of(an_event(former, former_zone), starts_at=new, time_zone=zone)
    if move is None:
        return

    start, end = move.times(starts_at, ends_at)

    wanted = wall(new, zone) + (wall(starts_at, former_zone) - wall(former, former_zone))
    wanted_end = wall(new, zone) + (wall(ends_at, former_zone) - wall(former, former_zone))
    assert start <= end
    if is_skipped(wanted, zone):
        assert start.utcoffset() == timedelta(0)
        assert is_skipped(wall(start, zone) - timedelta(minutes=1), zone)
    else:
        assert wall(start, zone) == wanted
    if wanted <= wanted_end and not is_skipped(wanted_end, zone):
        assert wall(end, zone) == wanted_end
    if wanted >= wall(new, zone) and not comes_twice(wall(new, zone), zone):
        assert start >= new


@settings(max_examples=100, deadline=None)
@given(before=moments(), after=moments(), offset=st.integers(0, 720), length=st.integers(0, 300))
def test_moving_there_and_back_changes_nothing(before, after, offset, length):
    (former, former_zone), (new, zone) = before, after
    times = (former + timedelta(minutes=offset), former + timedelta(minutes=offset + length))
    odd = [wall(one, former_zone) for one in (former, *times)]
    there = Move.of(an_event(former, former_zone), starts_at=new, time_zone=zone)
    back = Move.of(an_event(new, zone), starts_at=former, time_zone=former_zone)
    if there is None or back is None or any(comes_twice(one, former_zone) for one in odd):
        return

    moved = there.times(*times)

    steps = [wall(new, zone) + (one - odd[0]) for one in odd]
    if not any(is_skipped(one, zone) or comes_twice(one, zone) for one in steps):
        assert back.times(*moved) == times


@pytest.mark.parametrize(
    ("shown", "not_before", "expected"),
    [
        # Skipped: the moment of the change.
        ("2027-03-28T02:00", "2027-03-28T00:00+01:00", "2027-03-28T03:00+02:00"),
        ("2027-03-28T02:30", "2027-03-28T00:00+01:00", "2027-03-28T03:00+02:00"),
        ("2027-03-28T02:59:59.5", "2027-03-28T00:00+01:00", "2027-03-28T03:00+02:00"),
        ("2027-03-28T03:00", "2027-03-28T00:00+01:00", "2027-03-28T03:00+02:00"),
        # Twice: the first, unless that lies too early.
        ("2027-10-31T02:30", "2027-10-31T00:00+02:00", "2027-10-31T02:30+02:00"),
        ("2027-10-31T02:30", "2027-10-31T02:30+02:00", "2027-10-31T02:30+02:00"),
        ("2027-10-31T02:30", "2027-10-31T02:45+02:00", "2027-10-31T02:30+01:00"),
        ("2027-10-31T02:30", "2027-10-31T03:45+01:00", "2027-10-31T02:30+02:00"),
    ],
)
def test_times_that_clocks_skip_or_show_twice(shown, not_before, expected):
    found = moment_of(
        datetime.fromisoformat(shown), ZoneInfo("Europe/Berlin"), not_before=datetime.fromisoformat(not_before)
    )

    assert found == datetime.fromisoformat(expected)


def test_a_whole_day_may_be_skipped():
    """Samoa had no 30 December 2011."""
    found = moment_of(datetime(2011, 12, 30, 12), ZoneInfo("Pacific/Apia"), not_before=datetime(2011, 1, 1, tzinfo=UTC))

    assert found.astimezone(ZoneInfo("Pacific/Apia")).isoformat() == "2011-12-31T00:00:00+14:00"


def test_a_service_across_a_repeated_hour_keeps_its_length():
    berlin = "Europe/Berlin"
    former = datetime(2027, 10, 31, 0, 0, tzinfo=ZoneInfo(berlin)).astimezone(UTC)
    starts_at = datetime.fromisoformat("2027-10-31T02:45+02:00")
    ends_at = datetime.fromisoformat("2027-10-31T02:15+01:00")
    move = Move.of(an_event(former, berlin), starts_at=former + timedelta(days=7), time_zone=berlin)
    assert move is not None

    start, end = move.times(starts_at, ends_at)

    assert (end - start, wall(start, berlin)) == (timedelta(minutes=30), datetime(2027, 11, 7, 1, 45))
