"""What comes back when an event is reactivated, and who hears of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

import models
from models import (
    Admission,
    AuditEntry,
    Event,
    EventStatus,
    Notification,
    NotificationType,
    OutboxEvent,
    Registration,
    Service,
)
from tests.api.events.event_worlds import ARCHIVE, CANCEL, DELETE, PUBLISH, UPDATE, a_world
from tests.clients import codes, gid
from tests.factories import (
    in_days,
    make_booking,
    make_event,
    make_host,
    make_interest,
    make_registration,
    make_service,
    make_venue,
)

REACTIVATE = """
mutation ($input: ReactivateEventInput!) {
  reactivateEvent(input: $input) {
    event {
      id status startsAt endsAt archivedAt cancelledAt cancelReason capacity
      previousEvent { id status } services { startsAt endsAt capacity }
      hosts { role user { handle } } interests { slug } chat { kind } availability { taken }
    }
    revision { state reactivates startsAt }
    errors { code path message }
  }
}
"""
CANCEL_SERVICE = "mutation ($input: CancelServiceInput!) { cancelService(input: $input) { errors { code } } }"
DELETE_SERVICE = "mutation ($input: DeleteServiceInput!) { deleteService(input: $input) { errors { code message } } }"


def dates(starts_at: datetime, hours: float = 4) -> dict[str, str]:
    return {"startsAt": starts_at.isoformat(), "endsAt": (starts_at + timedelta(hours=hours)).isoformat()}


async def notices(ports, type_: NotificationType) -> set:
    async with ports.database.reading() as session:
        found = await session.scalars(select(Notification.user_id).where(Notification.type == type_))
        return set(found)


async def test_a_cancelled_event_takes_place_after_all_and_its_people_hear_of_it(client, save, ports, count):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))
    ada = client(world.user("organiser"))
    await ada.execute(CANCEL, eventId=world.event, reason="Rain")

    answer = await ada.execute(REACTIVATE, eventId=world.event)

    event = answer.data["reactivateEvent"]["event"]
    assert (event["id"], event["status"], event["startsAt"]) == (
        gid(world.event), "PUBLISHED", world.event.starts_at.isoformat(),
    )  # fmt: skip
    assert (event["cancelledAt"], event["cancelReason"], event["availability"]) == (None, None, {"taken": 1})
    assert await notices(ports, NotificationType.EVENT_REACTIVATED) == {world.user("member").id}
    assert await count(Registration, Registration.admission == Admission.CONFIRMED) == 1
    assert await count(OutboxEvent, OutboxEvent.name == "event.reactivated") == 1
    assert await count(AuditEntry, AuditEntry.action == "event.status.change") == 2


async def test_a_cancelled_event_whose_day_is_over_is_postponed(client, save, ports):
    world = await a_world(
        save, status=EventStatus.CANCELLED, starts_at=in_days(-3), cancelled_at=in_days(-4), cancel_reason="Rain"
    )
    await save(make_registration(world.event, world.user("member")))
    moderator = client(world.user("moderator"))

    without = await moderator.execute(REACTIVATE, eventId=world.event)
    answer = await moderator.execute(REACTIVATE, eventId=world.event, startsAt=in_days(5).isoformat())

    [refusal] = without.data["reactivateEvent"]["errors"]
    event = answer.data["reactivateEvent"]["event"]
    assert refusal == {
        "code": "EVENT_IN_PAST", "path": ["startsAt"], "message": "The event is over: give it a new date.",
    }  # fmt: skip
    assert (event["id"], event["status"], event["availability"]) == (gid(world.event), "PUBLISHED", {"taken": 1})
    assert event["endsAt"] == (in_days(5) + timedelta(hours=4)).isoformat()
    assert await notices(ports, NotificationType.EVENT_REACTIVATED) == {world.user("member").id}


async def test_an_event_that_took_place_stays_and_is_held_again(client, save, ports, row, count):
    world = await a_world(
        save, status=EventStatus.ARCHIVED, starts_at=in_days(-3), archived_at=in_days(-2), completed_at=in_days(-2)
    )
    jazz = make_interest()
    await save(jazz)
    await save(
        make_service(world.event, world.service_type, cancelled_at=in_days(-4)),
        models.EventInterest(event_id=world.event.id, interest_id=jazz.id),
        make_registration(world.event, world.user("member")),
    )
    await save(make_booking(world.service, world.user("member")))

    answer = await client(world.user("admin")).execute(REACTIVATE, eventId=world.event, **dates(in_days(5)))

    event = answer.data["reactivateEvent"]["event"]
    assert event["previousEvent"] == {"id": gid(world.event), "status": "ARCHIVED"}
    assert event["id"] != gid(world.event)
    assert (event["status"], event["availability"], event["capacity"]) == ("PUBLISHED", {"taken": 0}, 20)
    assert event["hosts"] == [{"role": "ORGANIZER", "user": {"handle": world.user("organiser").handle}}]
    assert event["interests"] == [{"slug": jazz.slug}]
    assert event["services"] == [
        {"startsAt": in_days(5).isoformat(), "endsAt": (in_days(5) + timedelta(hours=1)).isoformat(), "capacity": 10}
    ]
    held = await row(Event, world.event.id)
    assert (held.status, held.starts_at, held.taken) == (EventStatus.ARCHIVED, world.event.starts_at, 1)
    assert await notices(ports, NotificationType.EVENT_REPEATED) == {world.user("member").id}
    assert await count(models.Chat, models.Chat.event_id.is_not(None)) == 1


async def test_who_was_there_hears_once_when_a_moderator_has_let_it_out(client, save, ports):
    world = await a_world(save, status=EventStatus.ARCHIVED, starts_at=in_days(-3), archived_at=in_days(-2))
    await save(make_registration(world.event, world.user("member")))
    ada = client(world.user("organiser"))

    answer = await ada.execute(REACTIVATE, eventId=world.event, **dates(in_days(5)))
    quiet = await notices(ports, NotificationType.EVENT_REPEATED)
    new = Event(id=models.uuid7())
    async with ports.database.reading() as session:
        new = (await session.scalars(select(Event).where(Event.previous_id == world.event.id))).one()
    await client(world.user("moderator")).execute(PUBLISH, eventId=new)

    assert answer.data["reactivateEvent"]["event"]["status"] == "PENDING_REVIEW"
    assert (quiet, await notices(ports, NotificationType.EVENT_REPEATED)) == (set(), {world.user("member").id})


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"startsAt": timedelta(days=-1), "endsAt": timedelta(days=-0.5)}, ("EVENT_IN_PAST", "endsAt")),
        ({"startsAt": timedelta(days=5), "endsAt": timedelta(days=4)}, ("INVALID", "endsAt")),
        ({"startsAt": "2099-01-01T10:00:00"}, ("INVALID", "startsAt")),
        ({"startsAt": "2500-01-01T10:00:00Z"}, ("INVALID", "startsAt")),
        ({"startsAt": "9999-12-31T23:59:59-12:00"}, ("INVALID", "startsAt")),
        ({"startsAt": timedelta(days=5), "endsAt": timedelta(days=5, hours=0.5)}, ("OUTSIDE_EVENT", "startsAt")),
    ],
    ids=["past", "order", "no-offset", "too-late", "last-day", "services"],
)
async def test_a_new_date_has_to_be_sound(client, save, count, values, refused):
    world = await a_world(save, status=EventStatus.ARCHIVED, starts_at=in_days(-3), archived_at=in_days(-2))

    answer = await client(world.user("admin")).execute(REACTIVATE, eventId=world.event, **values)

    [error] = answer.data["reactivateEvent"]["errors"]
    assert (error["code"], error["path"]) == (refused[0], [refused[1]])
    assert await count(Event, Event.status == EventStatus.ARCHIVED) == 1


async def test_services_keep_their_time_on_the_clock_over_a_clock_change(client, save):
    """An evening in Berlin moves from winter into summer, with a service an hour after its start."""
    year = in_days(0).year + 1
    berlin = ZoneInfo("Europe/Berlin")
    venue = make_venue(time_zone="Europe/Berlin")
    world = await a_world(save)
    winter = datetime(year, 1, 15, 23, tzinfo=berlin)
    night = make_event(
        world.user("organiser"), world.category, venue,
        starts_at=winter, ends_at=winter + timedelta(hours=8), capacity=20, status=EventStatus.ARCHIVED,
    )  # fmt: skip
    early = datetime(year, 1, 16, 4, tzinfo=berlin)
    await save(venue)
    await save(night)
    await save(make_host(night, world.user("organiser")))
    await save(make_service(night, world.service_type, starts_at=early, ends_at=early + timedelta(hours=1)))
    # The night in which clocks go forward: the last Sunday of March.
    sunday = max(day for day in range(25, 32) if datetime(year, 3, day).weekday() == 6)
    summer = datetime(year, 3, sunday, 23, tzinfo=berlin) - timedelta(days=1)

    answer = await client(world.user("admin")).execute(REACTIVATE, eventId=night, startsAt=summer.isoformat())

    event = answer.data["reactivateEvent"]["event"]
    [service] = event["services"]
    shown = [datetime.fromisoformat(one).astimezone(berlin).strftime("%d %H:%M") for one in (*service.values(),)[:2]]
    assert shown == [f"{sunday} 04:00", f"{sunday} 05:00"]
    assert datetime.fromisoformat(event["endsAt"]).astimezone(berlin).strftime("%d %H:%M") == f"{sunday} 07:00"


async def test_moving_into_another_zone_keeps_the_time_on_the_clock(client, save):
    world = await a_world(save)
    far = make_venue(time_zone="Asia/Vladivostok")
    await save(far)
    moscow, there = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Vladivostok")
    starts_at = world.event.starts_at.astimezone(moscow).replace(tzinfo=there)

    answer = await client(world.user("admin")).execute(
        UPDATE, eventId=world.event, expectedVersion=1, venueId=far, moveServices=True, **dates(starts_at)
    )

    [service] = answer.data["updateEvent"]["event"]["services"]
    assert datetime.fromisoformat(service["startsAt"]) == starts_at


async def test_what_never_was_out_comes_back_as_a_draft(client, save, count):
    world = await a_world(save, status=EventStatus.DRAFT, published_at=None)
    ada = client(world.user("organiser"))
    await ada.execute(PUBLISH, eventId=world.event)
    await ada.execute(ARCHIVE, eventId=world.event)

    answer = await ada.execute(REACTIVATE, eventId=world.event)

    assert answer.data["reactivateEvent"]["event"]["status"] == "DRAFT"
    assert await count(models.ModerationItem, models.ModerationItem.state == models.ModerationState.PENDING) == 0


@pytest.mark.parametrize("put_away", [CANCEL, ARCHIVE], ids=["cancelled", "archived"])
async def test_what_staff_put_away_comes_back_by_a_moderator(client, save, put_away):
    world = await a_world(save)
    await client(world.user("moderator")).execute(put_away, eventId=world.event)

    answer = await client(world.user("organiser")).execute(REACTIVATE, eventId=world.event)

    payload = answer.data["reactivateEvent"]
    assert payload["event"]["status"] == {CANCEL: "CANCELLED", ARCHIVE: "ARCHIVED"}[put_away]
    assert payload["revision"] == {"state": "PENDING", "reactivates": True, "startsAt": None}


async def test_advice_to_cancel_first_can_be_followed(client, save):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))
    ada = client(world.user("organiser"))

    refused = await ada.execute(DELETE, eventId=world.event)
    cancelled = await ada.execute(CANCEL, eventId=world.event)
    deleted = await ada.execute(DELETE, eventId=world.event)

    assert "Cancel first" in refused.data["deleteEvent"]["errors"][0]["message"]
    assert (codes(cancelled, "cancelEvent"), codes(deleted, "deleteEvent")) == ([], [])


@pytest.mark.parametrize("status", [EventStatus.PUBLISHED, EventStatus.ARCHIVED])
async def test_nobody_is_advised_to_cancel_where_it_is_too_late(client, save, status):
    world = await a_world(save, status=status, starts_at=in_days(-3))
    await save(make_registration(world.event, world.user("member")))
    await save(make_booking(world.service, world.user("member")))
    ada = client(world.user("organiser"))

    event = await ada.execute(DELETE, eventId=world.event)
    service = await ada.execute(DELETE_SERVICE, serviceId=world.service)
    cancelled = await ada.execute(CANCEL_SERVICE, serviceId=world.service)

    for answer, field in ((event, "deleteEvent"), (service, "deleteService")):
        [error] = answer.data[field]["errors"]
        assert (error["code"], "Cancel" in error["message"]) == ("HAS_PARTICIPANTS", False)
    assert codes(cancelled, "cancelService") == [
        "EVENT_IN_PAST" if status is EventStatus.PUBLISHED else "INVALID_STATUS"
    ]


async def test_advice_to_cancel_a_service_first_can_be_followed(client, save, count):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))
    await save(make_booking(world.service, world.user("member")))
    ada = client(world.user("organiser"))

    refused = await ada.execute(DELETE_SERVICE, serviceId=world.service)
    cancelled = await ada.execute(CANCEL_SERVICE, serviceId=world.service)
    deleted = await ada.execute(DELETE_SERVICE, serviceId=world.service)

    assert "Cancel first" in refused.data["deleteService"]["errors"][0]["message"]
    assert (codes(cancelled, "cancelService"), codes(deleted, "deleteService")) == ([], [])


async def test_a_service_of_a_cancelled_event_needs_no_cancelling(client, save):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))
    await save(make_booking(world.service, world.user("member")))
    ada = client(world.user("organiser"))
    await ada.execute(CANCEL, eventId=world.event)

    deleted = await ada.execute(DELETE_SERVICE, serviceId=world.service)

    assert codes(deleted, "deleteService") == []


async def test_advice_to_move_services_along_can_be_followed(client, save, count):
    world = await a_world(save)
    ada, later = client(world.user("club_owner")), dates(world.event.starts_at + timedelta(days=1))

    refused = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, **later)
    moved = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, moveServices=True, **later)

    assert codes(refused, "updateEvent") == ["OUTSIDE_EVENT"]
    assert codes(moved, "updateEvent") == []


async def test_advice_to_let_an_event_end_later_can_be_followed(client, save, count):
    world = await a_world(save)
    ada, start = client(world.user("club_owner")), world.event.starts_at + timedelta(days=1)

    refused = await ada.execute(
        UPDATE, eventId=world.event, expectedVersion=1, moveServices=True, **dates(start, hours=0.5)
    )
    moved = await ada.execute(
        UPDATE, eventId=world.event, expectedVersion=1, moveServices=True, **dates(start, hours=1)
    )

    assert codes(refused, "updateEvent") == ["OUTSIDE_EVENT"]
    assert codes(moved, "updateEvent") == []
    assert await count(Service, Service.starts_at == start) == 1
