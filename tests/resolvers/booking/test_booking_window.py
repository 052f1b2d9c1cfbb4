"""When booking opens: N calendar days before the event's date in its zone, both days included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from models import Admission, Booking, EventStatus
from resolvers.booking.bookability import Applicant, BookableState, booking_standing, opens_at, registration_standing
from tests.factories import make_category, make_event, make_service, make_service_type, make_user
from tests.factories import make_venue as venue_in


def event_on(local: str, zone: str, **values):
    """An event that begins at a local time."""
    starts_at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    venue = venue_in(time_zone=zone)
    return make_event(make_user(), make_category(), venue, starts_at=starts_at, **{"taken": 0} | values)


def service_of(event, **values):
    return make_service(event, make_service_type(), **{"taken": 0} | values)


@pytest.mark.parametrize(
    ("starts", "zone", "days", "opens"),
    [
        # February, with and without its 29th day
        ("2027-02-28T18:00", "Europe/Moscow", 0, "2027-02-28T00:00:00+03:00"),
        ("2027-02-28T18:00", "Europe/Moscow", 28, "2027-01-31T00:00:00+03:00"),
        ("2027-03-01T10:00", "Europe/Moscow", 1, "2027-02-28T00:00:00+03:00"),
        ("2028-03-01T10:00", "Europe/Moscow", 1, "2028-02-29T00:00:00+03:00"),
        ("2028-02-29T10:00", "Europe/Moscow", 365, "2027-03-01T00:00:00+03:00"),
        ("2028-02-28T10:00", "Europe/Moscow", 365, "2027-02-28T00:00:00+03:00"),
        # ends of months and years
        ("2027-07-31T10:00", "Europe/Moscow", 31, "2027-06-30T00:00:00+03:00"),
        ("2027-05-01T10:00", "Europe/Moscow", 1, "2027-04-30T00:00:00+03:00"),
        ("2027-01-01T00:00", "Europe/Moscow", 1, "2026-12-31T00:00:00+03:00"),
        # the date is the venue's, whatever day it is in UTC
        ("2027-05-10T01:00", "Europe/Moscow", 2, "2027-05-08T00:00:00+03:00"),
        ("2027-05-10T23:30", "America/New_York", 2, "2027-05-08T00:00:00-04:00"),
        ("2027-05-10T01:00", "Pacific/Auckland", 2, "2027-05-08T00:00:00+12:00"),
        # clocks go forward: 28 March 2027 in Berlin, 14 March 2027 in New York
        ("2027-03-28T12:00", "Europe/Berlin", 1, "2027-03-27T00:00:00+01:00"),
        ("2027-03-29T12:00", "Europe/Berlin", 1, "2027-03-28T00:00:00+01:00"),
        ("2027-03-30T12:00", "Europe/Berlin", 1, "2027-03-29T00:00:00+02:00"),
        ("2027-03-30T12:00", "Europe/Berlin", 7, "2027-03-23T00:00:00+01:00"),
        ("2027-03-15T09:00", "America/New_York", 1, "2027-03-14T00:00:00-05:00"),
        ("2027-03-16T09:00", "America/New_York", 7, "2027-03-09T00:00:00-05:00"),
        # clocks go back: 31 October 2027 in Berlin, 7 November 2027 in New York
        ("2027-11-01T12:00", "Europe/Berlin", 1, "2027-10-31T00:00:00+02:00"),
        ("2027-11-01T12:00", "Europe/Berlin", 0, "2027-11-01T00:00:00+01:00"),
        ("2027-11-08T09:00", "America/New_York", 2, "2027-11-06T00:00:00-04:00"),
        # a day without midnight begins with the change of clocks: 8 September 2024 in Santiago, 26 April 2024 in Cairo
        ("2024-09-09T12:00", "America/Santiago", 1, "2024-09-08T01:00:00-03:00"),
        ("2024-09-08T12:00", "America/Santiago", 0, "2024-09-08T01:00:00-03:00"),
        ("2024-04-28T12:00", "Africa/Cairo", 2, "2024-04-26T01:00:00+03:00"),
        # a day with two midnights begins with the first: 3 November 2024 in Havana
        ("2024-11-04T12:00", "America/Havana", 1, "2024-11-03T00:00:00-04:00"),
        # a day that never was (30 December 2011 in Apia): the first moment after it
        ("2011-12-31T12:00", "Pacific/Apia", 1, "2011-12-31T00:00:00+14:00"),
    ],
)
def test_booking_opens_at_local_midnight(starts, zone, days, opens):
    found = opens_at(event_on(starts, zone), days)

    assert found is not None
    assert found.isoformat() == opens


def test_without_a_window_booking_was_always_open():
    assert opens_at(event_on("2027-02-28T18:00", "Europe/Moscow"), None) is None


@pytest.mark.parametrize(
    ("zone", "starts"),
    [
        ("Europe/Moscow", "2027-02-28T18:00"),
        ("Europe/Berlin", "2027-03-29T12:00"),
        ("America/New_York", "2027-11-08T09:00"),
        ("America/Santiago", "2024-09-09T12:00"),
        ("Africa/Cairo", "2024-04-27T12:00"),
    ],
)
def test_booking_opens_on_the_second(zone, starts):
    event = event_on(starts, zone)
    service = service_of(event, window_days=1)
    opening = opens_at(event, 1)

    def code(now):
        return booking_standing(event, service, known=Applicant(), booking=None, now=now).code

    assert code(opening.astimezone(UTC) - timedelta(seconds=1)) is BookableState.NOT_OPEN_YET
    assert code(opening.astimezone(UTC)) is BookableState.OPEN


def test_the_refusal_names_the_opening():
    event = event_on("2027-02-28T18:00", "Europe/Moscow")
    before = datetime(2027, 2, 20, tzinfo=UTC)

    standing = booking_standing(event, service_of(event, window_days=3), known=Applicant(), booking=None, now=before)
    refusal = standing.refusal("serviceIds", "2")

    assert refusal is not None
    assert refusal.code.value == "NOT_OPEN_YET"
    assert refusal.path == ("serviceIds", "2")
    opens_at = datetime(2027, 2, 25, tzinfo=ZoneInfo("Europe/Moscow"))
    assert refusal.params == {"opens_at": opens_at, "time_zone": "Europe/Moscow"}


NOW = datetime(2027, 2, 28, 12, tzinfo=UTC)
OPEN = {"starts_at": NOW + timedelta(hours=3), "ends_at": NOW + timedelta(hours=5)}


@pytest.mark.parametrize(
    ("event_values", "service_values", "registered", "booked", "expected"),
    [
        ({}, {}, None, None, "OPEN"),
        ({"status": EventStatus.DRAFT}, {}, None, None, "CLOSED"),
        ({"status": EventStatus.CANCELLED}, {}, None, None, "CLOSED"),
        ({"status": EventStatus.ARCHIVED}, {}, None, None, "CLOSED"),
        ({}, {"cancelled_at": NOW}, None, None, "CLOSED"),
        ({}, {"starts_at": NOW}, None, None, "CLOSED"),
        ({}, {"starts_at": NOW + timedelta(seconds=1)}, None, None, "OPEN"),
        ({}, {"capacity": 3, "taken": 3}, None, None, "FULL"),
        ({"capacity": 5, "taken": 5}, {}, None, None, "FULL"),
        ({"capacity": 5, "taken": 5}, {}, Admission.CONFIRMED, None, "OPEN"),
        ({"capacity": 5, "taken": 5}, {}, Admission.CANCELLED, None, "FULL"),
        ({"capacity": 5, "taken": 5}, {"capacity": 3, "taken": 3}, Admission.CONFIRMED, None, "FULL"),
        ({}, {}, Admission.CONFIRMED, Admission.CONFIRMED, "ALREADY_BOOKED"),
        ({}, {}, Admission.CONFIRMED, Admission.CANCELLED, "OPEN"),
        ({}, {}, Admission.REJECTED, None, "RESTRICTED"),
    ],
)
def test_standing_at_a_service(event_values, service_values, registered, booked, expected):
    event = event_on("2027-02-28T18:00", "Europe/Moscow", **event_values)
    service = service_of(event, **OPEN | service_values)
    user = make_user()
    booking = Booking(service_id=service.id, user_id=user.id, admission=booked) if booked else None

    standing = booking_standing(event, service, known=Applicant(registered), booking=booking, now=NOW)

    assert standing.code.value == expected
    assert (standing.refusal() is None) == (expected == "OPEN")


@pytest.mark.parametrize(
    ("event_values", "registered", "offers_services", "expected"),
    [
        ({}, None, False, "OPEN"),
        ({}, Admission.CANCELLED, False, "OPEN"),
        ({}, Admission.CONFIRMED, False, "ALREADY_REGISTERED"),
        ({}, Admission.OFFERED, False, "ALREADY_REGISTERED"),
        ({}, Admission.REJECTED, False, "RESTRICTED"),
        ({}, None, True, "BOOK_SERVICES_INSTEAD"),
        ({"status": EventStatus.DRAFT}, None, False, "CLOSED"),
        ({"status": EventStatus.CANCELLED}, None, True, "CLOSED"),
        ({"starts_at": NOW, "ends_at": NOW}, None, False, "CLOSED"),
        ({"starts_at": NOW + timedelta(seconds=1), "ends_at": NOW + timedelta(hours=1)}, None, False, "OPEN"),
        ({"capacity": 2, "taken": 2}, None, False, "FULL"),
        ({"capacity": 2, "taken": 1}, None, False, "OPEN"),
    ],
)
def test_standing_at_an_event(event_values, registered, offers_services, expected):
    values = {"starts_at": NOW + timedelta(hours=3), "taken": 0} | event_values
    event = make_event(make_user(), make_category(), venue_in(), **values)

    standing = registration_standing(event, Applicant(registered), offers_services=offers_services, now=NOW)

    assert standing.code.value == expected
    assert (standing.refusal() is None) == (expected == "OPEN")


@pytest.mark.parametrize("entry", [BookableState.MEMBERS_ONLY, BookableState.RESTRICTED])
@pytest.mark.parametrize("admission", [None, Admission.CANCELLED])
def test_what_the_club_says_stands_before_everything_else(entry, admission):
    event = event_on("2027-02-28T18:00", "Europe/Moscow", capacity=1, taken=1)
    known = Applicant(admission, entry)

    at_event = registration_standing(event, known, offers_services=True, now=NOW)
    at_service = booking_standing(event, service_of(event, **OPEN), known=known, booking=None, now=NOW)

    assert (at_event.code, at_service.code) == (entry, entry)


def test_a_guest_is_told_to_sign_in_only_where_that_would_help():
    event = event_on("2027-02-28T18:00", "Europe/Moscow", capacity=1)
    full = event_on("2027-02-28T18:00", "Europe/Moscow", capacity=1, taken=1)

    codes = [
        registration_standing(one, Applicant(), offers_services=False, is_guest=True, now=NOW).code.value
        for one in (event, full)
    ]

    assert codes == ["SIGN_IN_FIRST", "FULL"]
