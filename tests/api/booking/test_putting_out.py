"""Someone put out of a club loses what they had by it at once; seeing an event is no right to join it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

import models
from models import (
    Admission,
    AvailabilityChange,
    Booking,
    ChatKind,
    ChatMember,
    ClubMembership,
    ClubRole,
    ClubVisibility,
    Event,
    EventHost,
    EventRole,
    EventStatus,
    EventVisibility,
    MembershipState,
    Notification,
    Registration,
    Role,
    Service,
)
from resolvers.core.invariants import find_violations
from resolvers.notifications.words import words_of
from tests.api.booking.test_bookings import BOOK
from tests.api.booking.test_registrations import CANCEL, REGISTER, rows
from tests.api.clubs.test_membership import CHANGE_ROLE, INVITE, JOIN, LEAVE, LIFT, REMOVE
from tests.api.events.test_hosts import ADD as ADD_HOST
from tests.api.events.test_hosts import REMOVE as REMOVE_HOST
from tests.api.events.test_reactivation import REACTIVATE
from tests.clients import codes
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
    make_message,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    now,
)
from tests.live import relaying
from tests.realtime.test_message_sent import following
from translations import Reader

SEEN = """
query ($id: ID!) {
  event(id: $id) { title viewerRegistrationState { code } services { viewerBookingState { code } } }
  events { nodes { id } }
}
"""
CANCEL_EVENT = "mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { errors { code } } }"
OWN = "query { viewer { registrations { nodes { admission event { title } } } } }"
CLUB_ONLY, PUBLIC = EventVisibility.CLUB, EventVisibility.PUBLIC


@dataclass
class Place:
    """A club with an owner and a member, where events are made."""

    club: models.Club
    owner: models.User
    member: models.User
    membership: models.ClubMembership
    category: models.EventCategory
    venue: models.Venue
    save: Any

    async def event(self, visibility: EventVisibility = CLUB_ONLY, **values: Any) -> models.Event:
        event = make_event(self.owner, self.category, self.venue, club=self.club, visibility=visibility, **values)
        await self.save(event)
        return event


@pytest.fixture
async def place(save):
    return await a_place(save)


async def a_place(save: Any, **values: Any) -> Place:
    owner, member, category, venue, club = make_user(), make_user(), make_category(), make_venue(), make_club(**values)
    await save(owner, member, category, venue, club)
    membership = make_membership(club, member)
    await save(membership, make_membership(club, owner, role=ClubRole.OWNER))
    return Place(club, owner, member, membership, category, venue, save)


@pytest.mark.parametrize("private", [False, True], ids=["members-only event", "private club"])
@pytest.mark.parametrize("admission", [None, *Admission], ids=lambda one: one.value if one else "NONE")
async def test_an_event_is_seen_by_a_registration_that_holds_or_waits_for_a_place(client, save, admission, private):
    place = await a_place(save, visibility=ClubVisibility.PRIVATE if private else ClubVisibility.PUBLIC)
    event = await place.event(PUBLIC if private else CLUB_ONLY, title="Inside")
    stranger = make_user()
    await save(stranger)
    if admission:
        await save(make_registration(event, stranger, admission=admission))

    seen = await client(stranger).run(SEEN, id=event)
    joined = await client(stranger).execute(REGISTER, eventId=event)
    own = await client(stranger).run(OWN)

    takes_part = admission in models.TAKING_PART
    assert (seen.data["event"] is not None) is takes_part
    assert len(seen.data["events"]["nodes"]) == (1 if takes_part and not private else 0) or private
    expected = (
        "NOT_FOUND" if not takes_part else "ALREADY_REGISTERED" if admission in models.HOLDING else "MEMBERS_ONLY"
    )
    assert codes(joined, "registerForEvent") == [expected]
    shown = {"title": "Inside"} if takes_part else None
    assert own.data["viewer"]["registrations"]["nodes"] == (
        [{"admission": admission.value, "event": shown}] if admission else []
    )


@pytest.mark.parametrize(
    ("who", "visibility", "expected"),
    [
        ("member", CLUB_ONLY, "OPEN"),
        ("owner", CLUB_ONLY, "OPEN"),
        ("host", CLUB_ONLY, "OPEN"),
        (Role.MODERATOR, CLUB_ONLY, "MEMBERS_ONLY"),
        (Role.ADMIN, CLUB_ONLY, "MEMBERS_ONLY"),
        ("stranger", PUBLIC, "OPEN"),
        (MembershipState.LEFT, PUBLIC, "OPEN"),
        (MembershipState.REJECTED, PUBLIC, "OPEN"),
        (MembershipState.BANNED, PUBLIC, "RESTRICTED"),
        ("banned for a while", PUBLIC, "RESTRICTED"),
        ("ban is over", PUBLIC, "OPEN"),
        ("banned host", CLUB_ONLY, "RESTRICTED"),
        ("banned moderator", CLUB_ONLY, "RESTRICTED"),
    ],
    ids=str,
)
@pytest.mark.parametrize("by_services", [False, True], ids=["registers", "books"])
async def test_seeing_an_event_is_no_right_to_join_it(
    client, save, count, place, who, visibility, expected, by_services
):
    event = await place.event(visibility)
    user = {"member": place.member, "owner": place.owner}.get(who) or make_user()
    if who in (Role.MODERATOR, Role.ADMIN, "banned moderator"):
        user.role = who if isinstance(who, Role) else Role.MODERATOR
    if user not in (place.member, place.owner):
        await save(user)
    if who in ("host", "banned host"):
        await save(make_host(event, user))
    states = {"banned for a while": in_days(1), "ban is over": now() - timedelta(minutes=1)}
    if isinstance(who, MembershipState):
        await save(make_membership(place.club, user, state=who))
    elif "ban" in str(who):
        until = states.get(who)
        await save(make_membership(place.club, user, state=MembershipState.BANNED, banned_until=until))
    if by_services:
        kind = make_service_type()
        await save(kind)
        service = make_service(event, kind)
        await save(service)

    seen = (await client(user).run(SEEN, id=event)).data["event"]
    if by_services:
        answer = await client(user).execute(BOOK, serviceIds=[service])
    else:
        answer = await client(user).execute(REGISTER, eventId=event)

    state = seen["services"][0]["viewerBookingState"] if by_services else seen["viewerRegistrationState"]
    assert state["code"] == expected
    field = "bookServices" if by_services else "registerForEvent"
    assert codes(answer, field) == ([] if expected == "OPEN" else [expected])
    assert await count(Registration) == (1 if expected == "OPEN" else 0)


@pytest.mark.parametrize("is_member", [True, False])
async def test_a_volunteer_books_members_only_events_for_members_alone(client, save, count, place, is_member):
    event = await place.event()
    volunteer, visitor, kind = make_user(role=Role.VOLUNTEER), make_user(), make_service_type()
    await save(volunteer, visitor, kind)
    await save(make_membership(place.club, volunteer))
    service = make_service(event, kind)
    await save(service)

    answer = await client(volunteer).execute(
        BOOK, serviceIds=[service], onBehalfOf=place.member if is_member else visitor
    )

    assert codes(answer, "bookServices") == ([] if is_member else ["MEMBERS_ONLY"])
    assert await count(Booking) == (1 if is_member else 0)


async def test_being_put_out_ends_what_one_had_by_the_club(client, save, ports, place, row):
    """Places of all its events that are not over, with their bookings, and its chats; what is past stays one's own."""
    coming, public, running, past = (
        await place.event(title="Coming", capacity=5),
        await place.event(PUBLIC, title="Public"),
        await place.event(title="Running", starts_at=now() - timedelta(hours=1)),
        await place.event(title="Past", starts_at=in_days(-3)),
    )
    elsewhere = make_event(place.owner, place.category, place.venue)
    kind, other = make_service_type(), make_user()
    await save(elsewhere, kind, other)
    service = make_service(coming, kind, capacity=5)
    await save(service)
    events = [coming, public, running, past, elsewhere]
    await save(*(make_registration(event, place.member) for event in events), make_registration(coming, other))
    await save(make_booking(service, place.member), make_booking(service, other))
    chats = {event.title: make_chat(kind=ChatKind.EVENT, event=event) for event in events}
    chats["Past"].last_sequence = 2
    of_club = make_chat(kind=ChatKind.CLUB, club=place.club)
    await save(*chats.values(), of_club)
    await save(*(make_member(chat, place.member) for chat in (*chats.values(), of_club)))
    await save(make_member(chats["Coming"], other), *(make_message(chats["Past"], place.member, one) for one in (1, 2)))

    answer = await client(place.owner).execute(REMOVE, membershipId=place.membership, reason="Spam")

    assert codes(answer, "answer") == []
    states = {
        one.event_id: one.admission for one in await rows(ports, Registration, Registration.user_id == place.member.id)
    }
    ended, kept = Admission.CANCELLED, Admission.CONFIRMED
    assert [states[event.id] for event in events] == [ended, ended, ended, kept, kept]
    assert [(one.user_id, one.admission, one.cancel_reason) for one in await rows(ports, Booking)] == [
        (place.member.id, ended, "Spam"),
        (other.id, kept, None),
    ]
    assert (await row(Event, coming.id)).taken == (await row(Service, service.id)).taken == 1
    told = await rows(ports, AvailabilityChange)
    assert {one.event_id for one in told} == {coming.id, public.id, running.id}
    assert [[one["taken"] for one in entry.services] for entry in told if entry.event_id == coming.id] == [[1]]
    present = {one.chat_id for one in await rows(ports, ChatMember, ChatMember.left_at.is_(None))}
    assert present == {chats["Coming"].id, chats[elsewhere.title].id}
    left = await row(ChatMember, (chats["Past"].id, place.member.id))
    assert left.left_sequence == 2
    notices = [one for one in await rows(ports, Notification) if one.user_id == place.member.id]
    assert sorted((one.type.value, one.params["name"], one.params["reason"]) for one in notices) == [
        ("CLUB_MEMBER_REMOVED", place.club.name, "Spam"),
        ("REGISTRATION_CANCELLED", "Coming", "Spam"),
        ("REGISTRATION_CANCELLED", "Public", "Spam"),
        ("REGISTRATION_CANCELLED", "Running", "Spam"),
    ]
    async with ports.database.reading() as session:
        assert await find_violations(session) == []


