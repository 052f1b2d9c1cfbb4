from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

import models
from models import (
    Admission,
    AvailabilityChange,
    Booking,
    ChatKind,
    ChatMember,
    Event,
    EventStatus,
    EventVisibility,
    Notification,
    OutboxEvent,
    Registration,
    Role,
)
from tests.clients import codes, gid
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_member,
    make_membership,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    now,
)

REGISTER = """
mutation ($input: RegisterForEventInput!) {
  registerForEvent(input: $input) {
    registration { admission event { availability { taken free } } }
    errors { code path }
  }
}
"""
CANCEL = """
mutation ($input: CancelRegistrationInput!) {
  cancelRegistration(input: $input) { registration { admission } errors { code } }
}
"""
STATE = """
query ($id: ID!) {
  event(id: $id) { viewerRegistrationState { code opensAt } viewerRegistration { admission } availability { taken } }
}
"""


async def test_registering_takes_a_place(client, save, count):
    ada, event = await an_event(save, capacity=2)

    answer = await client(ada).execute(REGISTER, eventId=event)

    assert answer.data["registerForEvent"] == {
        "registration": {"admission": "CONFIRMED", "event": {"availability": {"taken": 1, "free": 1}}},
        "errors": [],
    }
    assert await count(Registration, Registration.admission == Admission.CONFIRMED) == 1


async def test_the_last_place_goes_once(client, save):
    ada, event = await an_event(save, capacity=1)
    bob = make_user()
    await save(bob)
    await client(ada).execute(REGISTER, eventId=event)

    answer = await client(bob).execute(REGISTER, eventId=event)

    assert answer.data["registerForEvent"]["errors"] == [{"code": "FULL", "path": ["eventId"]}]


async def test_coming_back_revives_the_registration(client, save, count):
    ada, event = await an_event(save, capacity=1)
    await client(ada).execute(REGISTER, eventId=event)
    await client(ada).execute(CANCEL, eventId=event)

    answer = await client(ada).execute(REGISTER, eventId=event)

    assert codes(answer, "registerForEvent") == []
    assert await count(Registration) == 1


async def test_a_key_has_one_effect_and_one_answer(client, save, count):
    ada, event = await an_event(save, capacity=5)
    first = await client(ada).execute(REGISTER, eventId=event, idempotencyKey="register-once")

    second = await client(ada).execute(REGISTER, eventId=event, idempotencyKey="register-once")

    assert second.data == first.data
    assert await count(Registration) == 1


async def test_a_guest_is_refused(client, save, count):
    _, event = await an_event(save)

    answer = await client().execute(REGISTER, eventId=event)

    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert answer.data == {"registerForEvent": None}
    assert await count(Registration) == 0


async def test_a_second_registration_is_refused(client, save, count):
    ada, event = await an_event(save)
    await client(ada).execute(REGISTER, eventId=event)

    answer = await client(ada).execute(REGISTER, eventId=event)

    assert codes(answer, "registerForEvent") == ["ALREADY_REGISTERED"]
    assert await count(AvailabilityChange) == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"status": EventStatus.CANCELLED}, "CLOSED"),
        ({"status": EventStatus.ARCHIVED}, "CLOSED"),
        ({"status": EventStatus.DRAFT}, "NOT_FOUND"),
        ({"status": EventStatus.PENDING_REVIEW}, "NOT_FOUND"),
        ({"starts_at": timedelta(minutes=-1)}, "CLOSED"),
    ],
)
async def test_events_that_take_nobody(client, save, count, values, code):
    ada, event = await an_event(save, **values)

    answer = await client(ada).execute(REGISTER, eventId=event)

    assert codes(answer, "registerForEvent") == [code]
    assert await count(Registration) == 0


async def test_the_organiser_of_a_draft_cannot_register_either(client, save, count):
    ada, event = await an_event(save, status=EventStatus.DRAFT)
    await save(make_host(event, ada))

    answer = await client(ada).execute(REGISTER, eventId=event)

    assert codes(answer, "registerForEvent") == ["CLOSED"]
    assert await count(Registration) == 0


async def test_an_event_with_services_is_entered_by_them(client, save, count):
    ada, event = await an_event(save)
    kind = make_service_type()
    await save(kind)
    await save(make_service(event, kind))

    answer = await client(ada).execute(REGISTER, eventId=event)
    state = await client(ada).run(STATE, id=event)

    assert codes(answer, "registerForEvent") == ["BOOK_SERVICES_INSTEAD"]
    assert state.data["event"]["viewerRegistrationState"]["code"] == "BOOK_SERVICES_INSTEAD"
    assert await count(Registration) == 0


