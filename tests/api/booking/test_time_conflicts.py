"""Two things at one time: warned of, refused, or let be, by a setting."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from models import Admission, Booking, Event, EventStatus, Registration, Role
from schema.core import ids
from tests.api.events.event_worlds import CREATE
from tests.clients import gid
from tests.factories import (
    in_days,
    make_category,
    make_event,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

REGISTER = """
mutation ($input: RegisterForEventInput!) {
  registerForEvent(input: $input) {
    registration { admission }
    warnings { code path details { conflictsWith startsAt } }
    errors { code path details { conflictsWith } }
  }
}
"""
BOOK = """
mutation ($input: BookServicesInput!) {
  bookServices(input: $input) {
    bookings { admission }
    warnings { code path details { conflictsWith } }
    errors { code path details { conflictsWith } }
  }
}
"""
WARNED = CREATE.replace(
    "errors { code path message }", "warnings { code path details { conflictsWith } } errors { code }"
)
HOUR = timedelta(hours=1)


@contextmanager
def policy(ports, name):
    """The setting of the tests' own ports, for a while."""
    before = ports.settings
    object.__setattr__(ports, "settings", replace(before, time_conflicts=name))
    try:
        yield
    finally:
        object.__setattr__(ports, "settings", before)


@pytest.fixture(params=["warn", "refuse", "off"])
def chosen(request, ports):
    with policy(ports, request.param):
        yield request.param


async def a_day(save, **events):
    """Someone, and events of two hours each, by their start in hours from a moment in ten days."""
    ada, category, venue = make_user(), make_category(), make_venue()
    start = in_days(10)
    await save(ada, category, venue)
    made = {
        name: make_event(ada, category, venue, starts_at=start + at * HOUR, ends_at=start + (at + 2) * HOUR)
        for name, at in events.items()
    }
    await save(*made.values())
    return ada, made


async def test_two_events_at_one_time(client, save, count, chosen):
    ada, events = await a_day(save, first=0, second=1, later=2)
    await save(make_registration(events["first"], ada))

    clash = await client(ada).execute(REGISTER, eventId=events["second"])
    after = await client(ada).execute(REGISTER, eventId=events["later"])

    found = clash.data["registerForEvent"]
    conflict = {"code": "TIME_CONFLICT", "path": ["eventId"], "details": {"conflictsWith": [gid(events["first"])]}}
    if chosen == "refuse":
        assert (found["registration"], found["errors"]) == (None, [conflict])
    else:
        assert found["registration"] == {"admission": "CONFIRMED"}
        told = [{**one, "details": {"conflictsWith": one["details"]["conflictsWith"]}} for one in found["warnings"]]
        assert told == ([conflict] if chosen == "warn" else [])
    assert after.data["registerForEvent"]["errors"] == []
    # What ends when the other begins is no conflict: only the second one is in its way, where it was let in.
    in_the_way = [gid(events["second"])] if chosen == "warn" else None
    warnings = after.data["registerForEvent"]["warnings"]
    assert ([one["details"]["conflictsWith"] for one in warnings] or [None]) == [in_the_way]


@pytest.mark.parametrize("case", ["cancelled registration", "cancelled event", "somebody else"])
async def test_what_does_not_take_place_is_in_nobodys_way(client, save, ports, case):
    ada, events = await a_day(save, first=0, second=1)
    boris = make_user()
    await save(boris)
    if case == "cancelled event":
        await save(make_registration(events["first"], ada))
        async with ports.database.writing() as uow:
            (await uow.session.get_one(Event, events["first"].id)).status = EventStatus.CANCELLED
    elif case == "cancelled registration":
        await save(make_registration(events["first"], ada, admission=Admission.CANCELLED))
    else:
        await save(make_registration(events["first"], boris))

    answer = await client(ada).execute(REGISTER, eventId=events["second"])

    assert answer.data["registerForEvent"]["warnings"] == []


async def a_clinic(save):
    """Two events at one time, each with services: at one hour, at the same hour, and at the next one."""
    ada, events = await a_day(save, here=0, there=0)
    kind = make_service_type()
    await save(kind)
    start = events["here"].starts_at
    services = {
        "shower": make_service(events["here"], kind, starts_at=start, ends_at=start + HOUR),
        "doctor": make_service(events["here"], kind, starts_at=start, ends_at=start + HOUR),
        "clothes": make_service(events["here"], kind, starts_at=start + HOUR, ends_at=start + 2 * HOUR),
        "elsewhere": make_service(events["there"], kind, starts_at=start, ends_at=start + HOUR),
    }
    await save(*services.values())
    return ada, events, services