async def test_being_put_out_ends_all_roles_at_the_clubs_events(client, save, ports):
    """Coming and past; a co-organizer takes over, else those who rule the club run the event."""
    place = await a_place(save, visibility=ClubVisibility.PRIVATE)
    helper, led, sole, helped, past = (
        make_user(),
        await place.event(title="Led"),
        await place.event(title="Sole"),
        await place.event(title="Helped"),
        await place.event(title="Past", starts_at=in_days(-3)),
    )
    elsewhere = make_event(place.owner, place.category, place.venue)
    await save(helper, elsewhere)
    events = [led, sole, helped, past, elsewhere]
    chats = [make_chat(kind=ChatKind.EVENT, event=event) for event in events]
    await save(*chats)
    await save(*(make_host(event, place.member) for event in (led, sole, past, elsewhere)))
    await save(make_host(led, helper, EventRole.CO_ORGANIZER), make_host(helped, place.member, EventRole.STAFF))
    await save(*(make_member(chat, place.member) for chat in chats), make_member(chats[0], helper))

    async with relaying(ports), following(client, place.member, chats[0], ports) as (waiting, _stream):
        answer = await client(place.owner).execute(REMOVE, membershipId=place.membership)
        [ended] = (await asyncio.wait_for(waiting, 5)).errors
    tried = [
        codes(await client(place.member).execute(CANCEL_EVENT, eventId=led), "cancelEvent"),
        codes(await client(place.member).execute(ADD_HOST, eventId=sole, userId=helper, role="STAFF"), "addEventHost"),
    ]
    again = await client(place.owner).execute(ADD_HOST, eventId=sole, userId=place.member, role="STAFF")
    other = await client(place.owner).execute(ADD_HOST, eventId=sole, userId=helper, role="ORGANIZER")

    assert (codes(answer, "answer"), ended.extensions["reason"]) == ([], "FORBIDDEN")
    assert tried == [["NOT_FOUND"], ["NOT_FOUND"]]
    assert codes(again, "addEventHost") == ["RESTRICTED"]
    assert codes(other, "addEventHost") == []
    roles = {(one.event_id, one.user_id, one.role.value) for one in await rows(ports, EventHost)}
    leads = [(led, helper), (sole, helper), (elsewhere, place.member)]
    assert roles == {(event.id, person.id, "ORGANIZER") for event, person in leads}
    present = {(one.chat_id, one.user_id) for one in await rows(ports, ChatMember, ChatMember.left_at.is_(None))}
    assert present == {
        (chats[0].id, helper.id), (chats[1].id, helper.id), (chats[4].id, place.member.id)
    }  # fmt: skip
    told = [(one.user_id, one.type.value, one.params["name"]) for one in await rows(ports, Notification)]
    taken = [(place.member.id, "EVENT_ROLE_TAKEN", name) for name in ("Helped", "Led", "Sole")]
    given = [(helper.id, "EVENT_ROLE_GIVEN", name) for name in ("Led", "Sole")]
    inherited = await rows(ports, Notification, Notification.user_id == helper.id)
    why = "The previous organizer has left, so you now have this role: organizer."
    assert [why in words_of(one, Reader()).body for one in inherited if one.actor_id is None] == [True]
    assert sorted(told, key=str) == sorted(
        [(place.member.id, "CLUB_MEMBER_REMOVED", place.club.name), *taken, *given], key=str
    )
    async with ports.database.reading() as session:
        assert await find_violations(session) == []


