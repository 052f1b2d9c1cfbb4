"""Deleting takes an event or a service from everyone but those whose history it is a part of."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models import (
    Admission,
    Booking,
    Chat,
    ChatKind,
    ClubVisibility,
    Event,
    EventStatus,
    Registration,
    Service,
)
from resolvers.core.invariants import find_violations
from tests.api.events.event_worlds import ARCHIVE, CANCEL, DELETE, PUBLISH, UPDATE, a_world, outcome
from tests.clients import codes
from tests.factories import (
    in_days,
    make_booking,
    make_chat,
    make_member,
    make_message,
    make_registration,
    make_user,
)

DELETE_SERVICE = "mutation ($input: DeleteServiceInput!) { deleteService(input: $input) { errors { code } } }"
CANCEL_SERVICE = "mutation ($input: CancelServiceInput!) { cancelService(input: $input) { errors { code } } }"
REACTIVATE = "mutation ($input: ReactivateEventInput!) { reactivateEvent(input: $input) { errors { code } } }"
REGISTER = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"
LEAVE = "mutation ($input: CancelRegistrationInput!) { cancelRegistration(input: $input) { errors { code } } }"
BOOK = "mutation ($input: BookServicesInput!) { bookServices(input: $input) { errors { code } } }"
UNBOOK = "mutation ($input: CancelBookingInput!) { cancelBooking(input: $input) { errors { code } } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { errors { code message } } }"
HISTORY = """
{
  viewer {
    registrations { nodes { admission event { title status deletedAt cancelReason services { type { name } } } } }
    bookings { nodes { admission event { title } service { deletedAt type { name } } } }
    chats { nodes { kind event { title } messages { nodes { body } } } }
  }
}
"""
FOUND = """
query ($id: ID!, $service: ID!) {
  event(id: $id) { title } node(id: $id) { id } service(id: $service) { id }
  events(filter: { ids: [$id] }) { nodes { id } }
  archived: events(filter: { ids: [$id], archived: true }) { nodes { id } }
}
"""


async def a_deleted_event(save, client, **values):
    """An event that was cancelled and deleted, with one participant, who had booked its service, and a chat."""
    world = await a_world(save, **values)
    chat = make_chat(kind=ChatKind.EVENT, event_id=world.event.id, last_sequence=1)
    ada = world.user("member")
    await save(chat, make_registration(world.event, ada))
    booking = make_booking(world.service, ada)
    await save(booking, make_member(chat, ada), make_member(chat, world.user("organiser")), make_message(chat, ada, 1))
    organiser = client(world.user("organiser"))
    await organiser.execute(CANCEL, eventId=world.event, reason="Rain")
    deleted = await organiser.execute(DELETE, eventId=world.event)
    assert codes(deleted, "deleteEvent") == []
    return world, booking, chat


async def broken(ports):
    async with ports.database.reading() as session:
        return await find_violations(session)


async def test_who_took_part_keeps_a_readable_record(client, save, ports):
    world, _booking, _chat = await a_deleted_event(save, client)

    answer = await client(world.user("member")).run(HISTORY)

    viewer = answer.data["viewer"]
    [registration], [booking], [chat] = (viewer[name]["nodes"] for name in ("registrations", "bookings", "chats"))
    service = {"type": {"name": world.service_type.name_en}}
    event = registration["event"]
    assert (event["title"], event["status"], event["cancelReason"]) == (world.event.title, "CANCELLED", "Rain")
    assert event["deletedAt"] is not None
    assert event["services"] == [service]
    assert booking == {
        "admission": "CONFIRMED", "event": {"title": world.event.title}, "service": {"deletedAt": None, **service},
    }  # fmt: skip
    assert chat == {
        "kind": "EVENT", "event": {"title": world.event.title}, "messages": {"nodes": [{"body": "Message 1"}]},
    }  # fmt: skip
    assert await broken(ports) == []


@pytest.mark.parametrize(
    "who", ["signed_out", "stranger", "organiser", "club_owner", "volunteer", "moderator", "admin", "member"]
)
async def test_nobody_else_finds_it(client, save, who):
    world, _booking, _chat = await a_deleted_event(save, client)

    answer = await client(world.user(who)).run(FOUND, id=world.event, service=world.service)

    is_record = who == "member"
    assert [answer.data[name] is not None for name in ("event", "node", "service")] == [is_record] * 3
    assert answer.data["events"]["nodes"] == answer.data["archived"]["nodes"] == []


@pytest.mark.parametrize("who", ["organiser", "moderator", "volunteer"])
async def test_the_records_of_others_are_not_found_either(client, save, ports, who):
    world, booking, _chat = await a_deleted_event(save, client)
    async with ports.database.reading() as session:
        registration = await session.scalar(Registration.__table__.select().with_only_columns(Registration.id))

    answer = await client(world.user(who)).run(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[Registration(id=registration), booking]
    )

    assert answer.data["nodes"] == [None, None]


@pytest.mark.parametrize("who", ["organiser", "member", "admin"])
async def test_nothing_can_be_done_with_a_record(client, save, count, who):
    world, booking, _chat = await a_deleted_event(save, client)
    caller = client(world.user(who))
    date = {"startsAt": in_days(9).isoformat()}

    answers = {
        "updateEvent": await caller.execute(UPDATE, eventId=world.event, expectedVersion=1, title="x"),
        "publishEvent": await caller.execute(PUBLISH, eventId=world.event),
        "cancelEvent": await caller.execute(CANCEL, eventId=world.event),
        "archiveEvent": await caller.execute(ARCHIVE, eventId=world.event),
        "reactivateEvent": await caller.execute(REACTIVATE, eventId=world.event, **date),
        "deleteEvent": await caller.execute(DELETE, eventId=world.event),
        "registerForEvent": await caller.execute(REGISTER, eventId=world.event),
        "cancelRegistration": await caller.execute(LEAVE, eventId=world.event),
        "bookServices": await caller.execute(BOOK, serviceIds=[world.service]),
        "cancelBooking": await caller.execute(UNBOOK, bookingId=booking),
        "cancelService": await caller.execute(CANCEL_SERVICE, serviceId=world.service),
        "deleteService": await caller.execute(DELETE_SERVICE, serviceId=world.service),
    }

    assert {outcome(answer, name) for name, answer in answers.items()} == {"NOT_FOUND"}
    assert await count(Booking, Booking.admission == Admission.CONFIRMED) == 1


async def test_the_chat_of_a_deleted_event_is_read_only(client, save):
    world, _booking, chat = await a_deleted_event(save, client)

    member, host = [
        await client(world.user(who)).execute(SEND, chatId=chat, body="Hello", clientMessageId=f"by-{who}")
        for who in ("member", "organiser")
    ]

    assert member.data["sendMessage"]["errors"] == [
        {"code": "CHAT_READ_ONLY", "message": "The event of this chat was deleted, so you can read but not write."}
    ]
    assert codes(host, "sendMessage") == ["NOT_FOUND"]


async def test_what_nobody_had_registered_for_is_gone(client, save, count):
    world = await a_world(save)

    await client(world.user("organiser")).execute(DELETE, eventId=world.event)

    assert await count(Event) == await count(Service) == 0


async def test_who_gave_their_place_back_reads_it_unless_it_was_of_a_club(client, save, ports):
    """And who was put out reads nothing."""
    outcomes = {}
    for name, admission, values in (
        ("cancelled", Admission.CANCELLED, {"club_id": None}),
        ("rejected", Admission.REJECTED, {"club_id": None}),
        ("of a club", Admission.CANCELLED, {}),
    ):
        world = await a_world(save, **values)
        ada = make_user()
        await save(ada)
        await save(make_registration(world.event, ada, admission=admission, cancelled_at=in_days(-1)))
        deleted = await client(world.user("organiser")).execute(DELETE, eventId=world.event)
        assert codes(deleted, "deleteEvent") == []

        answer = await client(ada).run("{ viewer { registrations { nodes { event { status } } } } }")
        outcomes[name] = answer.data["viewer"]["registrations"]["nodes"][0]["event"]

    assert outcomes == {"cancelled": {"status": "ARCHIVED"}, "rejected": None, "of a club": None}
    assert await broken(ports) == []


async def test_a_private_clubs_record_stays_with_those_who_have_a_place(client, save, ports):
    world, _booking, _chat = await a_deleted_event(save, client)
    async with ports.database.writing() as uow:
        await uow.session.execute(text("UPDATE clubs SET visibility = :v"), {"v": ClubVisibility.PRIVATE.value})

    answer = await client(world.user("member")).run(HISTORY)

    assert answer.data["viewer"]["registrations"]["nodes"][0]["event"]["title"] == world.event.title


async def test_a_deleted_service_stays_with_those_who_booked_it(client, save, ports, count):
    world = await a_world(save)
    ada, bob = world.user("member"), world.user("stranger")
    await save(make_registration(world.event, ada), make_registration(world.event, bob))
    await save(make_booking(world.service, ada))
    organiser = client(world.user("organiser"))
    document = """
    query ($id: ID!, $event: ID!) {
      service(id: $id) { isCancelled }
      event(id: $event) { services { id } registrations { nodes { bookings { id } } } }
      viewer { bookings { nodes { service { deletedAt isCancelled } } } }
    }
    """

    await organiser.execute(CANCEL_SERVICE, serviceId=world.service)
    deleted = await organiser.execute(DELETE_SERVICE, serviceId=world.service)
    own, other, host = [
        await client(one).run(document, id=world.service, event=world.event)
        for one in (ada, bob, world.user("organiser"))
    ]

    assert codes(deleted, "deleteService") == []
    [booking] = own.data["viewer"]["bookings"]["nodes"]
    assert booking["service"]["deletedAt"] is not None
    assert (own.data["service"], other.data["service"], host.data["service"]) == ({"isCancelled": True}, None, None)
    assert own.data["event"]["services"] == other.data["event"]["services"] == []
    assert [one["bookings"] for one in host.data["event"]["registrations"]["nodes"]] == [[], []]
    assert await broken(ports) == []


async def test_a_service_of_a_cancelled_event_takes_its_bookings_along_as_records(client, save, ports, count):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))
    await save(make_booking(world.service, world.user("member")))
    organiser = client(world.user("organiser"))
    await organiser.execute(CANCEL, eventId=world.event)

    answer = await organiser.execute(DELETE_SERVICE, serviceId=world.service)

    assert codes(answer, "deleteService") == []
    assert await count(Booking, Booking.admission == Admission.CONFIRMED) == 1
    assert await count(Service, Service.deleted_at.is_not(None), Service.taken == 1) == 1
    assert await broken(ports) == []


async def test_a_service_that_nobody_had_booked_is_gone(client, save, count):
    world = await a_world(save)

    await client(world.user("organiser")).execute(DELETE_SERVICE, serviceId=world.service)

    assert await count(Service) == 0


async def test_the_database_keeps_what_is_deleted_closed(client, save, ports):
    world = await a_world(save)
    assert world.event.status is EventStatus.PUBLISHED
    for table in ("events", "services"):
        with pytest.raises(IntegrityError, match=f"ck_{table}_deleted_is_"):
            async with ports.database.writing() as uow:
                await uow.session.execute(text(f"UPDATE {table} SET deleted_at = now()"))


@pytest.mark.parametrize("number", [2, 20])
async def test_a_history_of_records_takes_as_many_statements(client, save, number):
    ada, gone = make_user(), {"cancelled_at": in_days(-1), "deleted_at": in_days(-1)}
    await save(ada)
    for _ in range(number):
        world = await a_world(save, status=EventStatus.CANCELLED, **gone)
        await save(make_registration(world.event, ada))

    answer = await client(ada).run(
        "{ viewer { registrations(first: 50) { nodes { event { title services { type { name } } } } } } }"
    )

    assert [one["event"] is not None for one in answer.data["viewer"]["registrations"]["nodes"]] == [True] * number
    assert len(answer.statements) <= 4


async def test_chats_of_events_without_registrations_go_with_them(client, save, count):
    world = await a_world(save)
    chat = make_chat(kind=ChatKind.EVENT, event_id=world.event.id)
    await save(chat)
    await save(make_member(chat, world.user("organiser")))

    await client(world.user("organiser")).execute(DELETE, eventId=world.event)

    assert await count(Chat) == 0
