from __future__ import annotations

import asyncio

import pytest

from models import (
    Admission,
    AuditEntry,
    ChatKind,
    ChatMember,
    EventHost,
    EventRole,
    EventStatus,
    MembershipState,
    Notification,
    NotificationType,
)
from tests.api.events.event_worlds import a_world, outcome
from tests.clients import codes
from tests.factories import make_chat, make_host, make_membership, make_registration, make_user

ADD = """
mutation ($input: AddEventHostInput!) {
  addEventHost(input: $input) { event { hosts { role user { handle } } } errors { code path } }
}
"""
CHANGE = """
mutation ($input: ChangeEventHostRoleInput!) {
  changeEventHostRole(input: $input) { event { hosts { role user { handle } } } errors { code path } }
}
"""
REMOVE = """
mutation ($input: RemoveEventHostInput!) {
  removeEventHost(input: $input) { event { title } errors { code path } }
}
"""


def hosts(answer, mutation):
    return {host["user"]["handle"]: host["role"] for host in answer.data[mutation]["event"]["hosts"]}


async def a_hosted(save, **values):
    """A world, with somebody new, a co-organiser and a helper."""
    world = await a_world(save, **values)
    world.users |= {"novice": make_user(), "co_organiser": make_user(), "helper": make_user()}
    await save(*(world.users[name] for name in ("novice", "co_organiser", "helper")))
    await save(
        make_host(world.event, world.user("co_organiser"), EventRole.CO_ORGANIZER),
        make_host(world.event, world.user("helper"), EventRole.STAFF),
    )
    return world


MANAGERS = ("organiser", "club_owner", "moderator", "admin")
BELOW = {"signed_out": "UNAUTHENTICATED", "stranger": "FORBIDDEN", "member": "FORBIDDEN", "helper": "FORBIDDEN"}


@pytest.mark.parametrize("who", [*MANAGERS, "co_organiser", *BELOW])
async def test_who_appoints_whom(client, save, count, who):
    world = await a_hosted(save)

    staff = await client(world.user(who)).execute(ADD, eventId=world.event, userId=world.user("novice"), role="STAFF")
    organizer = await client(world.user(who)).execute(
        ADD, eventId=world.event, userId=world.user("stranger"), role="ORGANIZER"
    )

    expected = BELOW.get(who, "DONE")
    assert outcome(staff, "addEventHost") == expected
    assert outcome(organizer, "addEventHost") == ("FORBIDDEN" if who == "co_organiser" else expected)
    assert await count(EventHost) == 3 + (expected == "DONE") + (who in MANAGERS)
    is_foreign = who in ("moderator", "admin")
    assert await count(AuditEntry, AuditEntry.action == "event.host.change") == (2 if is_foreign else 0)


async def test_a_new_host_is_told_and_is_in_the_chat_and_may_edit(client, save, count):
    world = await a_hosted(save, status=EventStatus.DRAFT, published_at=None)
    novice = world.user("novice")
    title = "query ($id: ID!) { event(id: $id) { title } }"
    assert (await client(novice).run(title, id=world.event)).data["event"] is None

    answer = await client(world.user("organiser")).execute(ADD, eventId=world.event, userId=novice, role="CO_ORGANIZER")

    assert hosts(answer, "addEventHost")[novice.handle] == "CO_ORGANIZER"
    assert (await client(novice).run(title, id=world.event)).data["event"]["title"] == world.event.title
    told = (Notification.user_id == novice.id, Notification.type == NotificationType.EVENT_ROLE_GIVEN)
    assert await count(Notification, *told) == 1
    words = await client(novice, language="ru").run("{ viewer { notifications { nodes { title body } } } }")
    [notice] = words.data["viewer"]["notifications"]["nodes"]
    assert notice["title"] == f"Ваша роль на событии: {world.event.title}"
    assert "соорганизатор" in notice["body"]


