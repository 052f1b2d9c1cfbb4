from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import (
    Admission,
    AuditEntry,
    AvailabilityChange,
    Booking,
    Notification,
    NotificationType,
    Registration,
    Service,
)
from tests.api.events.event_worlds import a_world, outcome
from tests.clients import codes
from tests.factories import make_booking, make_category, make_host, make_registration, make_service, make_service_type

ADD = """
mutation ($input: AddServiceInput!) {
  addService(input: $input) { service { capacity windowDays event { title } } errors { code path } }
}
"""
UPDATE = """
mutation ($input: UpdateServiceInput!) {
  updateService(input: $input) { service { capacity startsAt windowDays version } errors { code path } }
}
"""
CANCEL = """
mutation ($input: CancelServiceInput!) {
  cancelService(input: $input) { service { isCancelled bookedCount } errors { code } }
}
"""
DELETE = """
mutation ($input: DeleteServiceInput!) { deleteService(input: $input) { deletedServiceId errors { code } } }
"""
SERVICE = """
query ($id: ID!) {
  service(id: $id) { startsAt capacity bookedCount windowDays isCancelled version type { name } event { title } }
}
"""
EVERYONE = ("signed_out", "stranger", "member", "organiser", "club_owner", "moderator", "admin")
MAY = {
    "signed_out": "UNAUTHENTICATED",
    "stranger": "FORBIDDEN",
    "member": "FORBIDDEN",
    "organiser": "DONE",
    "club_owner": "DONE",
    "moderator": "DONE",
    "admin": "DONE",
}


def an_hour(world):
    return {
        "startsAt": world.event.starts_at.isoformat(),
        "endsAt": (world.event.starts_at + timedelta(hours=1)).isoformat(),
    }


async def test_a_service_takes_capacity_and_window_from_its_type(client, save, count):
    world = await a_world(save)
    kind = make_service_type(default_capacity=7, default_window_days=3)
    await save(kind)
    staff = client(world.user("moderator"))

    inherited = await staff.execute(ADD, eventId=world.event, serviceTypeId=kind, **an_hour(world))
    own = await staff.execute(
        ADD, eventId=world.event, serviceTypeId=kind, capacity=2, windowDays=None, **an_hour(world)
    )

    first, second = inherited.data["addService"]["service"], own.data["addService"]["service"]
    assert (first["capacity"], first["windowDays"]) == (7, 3)
    assert (second["capacity"], second["windowDays"]) == (2, None)
    assert await count(AvailabilityChange) == 2


@pytest.mark.parametrize(
    ("values", "path", "code"),
    [
        ({"capacity": 21}, ["capacity"], "CAPACITY_EXCEEDS_EVENT"),
        ({"capacity": 0}, ["capacity"], "INVALID"),
        ({"endsAt": "2199-01-01T00:00:00Z"}, ["endsAt"], "OUTSIDE_EVENT"),
        ({"windowDays": 3651}, ["windowDays"], "INVALID"),
    ],
)
async def test_what_a_service_may_not_be(client, save, count, values, path, code):
    world = await a_world(save)

    answer = await client(world.user("admin")).execute(
        ADD, **{"eventId": world.event, "serviceTypeId": world.service_type} | an_hour(world) | values
    )

    assert answer.data["addService"]["errors"] == [{"code": code, "path": path}]
    assert await count(Service) == 1


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("signed_out", "UNAUTHENTICATED"),
        ("stranger", "FORBIDDEN"),
        ("member", "FORBIDDEN"),
        ("organiser", "FORBIDDEN"),
        ("volunteer", "FORBIDDEN"),
        ("hosting_volunteer", "DONE"),
        ("moderator", "DONE"),
        ("admin", "DONE"),
    ],
)
async def test_who_may_offer_services(client, save, count, who, expected):
    world = await a_world(save)
    if who == "hosting_volunteer":
        await save(make_host(world.event, world.user("volunteer")))
        who = "volunteer"

    answer = await client(world.user(who)).execute(
        ADD, eventId=world.event, serviceTypeId=world.service_type, **an_hour(world)
    )

    assert outcome(answer, "addService") == expected
    assert await count(Service) == (2 if expected == "DONE" else 1)


async def test_capacity_and_window_of_a_service_change(client, save, count):
    world = await a_world(save)

    answer = await client(world.user("organiser")).execute(
        UPDATE, serviceId=world.service, expectedVersion=1, capacity=20, windowDays=5
    )
    stale = await client(world.user("organiser")).execute(UPDATE, serviceId=world.service, expectedVersion=1)

    changed = answer.data["updateService"]["service"]
    assert (changed["capacity"], changed["windowDays"], changed["version"]) == (20, 5, 2)
    assert codes(stale, "updateService") == ["VERSION_CONFLICT"]
    assert await count(AvailabilityChange) == 1
    assert await count(AuditEntry, AuditEntry.action == "service.capacity.change") == 1


async def test_capacity_of_a_service_stays_between_bookings_and_event(client, save):
    world = await a_world(save)
    await book(save, world, "member", "stranger")
    ada = client(world.user("organiser"))

    below = await ada.execute(UPDATE, serviceId=world.service, expectedVersion=1, capacity=1)
    above = await ada.execute(UPDATE, serviceId=world.service, expectedVersion=1, capacity=21)

    assert codes(below, "updateService") == ["CAPACITY_BELOW_TAKEN"]
    assert codes(above, "updateService") == ["CAPACITY_EXCEEDS_EVENT"]