@pytest.mark.parametrize("days", [3, -3], ids=["coming", "past"])
async def test_who_is_given_a_role_while_being_put_out_has_none_in_the_end(client, save, ports, place, count, days):
    events = [await place.event(PUBLIC, starts_at=in_days(days)) for _ in range(4)]

    def giving(position):
        given = {"eventId": events[position], "userId": place.member, "role": "CO_ORGANIZER"}
        return client(place.owner).execute(ADD_HOST, **given)

    await asyncio.gather(
        giving(0),
        giving(1),
        client(place.owner).execute(REMOVE, membershipId=place.membership),
        client(place.member).execute(REGISTER, eventId=events[0]),
        giving(2),
        giving(3),
    )

    assert await count(ClubMembership, ClubMembership.state == MembershipState.BANNED) == 1
    assert await count(EventHost) == 0
    async with ports.database.reading() as session:
        assert await find_violations(session) == []


async def test_the_database_gives_no_role_to_who_was_put_out(client, save, place):
    event, other = await place.event(), await place.event()
    await save(make_registration(other, place.owner, admission=Admission.REJECTED))
    await client(place.owner).execute(REMOVE, membershipId=place.membership)

    for host in (make_host(event, place.member), make_host(other, place.owner)):
        with pytest.raises(IntegrityError, match="who was put out has no role"):
            await save(host)