@pytest.mark.parametrize("case", ["already", "missing", "inactive", "banned", "put out", "too many"])
async def test_who_cannot_be_appointed(client, save, count, case):
    world = await a_hosted(save)
    person = world.user("novice")
    if case == "already":
        person = world.user("helper")
    elif case == "missing":
        person = make_user()
    elif case == "inactive":
        person = make_user(is_active=False)
        await save(person)
    elif case == "banned":
        await save(make_membership(world.club, person, state=MembershipState.BANNED))
    elif case == "put out":
        await save(make_registration(world.event, person, admission=Admission.REJECTED))
    else:
        others = [make_user() for _ in range(17)]
        await save(*others)
        await save(*(make_host(world.event, one, EventRole.STAFF) for one in others))
    before = await count(EventHost)

    answer = await client(world.user("organiser")).execute(ADD, eventId=world.event, userId=person, role="STAFF")

    expected = {
        "already": "ALREADY_EXISTS", "missing": "NOT_FOUND", "inactive": "NOT_FOUND", "banned": "RESTRICTED",
        "put out": "RESTRICTED", "too many": "INVALID",
    }  # fmt: skip
    assert answer.data["addEventHost"]["errors"] == [{"code": expected[case], "path": ["userId"]}]
    assert await count(EventHost) == before


async def test_a_role_changes_and_the_person_is_told(client, save, count):
    world = await a_hosted(save)
    change = {"eventId": world.event, "userId": world.user("helper"), "role": "CO_ORGANIZER"}

    answer = await client(world.user("co_organiser")).execute(CHANGE, **change)
    again = await client(world.user("co_organiser")).execute(CHANGE, **change)
    higher = await client(world.user("co_organiser")).execute(CHANGE, **change | {"role": "ORGANIZER"})
    lower = await client(world.user("co_organiser")).execute(
        CHANGE, eventId=world.event, userId=world.user("organiser"), role="STAFF"
    )

    assert hosts(answer, "changeEventHostRole")[world.user("helper").handle] == "CO_ORGANIZER"
    assert [codes(one, "changeEventHostRole") for one in (again, higher, lower)] == [[], ["FORBIDDEN"], ["FORBIDDEN"]]
    assert await count(Notification, Notification.user_id == world.user("helper").id) == 1


async def test_an_event_keeps_an_organizer(client, save, count):
    world = await a_hosted(save)
    organiser = world.user("organiser")

    left = await client(organiser).execute(REMOVE, eventId=world.event, userId=organiser)
    changed = await client(organiser).execute(CHANGE, eventId=world.event, userId=organiser, role="STAFF")

    assert codes(left, "removeEventHost") == codes(changed, "changeEventHostRole") == ["LAST_ORGANIZER"]
    assert await count(EventHost, EventHost.role == EventRole.ORGANIZER) == 1


async def test_two_organizers_cannot_both_leave(client, save, count):
    world = await a_hosted(save)
    both = [world.user("organiser"), world.user("novice")]
    await save(make_host(world.event, both[1], EventRole.ORGANIZER))

    answers = await asyncio.gather(*(client(one).execute(REMOVE, eventId=world.event, userId=one) for one in both))

    assert sorted(codes(answer, "removeEventHost") for answer in answers) == [[], ["LAST_ORGANIZER"]]
    assert await count(EventHost, EventHost.role == EventRole.ORGANIZER) == 1


@pytest.mark.parametrize("takes_part", [True, False])
@pytest.mark.parametrize("is_own", [True, False])
async def test_who_loses_the_role_leaves_the_chat_unless_they_take_part(client, save, count, takes_part, is_own):
    world = await a_hosted(save)
    novice, organiser = world.user("novice"), client(world.user("organiser"))
    await save(make_chat(kind=ChatKind.EVENT, event=world.event))
    await organiser.execute(ADD, eventId=world.event, userId=novice, role="STAFF")
    if takes_part:
        await save(make_registration(world.event, novice))

    answer = await (client(novice) if is_own else organiser).execute(REMOVE, eventId=world.event, userId=novice)

    assert codes(answer, "removeEventHost") == []
    assert answer.data["removeEventHost"]["event"] == {"title": world.event.title}
    present = (ChatMember.user_id == novice.id, ChatMember.left_at.is_(None))
    assert await count(ChatMember, *present) == (1 if takes_part else 0)
    taken = (Notification.user_id == novice.id, Notification.type == NotificationType.EVENT_ROLE_TAKEN)
    assert await count(Notification, *taken) == (0 if is_own else 1)