async def test_an_event_whose_services_are_all_cancelled_is_registered_for_directly(client, save):
    ada, event = await an_event(save)
    kind = make_service_type()
    await save(kind)
    await save(make_service(event, kind, cancelled_at=now()))

    answer = await client(ada).execute(REGISTER, eventId=event)

    assert codes(answer, "registerForEvent") == []


async def test_a_note_is_kept_and_limited(client, save, ports):
    ada, event = await an_event(save)

    refused = await client(ada).execute(REGISTER, eventId=event, note="я" * 1001)
    taken = await client(ada).execute(REGISTER, eventId=event, note="  приду с другом ")

    assert refused.data["registerForEvent"]["errors"] == [{"code": "TOO_LONG", "path": ["note"]}]
    assert codes(taken, "registerForEvent") == []
    assert [row.note for row in await rows(ports, Registration)] == ["приду с другом"]


async def test_the_person_and_the_organisers_are_told(client, save, ports):
    ada, event = await an_event(save)
    host, co_host, helper = make_user(), make_user(), make_user()
    await save(host, co_host, helper)
    await save(
        make_host(event, host),
        make_host(event, co_host, models.EventRole.CO_ORGANIZER),
        make_host(event, helper, models.EventRole.STAFF),
    )

    await client(ada).execute(REGISTER, eventId=event)

    told = {(row.user_id, row.type.value) for row in await rows(ports, Notification)}
    assert told == {
        (ada.id, "REGISTRATION_CONFIRMED"),
        (host.id, "PARTICIPANT_JOINED"),
        (co_host.id, "PARTICIPANT_JOINED"),
    }


async def test_a_participant_is_in_the_events_chat_until_they_cancel(client, save, ports):
    ada, event = await an_event(save)
    chat = make_chat(kind=ChatKind.EVENT, event_id=event.id)
    await save(chat)

    await client(ada).execute(REGISTER, eventId=event)
    [joined] = await rows(ports, ChatMember)
    await client(ada).execute(CANCEL, eventId=event)
    [left] = await rows(ports, ChatMember)

    assert (joined.user_id, joined.left_at) == (ada.id, None)
    assert left.left_at is not None


async def test_a_host_who_cancels_stays_in_the_chat(client, save, ports):
    ada, event = await an_event(save)
    chat = make_chat(kind=ChatKind.EVENT, event_id=event.id)
    await save(chat, make_host(event, ada))
    await save(make_member(chat, ada))
    await client(ada).execute(REGISTER, eventId=event)

    await client(ada).execute(CANCEL, eventId=event)

    assert [row.left_at for row in await rows(ports, ChatMember)] == [None]


async def test_cancelling_gives_back_the_place_and_all_bookings(client, save, ports):
    ada, event = await an_event(save, capacity=3)
    kind = make_service_type()
    await save(kind)
    services = [make_service(event, kind, capacity=2), make_service(event, kind, capacity=3)]
    await save(*services, make_registration(event, ada))
    await save(*(make_booking(service, ada) for service in services))

    answer = await client(ada).execute(CANCEL, eventId=event)

    assert answer.data["cancelRegistration"] == {"registration": {"admission": "CANCELLED"}, "errors": []}
    assert {row.admission for row in await rows(ports, Booking)} == {Admission.CANCELLED}
    assert [row.taken for row in await rows(ports, models.Service)] == [0, 0]
    assert [row.taken for row in await rows(ports, Event)] == [0]
    [change] = await rows(ports, AvailabilityChange)
    assert [one["taken"] for one in change.services] == [0, 0]
    assert [(row.user_id, row.type.value) for row in await rows(ports, Notification)] == [
        (ada.id, "REGISTRATION_CANCELLED")
    ]


@pytest.mark.parametrize(
    ("registered", "values", "code"),
    [
        (None, {}, "NOT_REGISTERED"),
        (Admission.CANCELLED, {}, "NOT_REGISTERED"),
        (None, {"status": EventStatus.DRAFT}, "NOT_FOUND"),
        (Admission.CONFIRMED, {"starts_at": timedelta(days=-1)}, "CLOSED"),
    ],
)
async def test_cancellations_that_are_refused(client, save, count, registered, values, code):
    ada, event = await an_event(save, **values)
    if registered:
        await save(make_registration(event, ada, admission=registered))

    answer = await client(ada).execute(CANCEL, eventId=event)

    assert codes(answer, "cancelRegistration") == [code]
    assert await count(AvailabilityChange) == 0


