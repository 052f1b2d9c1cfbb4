"""What took place is not moved: neither an event nor a service that people took part in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import Event, Service
from tests.api.events.event_worlds import a_world
from tests.factories import (
    in_days,
    make_booking,
    make_registration,
    make_service,
    make_user,
    make_venue,
    now,
)

UPDATE_EVENT = """
mutation ($input: UpdateEventInput!) {
  updateEvent(input: $input) { changedFields errors { code path message details { count } } }
}
"""
UPDATE_SERVICE = """
mutation ($input: UpdateServiceInput!) { updateService(input: $input) { service { capacity } errors { code path } } }
"""
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("has_people", [True, False])
async def test_an_event_that_took_place_keeps_its_time_and_place(client, save, row, has_people):
    world = await a_world(save, starts_at=in_days(-3))
    elsewhere = make_venue()
    await save(elsewhere, *([make_registration(world.event, world.user("member"))] if has_people else []))
    times = {"startsAt": in_days(20).isoformat(), "endsAt": in_days(21).isoformat()}
    staff = client(world.user("moderator"), language="en")

    moved = (await staff.execute(
        UPDATE_EVENT, eventId=world.event, expectedVersion=1, title="Another", moveServices=True, venueId=elsewhere,
        **times,
    )).data["updateEvent"]  # fmt: skip

    event = await row(Event, world.event.id)
    assert ((event.starts_at, event.venue_id) == (world.event.starts_at, world.venue.id)) is has_people
    if has_people:
        assert [(one["code"], one["path"]) for one in moved["errors"]] == [
            ("EVENT_IN_PAST", [name]) for name in ("startsAt", "endsAt", "venueId")
        ]
        assert moved["errors"][0]["message"].startswith("People took part in this event")
        again = await staff.execute(UPDATE_EVENT, eventId=world.event, expectedVersion=1, title="Another")
        assert again.data["updateEvent"] == {"changedFields": ["title"], "errors": []}
    else:
        assert moved["errors"] == []


async def an_afternoon(save):
    """An event that goes on, with a service that took place, one that nobody came to, and one to come."""
    world = await a_world(save, starts_at=now() - 3 * HOUR)
    vera = make_user()
    await save(vera)
    await save(make_registration(world.event, vera))
    start = world.event.starts_at
    world.empty, world.coming = (
        make_service(world.event, world.service_type, starts_at=start + at * HOUR, ends_at=start + (at + 0.5) * HOUR)
        for at in (1, 3.25)
    )
    await save(world.empty, world.coming, make_booking(world.service, vera))
    return world


async def test_a_service_that_took_place_keeps_its_time(client, save, row):
    world = await an_afternoon(save)
    organiser = client(world.user("organiser"))
    times = {name: (now() + after * HOUR).isoformat() for name, after in (("startsAt", 0.25), ("endsAt", 0.5))}

    refused = await organiser.execute(UPDATE_SERVICE, serviceId=world.service, expectedVersion=1, **times)
    capacity = await organiser.execute(UPDATE_SERVICE, serviceId=world.service, expectedVersion=1, capacity=5)
    empty = await organiser.execute(UPDATE_SERVICE, serviceId=world.empty, expectedVersion=1, **times)

    assert refused.data["updateService"]["errors"] == [{"code": "EVENT_IN_PAST", "path": ["startsAt"]}]
    assert capacity.data["updateService"] == {"service": {"capacity": 5}, "errors": []}
    assert empty.data["updateService"]["errors"] == []
    assert (await row(Service, world.service.id)).starts_at == world.event.starts_at


async def test_it_stays_when_the_rest_of_the_event_is_moved(client, save, row):
    world = await an_afternoon(save)
    start = world.event.starts_at
    staff = client(world.user("moderator"))

    def moving(before, after):
        times = {"startsAt": (start + before * HOUR).isoformat(), "endsAt": (start + after * HOUR).isoformat()}
        return staff.execute(UPDATE_EVENT, eventId=world.event, expectedVersion=1, moveServices=True, **times)

    tomorrow = await moving(24, 28)
    earlier = await moving(-0.25, 4)

    [refusal] = tomorrow.data["updateEvent"]["errors"]
    assert (refusal["code"], refusal["path"], refusal["details"]) == ("OUTSIDE_EVENT", ["startsAt"], {"count": 1})
    assert earlier.data["updateEvent"]["errors"] == []
    assert (await row(Service, world.service.id)).starts_at == start
    assert (await row(Service, world.coming.id)).starts_at == start + 3 * HOUR