async def test_who_gives_up_a_role_at_a_draft_sees_it_no_more(client, save):
    world = await a_hosted(save, status=EventStatus.DRAFT, published_at=None)
    helper = world.user("helper")

    answer = await client(helper).execute(REMOVE, eventId=world.event, userId=helper)
    again = await client(helper).execute(REMOVE, eventId=world.event, userId=helper)

    assert answer.data["removeEventHost"] == {"event": None, "errors": []}
    assert again.data["removeEventHost"]["errors"] == [{"code": "NOT_FOUND", "path": ["eventId"]}]


SET_NOTE = """
mutation ($input: SetRegistrationStaffNoteInput!) {
  setRegistrationStaffNote(input: $input) { registration { staffNote } errors { code path } }
}
"""
SET_BOOKING_NOTE = """
mutation ($input: SetBookingStaffNoteInput!) {
  setBookingStaffNote(input: $input) { booking { staffNote } errors { code path } }
}
"""
WRITERS = ("organiser", "co_organiser", "helper", "club_owner", "volunteer", "moderator", "admin")


@pytest.mark.parametrize("who", [*WRITERS, "signed_out", "stranger", "member", "guest of the event"])
async def test_who_writes_remarks(client, save, row, count, who):
    world = await a_hosted(save)
    person = world.user("novice")
    world.users["guest of the event"] = person
    registration = make_registration(world.event, person)
    await save(registration)
    caller = client(world.user(who))

    written = await caller.execute(SET_NOTE, registrationId=registration, note=" Осторожно:\nаллергия ")

    expected = {"signed_out": "UNAUTHENTICATED", "guest of the event": "FORBIDDEN"}
    assert outcome(written, "setRegistrationStaffNote") == (
        "DONE" if who in WRITERS else expected.get(who, "NOT_FOUND")
    )
    note = "Осторожно:\nаллергия" if who in WRITERS else None
    assert (await row(type(registration), registration.id)).staff_note == note
    if who in WRITERS:
        assert written.data["setRegistrationStaffNote"]["registration"] == {"staffNote": note}
    is_foreign = who in ("volunteer", "moderator", "admin")
    assert await count(AuditEntry) == (1 if is_foreign else 0)
    if who in WRITERS:
        gone = await caller.execute(SET_NOTE, registrationId=registration, note=None)
        assert gone.data["setRegistrationStaffNote"]["registration"] == {"staffNote": None}


async def test_a_remark_about_a_booking(client, save):
    world = await a_hosted(save)
    person = world.user("novice")
    await save(make_registration(world.event, person))
    await client(person).run(
        "mutation ($input: BookServicesInput!) { bookServices(input: $input) { errors { code } } }",
        input={"serviceIds": [world.service]},
    )
    own = await client(person).run("{ viewer { bookings { nodes { id staffNote } } } }")
    [booking] = own.data["viewer"]["bookings"]["nodes"]

    written = await client(world.user("helper")).execute(
        SET_BOOKING_NOTE, bookingId=booking["id"], note="Пришёл раньше"
    )
    long = await client(world.user("helper")).execute(SET_BOOKING_NOTE, bookingId=booking["id"], note="x" * 1001)
    refused = await client(person).execute(SET_BOOKING_NOTE, bookingId=booking["id"], note="x")

    assert written.data["setBookingStaffNote"]["booking"] == {"staffNote": "Пришёл раньше"}
    assert codes(long, "setBookingStaffNote") == ["TOO_LONG"]
    assert codes(refused, "setBookingStaffNote") == ["FORBIDDEN"]