@pytest.mark.parametrize(
    ("who", "outcome"),
    [
        ("guest", "UNAUTHENTICATED"),
        ("stranger", ["FORBIDDEN"]),
        ("member", ["FORBIDDEN"]),
        ("staff", ["FORBIDDEN"]),
        ("organizer", []),
        ("club_admin", []),
        (Role.VOLUNTEER, []),
        (Role.MODERATOR, []),
        (Role.ADMIN, []),
    ],
    ids=str,
)
async def test_who_may_cancel_the_registration_of_someone_else(client, save, ports, count, who, outcome):
    club = make_club()
    await save(club)
    ada, event = await an_event(save, club_id=club.id)
    actor = make_user(role=who if isinstance(who, Role) else Role.USER)
    service = make_service(event, kind := make_service_type())
    await save(actor, kind, make_registration(event, ada))
    await save(service)
    await save(make_booking(service, ada))
    if who in ("organizer", "staff"):
        await save(make_host(event, actor, models.EventRole(who.upper())))
    if who in ("member", "club_admin"):
        role = models.ClubRole.ADMIN if who == "club_admin" else models.ClubRole.MEMBER
        await save(make_membership(club, actor, role=role))

    answer = await client(None if who == "guest" else actor).execute(CANCEL, eventId=event, userId=ada)

    assert (answer.error_codes[0] if answer.errors else codes(answer, "cancelRegistration")) == outcome
    done = outcome == []
    assert await count(Registration, Registration.admission == Admission.CONFIRMED) == (0 if done else 1)
    assert await count(Booking, Booking.admission == Admission.CONFIRMED) == (0 if done else 1)
    assert await count(models.AuditEntry, models.AuditEntry.action == "registration.cancel") == (1 if done else 0)
    assert [row.user_id for row in await rows(ports, Notification)] == ([ada.id] if done else [])


async def test_who_has_no_place_cannot_be_cancelled_by_a_host(client, save, count):
    ada, event = await an_event(save)
    host = make_user()
    await save(host)
    await save(make_host(event, host))

    answer = await client(host).execute(CANCEL, eventId=event, userId=ada)

    assert codes(answer, "cancelRegistration") == ["NOT_REGISTERED"]
    assert await count(Notification) == 0


async def test_each_change_leaves_a_domain_event(client, save, ports):
    ada, event = await an_event(save)
    await client(ada).execute(REGISTER, eventId=event)

    await client(ada).execute(CANCEL, eventId=event)

    assert await event_names(ports) == [
        "event.availability.changed",
        "event.availability.changed",
        "event.registration.cancelled",
        "event.registration.created",
    ]