async def test_who_leaves_a_club_keeps_a_role_until_it_is_taken(client, save, place):
    event = await place.event()
    await save(make_host(event, place.member, EventRole.STAFF))
    await client(place.member).execute(LEAVE, clubId=place.club)

    seen = (await client(place.member).run(SEEN, id=event)).data["event"]
    taken = await client(place.owner).execute(REMOVE_HOST, eventId=event, userId=place.member)
    hidden = (await client(place.member).run(SEEN, id=event)).data["event"]

    assert (seen["title"], codes(taken, "removeEventHost"), hidden) == (event.title, [], None)


async def test_putting_out_costs_the_same_however_much_it_ends(client, save, ports):
    counts = []
    for number in (1, 6):
        place = await a_place(save)
        kind = make_service_type()
        await save(kind)
        for _ in range(number):
            event, hosted = await place.event(), await place.event()
            helper = make_user()
            await save(helper)
            await save(make_host(hosted, place.member), make_host(hosted, helper, EventRole.CO_ORGANIZER))
            services = [make_service(event, kind) for _ in range(3)]
            chat = make_chat(kind=ChatKind.EVENT, event=event)
            await save(*services, chat, make_registration(event, place.member))
            await save(make_member(chat, place.member), *(make_booking(one, place.member) for one in services))
        answer = await client(place.owner).execute(REMOVE, membershipId=place.membership)
        counts.append(len(answer.statements))

    assert counts[0] == counts[1]


async def test_who_was_put_out_neither_sees_nor_joins_what_is_for_members(client, place, save):
    event = await place.event()
    await client(place.member).execute(REGISTER, eventId=event)
    await client(place.owner).execute(REMOVE, membershipId=place.membership)

    seen = await client(place.member).run(SEEN, id=event)
    again = await client(place.member).execute(REGISTER, eventId=event)
    own = await client(place.member).run(OWN)

    assert seen.data == {"event": None, "events": {"nodes": []}}
    assert codes(again, "registerForEvent") == ["NOT_FOUND"]
    assert own.data["viewer"]["registrations"]["nodes"] == [{"admission": "CANCELLED", "event": None}]


