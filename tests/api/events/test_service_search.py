"""The list of services: what narrows and sorts it. Who finds what in it: `tests/api/events/test_lists.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from models import Admission, EventVisibility, Role
from tests.factories import (
    from_now,
    in_days,
    make_booking,
    make_category,
    make_club,
    make_event,
    make_host,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

SERVICES = """
query ($filter: ServiceFilter, $sort: ServiceSort, $first: Int, $after: String) {
  services(filter: $filter, sort: $sort, first: $first, after: $after) {
    nodes { type { slug } } totalCount pageInfo { endCursor hasNextPage }
  }
}
"""
SCREEN = """
query ($filter: ServiceFilter) {
  services(filter: $filter, first: 100) {
    nodes {
      startsAt endsAt timing capacity type { name } availability { free } staffPerson { displayName }
      event { title date timeZone venue { name } }
      bookings(first: 100) { totalCount nodes { user { displayName fullName phone } } }
    }
  }
}
"""


def slugs(answer):
    assert answer.errors == []
    return [service["type"]["slug"] for service in answer.data["services"]["nodes"]]


@pytest.fixture
async def world(save):
    """Services of several events, each of a type of its own, in order of start."""
    ada, anna, category, club = make_user(), make_user(), make_category(), make_club()
    moscow, other = make_venue(), make_venue()
    await save(ada, anna, category, club, moscow, other)
    long, next_, hidden = events = [
        make_event(ada, category, moscow, title="Fair", starts_at=in_days(-1), ends_at=in_days(2)),
        make_event(ada, category, other, title="Concert", starts_at=in_days(3)),
        make_event(ada, category, other, starts_at=in_days(5), club=club, visibility=EventVisibility.CLUB),
    ]
    types = {slug: make_service_type(slug=slug) for slug in ("over", "now", "full", "off", "late", "hidden")}
    await save(*types.values(), *events)

    def of(event, slug, hours, **values):
        starts_at = from_now(timedelta(hours=hours))
        return make_service(event, types[slug], starts_at=starts_at, ends_at=starts_at + timedelta(hours=1), **values)

    services = {
        "over": of(long, "over", -5, staff_person=anna),
        "now": of(long, "now", -0.5),
        "full": of(long, "full", 5, capacity=1),
        "off": of(next_, "off", 72, cancelled_at=in_days(-1)),
        "late": of(next_, "late", 73, staff_person=anna),
        "hidden": of(hidden, "hidden", 120),
    }
    await save(make_host(next_, anna), *services.values())
    await save(*(make_registration(event, ada) for event in events))
    await save(
        *(make_booking(services[slug], ada) for slug in ("over", "full", "hidden")),
        make_booking(services["late"], ada, admission=Admission.CANCELLED),
    )
    return SimpleNamespace(ada=ada, anna=anna, club=club, moscow=moscow, other=other, next=next_, types=types)


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (lambda w: {}, ["over", "now", "full", "off", "late"]),
        (lambda w: {"timings": ["PAST"]}, ["over"]),
        (lambda w: {"timings": ["ONGOING", "PAST"]}, ["over", "now"]),
        (lambda w: {"timings": ["UPCOMING"], "isCancelled": False}, ["full", "late"]),
        (lambda w: {"isCancelled": True}, ["off"]),
        (lambda w: {"hasFreePlaces": False}, ["full"]),
        (lambda w: {"hasFreePlaces": True, "venueIds": [w.moscow]}, ["over", "now"]),
        (lambda w: {"venueIds": [w.other, w.moscow], "timings": ["UPCOMING"]}, ["full", "off", "late"]),
        (lambda w: {"serviceTypeIds": [w.types["late"], w.types["now"]]}, ["now", "late"]),
        (lambda w: {"eventIds": [w.next]}, ["off", "late"]),
        (lambda w: {"staffPersonIds": [w.anna]}, ["over", "late"]),
        (lambda w: {"text": "concert"}, ["off", "late"]),
        (lambda w: {"clubIds": [w.club]}, []),
        (lambda w: {"archived": False, "hasFreePlaces": False, "text": "fair"}, ["full"]),
    ],
)
async def test_filters_narrow_it(client, world, filter, expected):
    answer = await client().run(SERVICES, filter=filter(world))

    assert slugs(answer) == expected
    assert answer.data["services"]["totalCount"] == len(expected)


async def test_days_are_those_of_the_venue_and_of_the_service(client, save):
    ada, category, early, late = make_user(), make_category(), make_venue(), make_venue(time_zone="Pacific/Honolulu")
    start, kinds = datetime(2127, 3, 9, 22, 0, tzinfo=UTC), [make_service_type(slug=slug) for slug in "abcd"]
    await save(ada, category, early, late, *kinds)
    values = {"starts_at": start - timedelta(days=9), "ends_at": start + timedelta(days=9)}
    moscow, hawaii = events = [make_event(ada, category, venue, **values) for venue in (early, late)]
    await save(*events)
    await save(
        make_service(moscow, kinds[0], starts_at=start, ends_at=start),
        make_service(hawaii, kinds[1], starts_at=start + timedelta(minutes=1)),
        make_service(moscow, kinds[2], starts_at=start + timedelta(hours=23)),
        make_service(hawaii, kinds[3], starts_at=start + timedelta(hours=12)),
    )

    tenth = await client().run(SERVICES, filter={"dateRange": {"from": "2127-03-10", "to": "2127-03-11"}})
    ninth = await client().run(SERVICES, filter={"dateRange": {"from": "2127-03-09", "to": "2127-03-10"}})

    assert (slugs(tenth), slugs(ninth)) == (["a", "d"], ["b"])


async def test_pages_continue_among_services_that_start_together(client, save):
    ada, category, venue, kinds = make_user(), make_category(), make_venue(), [make_service_type() for _ in range(7)]
    event = make_event(ada, category, venue)
    await save(ada, category, venue, *kinds)
    await save(event)
    await save(*(make_service(event, kind) for kind in kinds))

    cases = [("STARTS_AT_ASC", None), ("STARTS_AT_DESC", None), ("STARTS_AT_DESC", "event"), ("RELEVANCE", "event")]
    for sort, words in [*cases, ("RELEVANCE", None), (None, None)]:
        found, after, more, filter = [], None, True, {"text": words}
        while more:
            page = await client().run(SERVICES, filter=filter, sort=sort, first=3, after=after)
            found += slugs(page)
            after, more = (
                page.data["services"]["pageInfo"]["endCursor"],
                page.data["services"]["pageInfo"]["hasNextPage"],
            )
        in_order = [kind.slug for kind in kinds]
        assert found == (in_order[::-1] if sort == "STARTS_AT_DESC" else in_order)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (None, "FORBIDDEN"),
        (Role.USER, "FORBIDDEN"),
        (Role.VOLUNTEER, ["over", "full"]),
        (Role.MODERATOR, ["over", "full", "hidden"]),
        (Role.ADMIN, ["over", "full", "hidden"]),
    ],
)
async def test_only_who_reads_all_bookings_finds_services_by_a_participant(client, save, world, role, expected):
    reader = role and make_user(role=role)
    if reader:
        await save(reader)

    answer = await client(reader).run(SERVICES, filter={"participantId": world.ada})

    if expected == "FORBIDDEN":
        [error] = answer.errors
        assert (error["extensions"]["code"], error["extensions"]["path"]) == (expected, ["filter", "participantId"])
    else:
        assert slugs(answer) == expected


async def test_an_administrators_screen_is_one_request_of_few_statements(client, save):
    """All services of a day at a venue, with their events and who is booked."""
    admin, category, venue, kind = make_user(role=Role.ADMIN), make_category(), make_venue(), make_service_type()
    people = [make_user(display_name=f"Person {at}") for at in range(3)]
    await save(admin, category, venue, kind, *people)
    starts_at = in_days(3).replace(hour=9)
    events = [make_event(people[0], category, venue, starts_at=starts_at) for _ in range(4)]
    await save(*events)
    services = [make_service(event, kind) for event in events for _ in range(3)]
    await save(*services, *(make_registration(event, person) for event in events for person in people))
    await save(*(make_booking(service, person) for service in services for person in people))
    day = starts_at.date()
    filter = {
        "venueIds": [venue],
        "dateRange": {"from": day.isoformat(), "to": (day + timedelta(days=1)).isoformat()},
        "timings": ["PAST", "ONGOING", "UPCOMING"],
    }

    answer = await client(admin).run(SCREEN, filter=filter)
    few = await client(admin).run(SCREEN, filter=filter | {"eventIds": [events[0]]})

    nodes = answer.data["services"]["nodes"]
    assert answer.errors == []
    assert [len(node["bookings"]["nodes"]) for node in nodes] == [3] * 12
    assert len(few.data["services"]["nodes"]) == 3
    assert len(answer.statements) == len(few.statements) <= 8