@pytest.mark.parametrize(
    ("role", "is_member", "outcome"),
    [
        (None, False, "UNAUTHENTICATED"),
        ("stranger", False, ["NOT_FOUND"]),
        ("member", True, []),
        ("organizer", False, []),
        (Role.VOLUNTEER, False, ["NOT_FOUND"]),
        (Role.MODERATOR, False, ["MEMBERS_ONLY"]),
        (Role.ADMIN, False, ["MEMBERS_ONLY"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("cancels", [False, True])
async def test_who_may_take_part_in_a_clubs_event(client, save, count, role, is_member, outcome, cancels):
    if cancels and outcome == ["MEMBERS_ONLY"]:
        outcome = []
    club = make_club()
    await save(club)
    _, event = await an_event(save, visibility=EventVisibility.CLUB, club_id=club.id)
    person = make_user(role=role if isinstance(role, Role) else Role.USER)
    await save(person)
    if role == "organizer":
        await save(make_host(event, person))
    if is_member:
        await save(models.ClubMembership(club_id=club.id, user_id=person.id, state=models.MembershipState.ACTIVE))
    if cancels and outcome == []:
        await save(make_registration(event, person))

    answer = await client(person if role else None).execute(CANCEL if cancels else REGISTER, eventId=event)

    field = "cancelRegistration" if cancels else "registerForEvent"
    found = answer.error_codes[0] if answer.errors else codes(answer, field)
    assert found == outcome
    expected = 1 if outcome == [] and not cancels else 0
    assert await count(Registration, Registration.admission == Admission.CONFIRMED) == expected


@pytest.mark.parametrize(
    ("values", "registered", "signed_in", "code"),
    [
        ({}, None, True, "OPEN"),
        ({}, None, False, "SIGN_IN_FIRST"),
        ({}, Admission.CONFIRMED, True, "ALREADY_REGISTERED"),
        ({}, Admission.CANCELLED, True, "OPEN"),
        ({"capacity": 1}, "someone else", True, "FULL"),
        ({"capacity": 1}, "someone else", False, "FULL"),
        ({"status": EventStatus.CANCELLED}, None, True, "CLOSED"),
        ({"starts_at": timedelta(minutes=-5)}, None, True, "CLOSED"),
    ],
)
async def test_what_is_shown_is_what_the_mutation_does(client, save, values, registered, signed_in, code):
    ada, event = await an_event(save, **values)
    bob = make_user()
    await save(bob)
    if registered == "someone else":
        await save(make_registration(event, bob))
    elif registered:
        await save(make_registration(event, ada, admission=registered))
    caller = client(ada) if signed_in else client()

    shown = await caller.run(STATE, id=event)
    done = await caller.execute(REGISTER, eventId=event)

    assert shown.data["event"]["viewerRegistrationState"] == {"code": code, "opensAt": None}
    if signed_in:
        assert codes(done, "registerForEvent") == ([] if code == "OPEN" else [code])
    else:
        assert done.error_codes == ["UNAUTHENTICATED"]


async def test_the_new_state_is_readable_at_once(client, save):
    ada, event = await an_event(save)
    document = """
    mutation ($input: RegisterForEventInput!) {
      registerForEvent(input: $input) {
        registration { event { viewerRegistrationState { code } viewerRegistration { admission } } }
      }
    }
    """

    answer = await client(ada).execute(document, eventId=event)

    assert answer.data["registerForEvent"]["registration"]["event"] == {
        "viewerRegistrationState": {"code": "ALREADY_REGISTERED"},
        "viewerRegistration": {"admission": "CONFIRMED"},
    }


async def test_own_registrations_by_timing(client, save):
    ada, past = await an_event(save, starts_at=in_days(-3))
    category, venue = make_category(), make_venue()
    await save(category, venue)
    ongoing = make_event(ada, category, venue, starts_at=now() - timedelta(minutes=30))
    upcoming = make_event(ada, category, venue, starts_at=in_days(2))
    await save(ongoing, upcoming)
    await save(*(make_registration(event, ada) for event in (past, ongoing, upcoming)))
    document = """
    query ($timings: [EventTiming!]) {
      viewer { registrations(filter: {timings: $timings}) { totalCount nodes { event { id } } } }
    }
    """

    found = {}
    for timing in ("PAST", "ONGOING", "UPCOMING", None):
        answer = await client(ada).run(document, timings=timing and [timing])
        page = answer.data["viewer"]["registrations"]
        found[timing] = [node["event"]["id"] for node in page["nodes"]]
        assert page["totalCount"] == len(page["nodes"])

    assert found == {
        "PAST": [gid(past)],
        "ONGOING": [gid(ongoing)],
        "UPCOMING": [gid(upcoming)],
        None: [gid(upcoming), gid(ongoing), gid(past)],
    }


PARTICIPANTS = """
query ($id: ID!, $admissions: [Admission!]) {
  event(id: $id) {
    registrations(filter: {admissions: $admissions}) { totalCount nodes { user { id } note staffNote } }
  }
}
"""


@pytest.mark.parametrize(
    ("who", "sees", "reads_staff_note"),
    [
        ("guest", 0, False),
        ("stranger", 0, False),
        ("participant", 1, False),
        ("organizer", 3, True),
        ("club_owner", 3, True),
        (Role.VOLUNTEER, 3, True),
        (Role.MODERATOR, 3, True),
        (Role.ADMIN, 3, True),
    ],
    ids=str,
)
async def test_who_sees_participants_and_staff_notes(client, save, who, sees, reads_staff_note):
    club = make_club()
    await save(club)
    ada, event = await an_event(save, club_id=club.id)
    others = [make_user(), make_user()]
    viewer = make_user(role=who if isinstance(who, Role) else Role.USER)
    await save(*others, viewer)
    await save(
        make_registration(event, ada, staff_note="careful", note="hello"),
        make_registration(event, others[0], staff_note="careful", note="hello"),
        make_registration(event, others[1], admission=Admission.CANCELLED, staff_note="careful", note="hello"),
    )
    if who == "organizer":
        await save(make_host(event, viewer))
    if who == "club_owner":
        await save(make_membership(club, viewer, role=models.ClubRole.OWNER))
    person = {"guest": None, "participant": ada}.get(who, viewer)

    answer = await client(person).run(PARTICIPANTS, id=event)
    cancelled = await client(person).run(PARTICIPANTS, id=event, admissions=["CANCELLED"])

    page = answer.data["event"]["registrations"]
    assert (page["totalCount"], len(page["nodes"])) == (sees, sees)
    assert {node["staffNote"] for node in page["nodes"]} <= {"careful" if reads_staff_note else None}
    assert cancelled.data["event"]["registrations"]["totalCount"] == (1 if sees == 3 else 0)


LISTS = """
query {
  events(first: 100) { nodes {
    viewerRegistrationState { code opensAt }
    viewerRegistration { admission staffNote bookings { admission } recordedBy { id } }
    registrations(first: 2) { totalCount nodes { staffNote user { id } } }
    availability { taken free }
  } }
  viewer { registrations(first: 100, filter: {timings: [UPCOMING]}) { nodes { event { id } bookings { note } } } }
}
"""


async def test_lists_cost_the_same_for_ten_rows_and_for_a_hundred(client, save):
    ada, category, venue = make_user(), make_category(), make_venue()
    await save(ada, category, venue)

    async def some(number):
        events = [make_event(ada, category, venue) for _ in range(number)]
        await save(*events)
        await save(*(make_registration(event, ada) for event in events))
        return await client(ada).run(LISTS)

    ten = await some(10)
    hundred = await some(90)

    assert len(ten.data["events"]["nodes"]) == 10
    assert len(hundred.data["events"]["nodes"]) == 100
    assert len(hundred.data["viewer"]["registrations"]["nodes"]) == 100
    assert len(hundred.statements) == len(ten.statements)


async def test_what_a_registration_costs(client, save):
    """What is known without a lock, and the one statement that writes."""
    ada, event = await an_event(save, capacity=2)
    host = make_user()
    chat = make_chat(kind=ChatKind.EVENT, event_id=event.id)
    await save(host, chat)
    await save(make_host(event, host))
    document = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"

    answer = await client(ada).execute(document, eventId=event)

    assert ["FOR NO KEY UPDATE" in one for one in answer.statements] == [False, True], "\n".join(answer.statements)


async def test_a_refusal_costs_one_statement_and_no_lock(client, save):
    ada, event = await an_event(save, capacity=1)
    bob = make_user()
    await save(bob)
    await save(make_registration(event, bob))
    document = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"

    answer = await client(ada).execute(document, eventId=event)

    assert codes(answer, "registerForEvent") == ["FULL"]
    assert ["FOR NO KEY UPDATE" in one for one in answer.statements] == [False]


async def event_names(ports):
    """Names of the domain events left behind, sorted."""
    found = await rows(ports, OutboxEvent, OutboxEvent.subject_type != "Notification")
    return sorted(row.name for row in found)


async def rows(ports, entity, *where):
    async with ports.database.reading() as session:
        return (await session.scalars(select(entity).where(*where).order_by(*entity.__table__.primary_key))).all()


async def an_event(save, **values):
    ada, category, venue = make_user(), make_category(), make_venue()
    event = make_event(ada, category, venue, **values)
    await save(ada, category, venue)
    await save(event)
    return ada, event


async def test_the_answer_tells_of_the_event_without_reading_it_again(client, save, ports):
    """And what the rule has not seen is read as ever, with the same places."""
    ada, event = await an_event(save, capacity=3, title="Walk")
    document = """
    mutation ($input: RegisterForEventInput!) {
      registerForEvent(input: $input) { registration { event { id title %s availability { capacity taken free } } } }
    }
    """

    known = await client(ada).execute(document % "status", eventId=event)
    await client(ada).execute(CANCEL, eventId=event)
    read = await client(ada).execute(document % "description", eventId=event)

    assert len(known.statements) == (2 if ports.settings.execution == "engine" else 3)
    assert known.data["registerForEvent"]["registration"]["event"] == {
        "id": gid(event),
        "title": "Walk",
        "status": "PUBLISHED",
        "availability": {"capacity": 3, "taken": 1, "free": 2},
    }
    assert len(read.statements) == 3
    shown = read.data["registerForEvent"]["registration"]["event"]
    assert shown["availability"] == {"capacity": 3, "taken": 1, "free": 2}


async def test_a_later_change_in_the_same_operation_is_seen(client, save):
    ada, event = await an_event(save, capacity=3)
    document = """
    mutation ($event: ID!) {
      a: registerForEvent(input: { eventId: $event }) { registration { event { availability { taken } } } }
      b: cancelRegistration(input: { eventId: $event }) { registration { event { availability { taken } } } }
    }
    """

    answer = await client(ada).run(document, event=event)

    taken = [answer.data[name]["registration"]["event"]["availability"]["taken"] for name in ("a", "b")]
    assert taken == [1, 0]
