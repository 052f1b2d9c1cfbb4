from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import (
    AuditEntry,
    AvailabilityChange,
    Event,
    EventStatus,
    ModerationItem,
    Notification,
    NotificationType,
    OutboxEvent,
    Registration,
    Service,
)
from tests.api.events.event_worlds import ARCHIVE, CANCEL, DELETE, PUBLISH, UPDATE, a_world, outcome
from tests.clients import codes
from tests.factories import in_days, make_category, make_event, make_host, make_registration, make_user, make_venue, now

REGISTER = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"
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


async def test_what_is_left_out_stays_and_null_is_a_value(client, save, ports):
    world = await a_world(save, description="Before")
    ada = client(world.user("club_owner"))

    kept = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, title="New title")
    await save_cancelled(ports, world.service)
    cleared = await ada.execute(UPDATE, eventId=world.event, expectedVersion=2, description=None, capacity=None)
    nothing = await ada.execute(UPDATE, eventId=world.event, expectedVersion=3, title="New title")

    first, second = kept.data["updateEvent"]["event"], cleared.data["updateEvent"]["event"]
    assert (first["title"], first["description"], first["capacity"], first["version"]) == ("New title", "Before", 20, 2)
    assert (second["title"], second["description"], second["capacity"], second["version"]) == (
        "New title", None, None, 3,
    )  # fmt: skip
    assert nothing.data["updateEvent"]["event"]["version"] == 3


async def save_cancelled(ports, service):
    async with ports.database.writing() as uow:
        (await uow.session.get_one(Service, service.id)).cancelled_at = now()


async def test_null_for_what_must_be_there_is_refused(client, save):
    world = await a_world(save)

    answer = await client(world.user("organiser")).execute(UPDATE, eventId=world.event, expectedVersion=1, title=None)

    assert codes(answer, "updateEvent") == ["INVALID"]


async def test_an_old_version_is_refused(client, save):
    world = await a_world(save)
    await client(world.user("organiser")).execute(UPDATE, eventId=world.event, expectedVersion=1, title="First")

    answer = await client(world.user("admin")).execute(UPDATE, eventId=world.event, expectedVersion=1, title="Second")

    assert codes(answer, "updateEvent") == ["VERSION_CONFLICT"]


async def test_of_two_edits_at_once_one_wins(client, save, count):
    world = await a_world(save)
    editors = [client(world.user("club_owner")), client(world.user("admin"))]

    answers = await asyncio.gather(
        *(
            one.execute(UPDATE, eventId=world.event, expectedVersion=1, title=f"By {at}")
            for at, one in enumerate(editors)
        )
    )

    assert sorted(outcome(answer, "updateEvent") for answer in answers) == ["DONE", "VERSION_CONFLICT"]
    assert await count(OutboxEvent, OutboxEvent.name == "event.updated") == 1


async def test_capacity_does_not_go_below_people_or_services(client, save, count):
    world = await a_world(save, capacity=20)
    await save(
        make_registration(world.event, world.user("member")), make_registration(world.event, world.user("admin"))
    )
    ada = client(world.user("organiser"))

    refused = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, capacity=1)
    below_service = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, capacity=9)
    changed = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, capacity=10)

    assert codes(refused, "updateEvent") == ["CAPACITY_BELOW_TAKEN", "CAPACITY_EXCEEDS_EVENT"]
    assert codes(below_service, "updateEvent") == ["CAPACITY_EXCEEDS_EVENT"]
    assert changed.data["updateEvent"]["event"]["capacity"] == 10
    assert await count(AvailabilityChange, AvailabilityChange.capacity == 10) == 1
    assert await count(AuditEntry, AuditEntry.action == "event.capacity.change") == 1


async def test_participants_hear_of_another_price(client, save, ports):
    world, price = await a_world(save), {"amount": "500", "currency": "RUB"}
    await save(make_registration(world.event, world.user("member")))

    await client(world.user("organiser")).execute(UPDATE, eventId=world.event, expectedVersion=1, price=price)

    answer = await client(world.user("member")).run(
        "{ viewer { notifications { nodes { body changes { field priceBefore { amount } priceAfter { amount currency } "
        "} } } } }"
    )
    [notice] = answer.data["viewer"]["notifications"]["nodes"]
    assert notice["changes"] == [
        {"field": "PRICE", "priceBefore": {"amount": "0.00"}, "priceAfter": {"amount": "500.00", "currency": "RUB"}}
    ]
    assert "Price: RUB\u00a00.00 → RUB\u00a0500.00." in notice["body"]