async def test_who_has_a_place_hears_of_another_time(client, save, count, ports):
    world = await a_world(save)
    await book(save, world, "member")
    later = (world.service.starts_at + timedelta(minutes=30)).isoformat()

    answer = await client(world.user("organiser")).execute(
        UPDATE, serviceId=world.service, expectedVersion=1, startsAt=later
    )

    async with ports.database.reading() as session:
        notice = (await session.scalars(select(Notification))).one()
    assert answer.data["updateService"]["service"]["startsAt"] == later
    assert (notice.type, notice.user_id) == (NotificationType.SERVICE_CHANGED, world.user("member").id)
    assert notice.params["service"] == {"ru": world.service_type.name_ru, "en": world.service_type.name_en}


async def test_cancelling_a_service_cancels_bookings_and_last_registrations(client, save, count):
    world = await a_world(save)
    other = make_service(world.event, world.service_type)
    await save(other)
    await book(save, world, "member", "stranger")
    await save(make_booking(other, world.user("stranger")))

    answer = await client(world.user("organiser")).execute(CANCEL, serviceId=world.service)
    again = await client(world.user("organiser")).execute(CANCEL, serviceId=world.service)

    assert answer.data["cancelService"]["service"] == {"isCancelled": True, "bookedCount": 0}
    assert codes(again, "cancelService") == ["INVALID_STATUS"]
    assert await count(Booking, Booking.admission == Admission.CONFIRMED) == 1
    still = Registration.admission == Admission.CONFIRMED
    assert await count(Registration, still, Registration.user_id == world.user("stranger").id) == 1
    assert await count(Registration, still, Registration.user_id == world.user("member").id) == 0
    assert await count(Notification, Notification.type == NotificationType.SERVICE_CANCELLED) == 2
    assert await count(AvailabilityChange, AvailabilityChange.taken == 1) == 1


async def test_a_service_is_deleted_once_nobody_has_a_place(client, save, count):
    world = await a_world(save)
    await book(save, world, "member")
    ada = client(world.user("organiser"))

    refused = await ada.execute(DELETE, serviceId=world.service)
    await ada.execute(CANCEL, serviceId=world.service)
    deleted = await ada.execute(DELETE, serviceId=world.service)

    assert codes(refused, "deleteService") == ["HAS_PARTICIPANTS"]
    assert codes(deleted, "deleteService") == []
    assert await count(Service, Service.deleted_at.is_(None)) == 0


@pytest.mark.parametrize("who", EVERYONE)
@pytest.mark.parametrize(
    ("document", "field", "extra"),
    [
        (UPDATE, "updateService", {"expectedVersion": 1, "capacity": 9}),
        (CANCEL, "cancelService", {}),
        (DELETE, "deleteService", {}),
    ],
    ids=["update", "cancel", "delete"],
)
async def test_who_may_change_a_service(client, save, count, who, document, field, extra):
    world = await a_world(save)

    answer = await client(world.user(who)).execute(document, serviceId=world.service, **extra)

    unchanged = await count(Service, Service.version == 1, Service.cancelled_at.is_(None), Service.capacity == 10)
    assert outcome(answer, field) == MAY[who]
    assert unchanged == (0 if MAY[who] == "DONE" else 1)


async def test_event_and_service_capacity_cannot_cross_in_parallel(client, save, ports):
    """One lowers the event, one raises the service: the database never holds a service above its event."""
    world = await a_world(save)
    change_event = "mutation ($input: UpdateEventInput!) { updateEvent(input: $input) { errors { code } } }"

    lowered, raised = await asyncio.gather(
        client(world.user("organiser")).execute(change_event, eventId=world.event, expectedVersion=1, capacity=12),
        client(world.user("admin")).execute(UPDATE, serviceId=world.service, expectedVersion=1, capacity=18),
    )

    outcomes = sorted([outcome(lowered, "updateEvent"), outcome(raised, "updateService")])
    assert outcomes == ["CAPACITY_EXCEEDS_EVENT", "DONE"]


async def test_a_service_of_a_hidden_event_is_hidden(client, save):
    world = await a_world(save, visibility="CLUB")

    hidden = await client(world.user("stranger")).run(SERVICE, id=world.service)
    seen = await client(world.user("member")).run(SERVICE, id=world.service)

    assert (hidden.data, hidden.errors) == ({"service": None}, [])
    assert seen.data["service"]["event"] == {"title": world.event.title}


async def test_catalogues_speak_the_readers_language(client, save):
    world = await a_world(save)
    document = "{ serviceTypes { nodes { name defaultCapacity } } eventCategories { nodes { name } } }"

    russian = await client(language="ru").run(document)
    english = await client(language="en").run(document)

    assert russian.data["serviceTypes"]["nodes"] == [{"name": world.service_type.name_ru, "defaultCapacity": 10}]
    assert english.data["eventCategories"]["nodes"] == [{"name": world.category.name_en}]


@pytest.mark.parametrize("number", [10, 100])
async def test_a_catalogue_is_one_statement(client, save, number):
    await save(*(make_service_type() for _ in range(number)), *(make_category() for _ in range(number)))

    answer = await client().run("{ serviceTypes(first: 100) { nodes { name } } }")

    assert len(answer.data["serviceTypes"]["nodes"]) == number
    assert len(answer.statements) == 1


async def book(save, world, *names):
    for name in names:
        user = world.user(name)
        await save(make_registration(world.event, user))
        await save(make_booking(world.service, user))