async def test_who_leaves_a_club_keeps_their_place_and_takes_no_other(client, place):
    event, other = await place.event(), await place.event()
    await client(place.member).execute(REGISTER, eventId=event)
    await client(place.member).execute(LEAVE, clubId=place.club)

    seen = (await client(place.member).run(SEEN, id=event)).data["event"]
    hidden = (await client(place.member).run(SEEN, id=other)).data["event"]
    cancelled = await client(place.member).execute(CANCEL, eventId=event)
    again = await client(place.member).execute(REGISTER, eventId=event)

    assert (seen["viewerRegistrationState"]["code"], hidden) == ("ALREADY_REGISTERED", None)
    assert codes(cancelled, "cancelRegistration") == []
    assert codes(again, "registerForEvent") == ["NOT_FOUND"]


@pytest.mark.parametrize("action", [JOIN, LEAVE], ids=["join", "leave"])
async def test_nothing_that_a_person_does_leads_out_of_a_ban(client, place, row, action):
    until = in_days(7)
    await client(place.owner).execute(REMOVE, membershipId=place.membership, reason=" Spam ", until=until.isoformat())

    await client(place.member).execute(action, clubId=place.club)
    answer = await client(place.member).execute(JOIN, clubId=place.club)

    assert codes(answer, "answer") == ["RESTRICTED"]
    kept = await row(ClubMembership, place.membership.id)
    assert (kept.state, kept.ban_reason, kept.banned_until) == (MembershipState.BANNED, "Spam", until)


async def test_the_refusal_says_when_the_ban_ends(client, place):
    until = in_days(7)
    document = """
    mutation ($input: JoinClubInput!) { joinClub(input: $input) { errors { code message details { opensAt } } } }
    """
    told = []
    for end in (None, until.isoformat()):
        await client(place.owner).execute(REMOVE, membershipId=place.membership, until=end)
        answer = await client(place.member).execute(document, clubId=place.club)
        told += [(one["message"][:32], one["details"]) for one in answer.data["joinClub"]["errors"]]

    assert told == [
        ("You were removed from this club.", None),
        ("You were removed from this club.", {"opensAt": until.isoformat()}),
    ]


async def test_a_ban_ends_with_its_date(client, place, ports):
    await client(place.owner).execute(REMOVE, membershipId=place.membership, until=in_days(1).isoformat())
    async with ports.database.writing() as uow:
        await uow.session.execute(
            update(ClubMembership).values(banned_until=now()).where(ClubMembership.banned_until.is_not(None))
        )

    answer = await client(place.member).execute(JOIN, clubId=place.club)

    assert answer.data["answer"]["membership"]["state"] == "ACTIVE"
    [kept] = await rows(ports, ClubMembership, ClubMembership.user_id == place.member.id)
    assert (kept.ban_reason, kept.banned_until) == (None, None)


async def test_a_host_lifts_a_ban_and_the_person_is_told(client, place, ports):
    await client(place.owner).execute(REMOVE, membershipId=place.membership, reason="Spam")
    invited = await client(place.owner).execute(INVITE, clubId=place.club, userId=place.member)

    lifted = await client(place.owner).execute(LIFT, membershipId=place.membership)
    twice = await client(place.owner).execute(LIFT, membershipId=place.membership)
    joined = await client(place.member).execute(JOIN, clubId=place.club)

    assert codes(invited, "answer") == ["INVALID_STATUS"]
    assert lifted.data["answer"]["membership"]["state"] == "LEFT"
    assert codes(twice, "answer") == ["INVALID_STATUS"]
    assert joined.data["answer"]["membership"]["state"] == "ACTIVE"
    told = await rows(ports, Notification)
    assert [one.type.value for one in told] == ["CLUB_MEMBER_REMOVED", "CLUB_BAN_LIFTED"]


@pytest.mark.parametrize("state", [MembershipState.PENDING, MembershipState.REJECTED, MembershipState.LEFT])
async def test_who_slips_away_first_is_put_out_all_the_same(client, save, place, state):
    person = make_user()
    await save(person)
    membership = make_membership(place.club, person, state=state)
    event = await place.event(PUBLIC)
    await save(membership)
    await save(make_registration(event, person))

    removed = await client(place.owner).execute(REMOVE, membershipId=membership)
    joined = await client(person).execute(JOIN, clubId=place.club)
    registered = await client(person).execute(REGISTER, eventId=event)

    assert removed.data["answer"]["membership"]["state"] == "BANNED"
    assert codes(joined, "answer") == codes(registered, "registerForEvent") == ["RESTRICTED"]