async def test_participants_hear_once_of_what_matters_to_them(client, save, ports, count):
    world = await a_world(save)
    await save(
        make_registration(world.event, world.user("member")), make_registration(world.event, world.user("club_owner"))
    )
    ada = client(world.user("club_owner"))

    await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, description="Only this")
    quiet = await count(Notification)
    await ada.execute(UPDATE, eventId=world.event, expectedVersion=2, title="Moved", newVenue={"name": "Elsewhere"})

    async with ports.database.reading() as session:
        sent = (await session.scalars(select(Notification.params))).all()
    assert quiet == 0
    assert [(params["name"], params["changes"]) for params in sent] == [
        (
            "Moved",
            [
                {"field": "title", "before": world.event.title, "after": "Moved"},
                {"field": "venue", "before": world.venue.name, "after": "Elsewhere"},
            ],
        )
    ]
    assert await count(Notification, Notification.user_id == world.user("member").id) == 1


async def test_services_stay_inside_or_move_along(client, save):
    world = await a_world(save)
    later = {
        "startsAt": (world.event.starts_at + timedelta(days=1)).isoformat(),
        "endsAt": (world.event.ends_at + timedelta(days=1)).isoformat(),
    }
    ada = client(world.user("club_owner"))

    refused = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, **later)
    moved = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, moveServices=True, **later)

    assert codes(refused, "updateEvent") == ["OUTSIDE_EVENT"]
    assert moved.data["updateEvent"]["event"]["services"] == [{"startsAt": later["startsAt"]}]


async def test_the_zone_is_the_venues(client, save):
    world = await a_world(save)

    answer = await client(world.user("club_owner")).execute(
        UPDATE, eventId=world.event, expectedVersion=1, newVenue={"name": "Far", "timeZone": "Asia/Vladivostok"}
    )

    changed = answer.data["updateEvent"]["event"]
    assert (changed["timeZone"], changed["startsAt"]) == ("Asia/Vladivostok", world.event.starts_at.isoformat())


@pytest.mark.parametrize("who", EVERYONE)
@pytest.mark.parametrize(
    ("document", "field", "extra"),
    [
        (UPDATE, "updateEvent", {"expectedVersion": 1, "title": "Changed"}),
        (CANCEL, "cancelEvent", {}),
        (ARCHIVE, "archiveEvent", {}),
        (DELETE, "deleteEvent", {}),
    ],
    ids=["update", "cancel", "archive", "delete"],
)
async def test_who_may_change_an_event(client, save, count, who, document, field, extra):
    world = await a_world(save)

    answer = await client(world.user(who)).execute(document, eventId=world.event, **extra)

    unchanged = await count(
        Event, Event.version == 1, Event.title == world.event.title, Event.status == EventStatus.PUBLISHED
    )
    assert outcome(answer, field) == MAY[who]
    assert unchanged == (0 if MAY[who] == "DONE" else 1)


@pytest.mark.parametrize(
    ("who", "in_club", "expected"),
    [
        ("plain", False, "PENDING_REVIEW"),
        ("plain", True, "PENDING_REVIEW"),
        ("club_owner", True, "PUBLISHED"),
        ("club_owner", False, "PENDING_REVIEW"),
        ("trusted", False, "PUBLISHED"),
        ("moderator", False, "PUBLISHED"),
        ("admin", False, "PUBLISHED"),
    ],
)
async def test_where_a_draft_goes(client, save, count, who, in_club, expected):
    world = await a_world(save)
    author = {"plain": world.user("member"), "trusted": make_user(is_trusted=True)}.get(who) or world.user(who)
    draft = make_event(author, world.category, world.venue, status=EventStatus.DRAFT, published_at=None)
    draft.club_id = world.club.id if in_club else None
    await save(author)
    await save(draft)
    await save(make_host(draft, author))

    answer = await client(author).execute(PUBLISH, eventId=draft)
    again = await client(author).execute(PUBLISH, eventId=draft)

    went_out = expected == "PUBLISHED"
    assert answer.data["publishEvent"] == {"event": {"status": expected}, "errors": []}
    assert codes(again, "publishEvent") == ["INVALID_STATUS"]
    assert await count(OutboxEvent, OutboxEvent.name == "event.published") == (1 if went_out else 0)
    assert await count(ModerationItem) == (0 if went_out else 1)