async def test_services_of_one_booking_overlap(client, save, count, chosen):
    ada, _, services = await a_clinic(save)

    clash = await client(ada).execute(BOOK, serviceIds=[services["shower"], services["doctor"]])

    found = clash.data["bookServices"]
    conflicts = [
        {"code": "TIME_CONFLICT", "path": ["serviceIds", at], "details": {"conflictsWith": [gid(services[other])]}}
        for at, other in (("0", "doctor"), ("1", "shower"))
    ]
    if chosen == "refuse":
        assert (found["bookings"], found["errors"]) == (None, conflicts)
        assert (await count(Booking), await count(Registration)) == (0, 0)
    else:
        assert len(found["bookings"]) == 2
        assert found["warnings"] == (conflicts if chosen == "warn" else [])


async def test_services_one_after_another_are_fine(client, save):
    ada, _, services = await a_clinic(save)

    answer = await client(ada).execute(BOOK, serviceIds=[services["shower"], services["clothes"]])

    assert answer.data["bookServices"]["warnings"] == []


async def test_a_volunteer_hears_of_the_visitors_time(client, save):
    _, _, services = await a_clinic(save)
    visitor, volunteer = make_user(), make_user(role=Role.VOLUNTEER)
    await save(visitor, volunteer)
    await client(volunteer).execute(BOOK, serviceIds=[services["shower"]], onBehalfOf=visitor)

    answer = await client(volunteer).execute(BOOK, serviceIds=[services["elsewhere"]], onBehalfOf=visitor)

    [warning] = answer.data["bookServices"]["warnings"]
    assert warning["details"] == {"conflictsWith": [gid(services["shower"])]}


async def test_two_requests_at_once_do_not_miss_each_other(client, save, count, ports):
    ada, events = await a_day(save, **{f"event{number}": 0 for number in range(6)})

    with policy(ports, "refuse"):
        answers = await asyncio.gather(*(client(ada).execute(REGISTER, eventId=event) for event in events.values()))

    codes = sorted(error["code"] for answer in answers for error in answer.data["registerForEvent"]["errors"])
    assert codes == ["TIME_CONFLICT"] * 5
    assert await count(Registration) == 1


def beside(event):
    """Another event at the same venue, an hour later."""
    return {
        "title": "Второе",
        "categoryId": ids.encode("EventCategory", event.category_id),
        "venueId": ids.encode("Venue", event.venue_id),
        "startsAt": (event.starts_at + HOUR).isoformat(),
        "endsAt": (event.starts_at + 3 * HOUR).isoformat(),
    }


async def test_two_events_at_one_venue(client, save, count, chosen):
    ada, events = await a_day(save, out=0)

    clash = await client(ada).execute(WARNED, **beside(events["out"]))

    found = clash.data["createEvent"]
    conflict = {"code": "TIME_CONFLICT", "path": ["startsAt"], "details": {"conflictsWith": [gid(events["out"])]}}
    if chosen == "refuse":
        assert (found["event"], found["errors"]) == (None, [{"code": "TIME_CONFLICT"}])
        assert await count(Event) == 1
    else:
        assert found["event"]["title"] == "Второе"
        assert found["warnings"] == ([conflict] if chosen == "warn" else [])


async def test_who_makes_an_event_hears_where_they_have_a_place_then(client, save, count, chosen):
    ada, events = await a_day(save, place=0, before=-2)
    elsewhere = make_venue()
    await save(elsewhere, *(make_registration(event, ada) for event in events.values()))

    clash = await client(ada).execute(WARNED, **beside(events["place"]) | {"venueId": elsewhere})

    found = clash.data["createEvent"]
    conflict = {"code": "TIME_CONFLICT", "path": ["startsAt"], "details": {"conflictsWith": [gid(events["place"])]}}
    if chosen == "refuse":
        assert (found["event"], found["errors"]) == (None, [{"code": "TIME_CONFLICT"}])
        assert await count(Event) == 2
    else:
        assert found["warnings"] == ([conflict] if chosen == "warn" else [])


async def test_a_hidden_event_at_the_venue_is_not_given_away(client, save, ports):
    _, events = await a_day(save, draft=0)
    boris = make_user()
    await save(boris)
    async with ports.database.writing() as uow:
        draft = await uow.session.get_one(Event, events["draft"].id)
        draft.status, draft.published_at = EventStatus.DRAFT, None

    answer = await client(boris).execute(WARNED, **beside(events["draft"]))

    assert answer.data["createEvent"]["warnings"] == []