@pytest.mark.parametrize(
    ("until", "code"),
    [("2001-01-01T00:00:00Z", "INVALID"), ("2999-01-01T00:00:00Z", "INVALID"), ("2100-01-01T00:00:00", "INVALID")],
)
async def test_a_ban_ends_at_an_instant_to_come(client, place, row, until, code):
    answer = await client(place.owner).execute(REMOVE, membershipId=place.membership, until=until)

    assert [(one["code"], one["path"]) for one in answer.data["answer"]["errors"]] == [(code, ["until"])]
    assert (await row(ClubMembership, place.membership.id)).state is MembershipState.ACTIVE


@pytest.mark.parametrize("who", ["signed-out", "stranger", "member", "banned", "club moderator", "moderator"])
async def test_who_may_lift_a_ban(client, save, place, count, who):
    banned = make_user()
    membership = make_membership(place.club, banned, state=MembershipState.BANNED)
    people = {"signed-out": None, "member": place.member, "banned": banned, "stranger": make_user()}
    people |= {"club moderator": make_user(), "moderator": make_user(role=Role.MODERATOR)}
    await save(banned, people["stranger"], people["club moderator"], people["moderator"])
    await save(membership, make_membership(place.club, people["club moderator"], role=ClubRole.MODERATOR))

    answer = await client(people[who]).execute(LIFT, membershipId=membership)

    refusals = {"signed-out": "UNAUTHENTICATED", "stranger": "NOT_FOUND", "member": "NOT_FOUND", "banned": "FORBIDDEN"}
    refusal = refusals.get(who)
    assert (answer.error_codes or codes(answer, "answer")) == ([refusal] if refusal else [])
    left = await count(ClubMembership, ClubMembership.state == MembershipState.LEFT)
    assert left == (0 if refusal else 1)
    assert await count(models.AuditEntry) == (1 if who == "moderator" else 0)


async def test_nobody_puts_themself_out(client, save, place):
    moderator = make_user(role=Role.MODERATOR)
    await save(moderator)
    own = make_membership(place.club, moderator)
    await save(own)

    answer = await client(moderator).execute(REMOVE, membershipId=own)

    assert codes(answer, "answer") == ["FORBIDDEN"]


async def test_who_returns_after_a_ban_has_no_old_role(client, save, place):
    await client(place.owner).execute(CHANGE_ROLE, membershipId=place.membership, role="MODERATOR")
    await client(place.owner).execute(REMOVE, membershipId=place.membership)
    await client(place.owner).execute(LIFT, membershipId=place.membership)

    answer = await client(place.member).execute(JOIN, clubId=place.club)

    assert answer.data["answer"]["membership"]["role"] == "MEMBER"


@pytest.mark.parametrize("books", [False, True])
async def test_who_takes_places_while_being_put_out_has_none_in_the_end(client, save, ports, place, count, books):
    """Whichever comes first: the places are ended, or refused."""
    kind = make_service_type()
    await save(kind)
    events = [await place.event(capacity=5) for _ in range(4)]
    services = [make_service(event, kind, capacity=5) for event in events] if books else []
    await save(*services)

    def taking(position):
        if books:
            return client(place.member).execute(BOOK, serviceIds=[services[position]])
        return client(place.member).execute(REGISTER, eventId=events[position])

    await asyncio.gather(
        taking(0),
        taking(1),
        client(place.owner).execute(REMOVE, membershipId=place.membership),
        taking(2),
        taking(3),
    )

    assert await count(ClubMembership, ClubMembership.state == MembershipState.BANNED) == 1
    assert await count(Registration, Registration.admission.in_(models.TAKING_PART)) == 0
    assert await count(Event, Event.taken > 0) == 0
    async with ports.database.reading() as session:
        assert await find_violations(session) == []


async def test_an_event_that_comes_again_comes_without_those_put_out(client, save, ports, place, row):
    event = await place.event(starts_at=in_days(-3), status=EventStatus.CANCELLED, cancelled_at=now())
    await save(make_registration(event, place.member), make_registration(event, place.owner))
    await client(place.owner).execute(REMOVE, membershipId=place.membership)
    times = {"startsAt": in_days(3).isoformat(), "endsAt": in_days(4).isoformat()}

    answer = await client(place.owner).execute(REACTIVATE, eventId=event, **times)

    assert codes(answer, "reactivateEvent") == []
    kept = await rows(ports, Registration, Registration.admission == Admission.CONFIRMED)
    assert [one.user_id for one in kept] == [place.owner.id]
    assert (await row(Event, event.id)).taken == 1
    async with ports.database.reading() as session:
        assert await find_violations(session) == []