@pytest.mark.parametrize("who", EVERYONE)
async def test_who_may_publish_a_draft(client, save, count, who):
    world = await a_world(save, status=EventStatus.DRAFT, published_at=None)

    answer = await client(world.user(who)).execute(PUBLISH, eventId=world.event)

    hidden = {"stranger": "NOT_FOUND", "member": "NOT_FOUND"}
    expected = (MAY | hidden)[who]
    assert outcome(answer, "publishEvent") == expected
    assert await count(Event, Event.status == EventStatus.DRAFT) == (0 if expected == "DONE" else 1)


async def test_what_is_over_is_not_published(client, save):
    world = await a_world(save, status=EventStatus.DRAFT, starts_at=in_days(-3))

    answer = await client(world.user("admin")).execute(PUBLISH, eventId=world.event)

    assert codes(answer, "publishEvent") == ["EVENT_IN_PAST"]


async def test_cancelling_tells_participants_and_allows_deletion(client, save, count):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))
    ada = client(world.user("organiser"))

    refused = await ada.execute(DELETE, eventId=world.event)
    cancelled = await ada.execute(CANCEL, eventId=world.event, reason=" No heating ")
    registering = await client(world.user("stranger")).execute(REGISTER, eventId=world.event)
    told = await count(
        Notification,
        Notification.user_id == world.user("member").id,
        Notification.type == NotificationType.EVENT_CANCELLED,
    )
    deleted = await ada.execute(DELETE, eventId=world.event)

    assert refused.data["deleteEvent"]["errors"] == [
        {"code": "HAS_PARTICIPANTS", "message": "1 person has a place. Cancel first, so that they are notified."}
    ]
    assert cancelled.data["cancelEvent"]["event"] == {"status": "CANCELLED", "cancelReason": "No heating"}
    assert codes(registering, "registerForEvent") == ["CLOSED"]
    assert told == 1
    assert codes(deleted, "deleteEvent") == []
    assert await count(Event, Event.deleted_at.is_(None)) == 0


async def test_an_event_is_not_deleted_under_someone_who_registers(client, save, count):
    """Whichever comes first, no registration is lost."""
    for _ in range(5):
        ada, bob, category, venue = make_user(), make_user(), make_category(), make_venue()
        event = make_event(ada, category, venue)
        await save(ada, bob, category, venue)
        await save(event)
        await save(make_host(event, ada))

        deleted, registered = await asyncio.gather(
            client(ada).execute(DELETE, eventId=event), client(bob).execute(REGISTER, eventId=event)
        )

        outcomes = (outcome(deleted, "deleteEvent"), outcome(registered, "registerForEvent"))
        assert outcomes in {("DONE", "NOT_FOUND"), ("HAS_PARTICIPANTS", "DONE")}
        assert await count(Registration, Registration.event_id == event.id) == (1 if outcomes[1] == "DONE" else 0)


async def test_what_people_wait_for_is_not_archived(client, save, count):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))

    answer = await client(world.user("admin")).execute(ARCHIVE, eventId=world.event)

    assert codes(answer, "archiveEvent") == ["HAS_PARTICIPANTS"]
    assert await count(Event, Event.status == EventStatus.PUBLISHED) == 1


@pytest.mark.parametrize("status", [EventStatus.CANCELLED, EventStatus.ARCHIVED])
async def test_what_is_put_away_is_not_changed(client, save, status):
    world = await a_world(save, status=status)

    answer = await client(world.user("admin")).execute(UPDATE, eventId=world.event, expectedVersion=1, title="x")

    assert codes(answer, "updateEvent") == ["INVALID_STATUS"]
