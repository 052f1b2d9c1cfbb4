"""Someone put out of an event does not come back by themself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

import models
from models import Admission, AuditEntry, Booking, ChatKind, ChatMember, Event, EventRole, Notification, Registration
from resolvers.core.invariants import find_violations
from tests.api.booking.test_bookings import BOOK
from tests.api.booking.test_registrations import CANCEL, REGISTER, STATE, an_event, rows
from tests.api.events.test_hosts import ADD as GIVE_ROLE
from tests.api.events.test_hosts import REMOVE as TAKE_ROLE
from tests.clients import codes
from tests.factories import (
    make_booking,
    make_chat,
    make_club,
    make_host,
    make_member,
    make_membership,
    make_registration,
    make_service,
    make_service_type,
    make_user,
)

REMOVE = """
mutation ($input: RemoveRegistrationInput!) {
  removeRegistration(input: $input) { registration { admission cancelReason } errors { code path } }
}
"""
LIFT = """
mutation ($input: LiftRegistrationBanInput!) {
  liftRegistrationBan(input: $input) { registration { admission } errors { code path } }
}
"""


async def a_party(save, **values):
    """An event with a host, a participant with a booking, and its chat."""
    ada, event = await an_event(save, **values)
    host, kind = make_user(), make_service_type()
    service = make_service(event, kind, starts_at=event.starts_at, ends_at=event.ends_at)
    chat = make_chat(kind=ChatKind.EVENT, event_id=event.id)
    registration = make_registration(event, ada)
    await save(host, kind, registration, chat)
    await save(service, make_host(event, host), make_member(chat, ada), make_member(chat, host))
    await save(make_booking(service, ada))
    return ada, host, event, service, registration


async def test_who_is_put_out_has_nothing_left_and_no_way_back(client, save, ports, row):
    ada, host, event, service, registration = await a_party(save)

    removed = await client(host).execute(REMOVE, registrationId=registration, reason="Noise")
    booked = await client(ada).execute(BOOK, serviceIds=[service])
    cancelled = await client(ada).execute(CANCEL, eventId=event)
    again = await client(ada).execute(BOOK, serviceIds=[service])

    assert removed.data["removeRegistration"]["registration"] == {"admission": "REJECTED", "cancelReason": "Noise"}
    assert codes(booked, "bookServices") == codes(again, "bookServices") == ["RESTRICTED"]
    assert codes(cancelled, "cancelRegistration") == ["NOT_REGISTERED"]
    assert [one.admission for one in await rows(ports, Booking)] == [Admission.CANCELLED]
    assert (await row(Event, event.id)).taken == 0
    assert [one.user_id for one in await rows(ports, ChatMember, ChatMember.left_at.is_(None))] == [host.id]
    told = [(one.user_id, one.type.value, one.params["reason"]) for one in await rows(ports, Notification)]
    assert told == [(ada.id, "REGISTRATION_REMOVED", "Noise")]
    [entry] = await rows(ports, AuditEntry)
    assert (entry.action, entry.actor_id) == ("registration.remove", host.id)
    async with ports.database.reading() as session:
        assert await find_violations(session) == []


@pytest.mark.parametrize("admission", [Admission.CANCELLED, Admission.WAITLISTED, Admission.PENDING_APPROVAL])
async def test_cancelling_in_time_does_not_help(client, save, row, admission):
    ada, event = await an_event(save)
    host = make_user()
    registration = make_registration(event, ada, admission=admission)
    await save(host, registration)
    await save(make_host(event, host))

    await client(host).execute(REMOVE, registrationId=registration)
    answer = await client(ada).execute(REGISTER, eventId=event)
    state = (await client(ada).run(STATE, id=event)).data["event"]

    assert codes(answer, "registerForEvent") == ["RESTRICTED"]
    assert state["viewerRegistrationState"]["code"] == "RESTRICTED"
    assert (await row(Registration, registration.id)).admission is Admission.REJECTED


async def test_those_who_run_the_event_let_someone_back(client, save, ports):
    ada, event = await an_event(save)
    host, registration = make_user(), make_registration(event, ada)
    await save(host, registration)
    await save(make_host(event, host))
    await client(host).execute(REMOVE, registrationId=registration)

    lifted = await client(host).execute(LIFT, registrationId=registration)
    twice = await client(host).execute(LIFT, registrationId=registration)
    answer = await client(ada).execute(REGISTER, eventId=event)

    assert lifted.data["liftRegistrationBan"]["registration"] == {"admission": "CANCELLED"}
    assert codes(twice, "liftRegistrationBan") == ["INVALID_STATUS"]
    assert codes(answer, "registerForEvent") == []
    told = [one.type.value for one in await rows(ports, Notification) if one.user_id == ada.id]
    assert told == ["REGISTRATION_REMOVED", "REGISTRATION_BAN_LIFTED", "REGISTRATION_CONFIRMED"]


async def test_a_volunteer_does_not_bring_back_who_was_put_out(client, save, count):
    ada, host, _event, service, registration = await a_party(save)
    volunteer = make_user(role=models.Role.VOLUNTEER)
    await save(volunteer)
    await client(host).execute(REMOVE, registrationId=registration)

    answer = await client(volunteer).execute(BOOK, serviceIds=[service], onBehalfOf=ada)

    assert codes(answer, "bookServices") == ["RESTRICTED"]
    assert await count(Booking, Booking.admission == Admission.CONFIRMED) == 0


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("signed-out", "UNAUTHENTICATED"),
        ("stranger", "NOT_FOUND"),
        ("member", "NOT_FOUND"),
        ("oneself", "FORBIDDEN"),
        ("staff", "NOT_FOUND"),
        (models.Role.VOLUNTEER, "FORBIDDEN"),
        ("organizer", None),
        ("co_organizer", None),
        ("club_admin", None),
        (models.Role.MODERATOR, None),
        (models.Role.ADMIN, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("lifts", [False, True], ids=["remove", "lift"])
async def test_who_puts_people_out_of_an_event(client, save, row, who, refusal, lifts):
    club = make_club()
    await save(club)
    ada, event = await an_event(save, club_id=club.id)
    before = Admission.REJECTED if lifts else Admission.CONFIRMED
    registration = make_registration(event, ada, admission=before)
    actor = make_user(role=who if isinstance(who, models.Role) else models.Role.USER)
    await save(actor, registration)
    if who in ("organizer", "co_organizer", "staff"):
        await save(make_host(event, actor, EventRole(who.upper())))
    if who in ("member", "club_admin"):
        role = models.ClubRole.ADMIN if who == "club_admin" else models.ClubRole.MEMBER
        await save(make_membership(club, actor, role=role))
    caller = {"signed-out": None, "oneself": ada}.get(who, actor)
    if who == "staff":
        refusal = "FORBIDDEN"

    answer = await client(caller).execute(LIFT if lifts else REMOVE, registrationId=registration)

    field = "liftRegistrationBan" if lifts else "removeRegistration"
    assert (answer.error_codes or codes(answer, field)) == ([refusal] if refusal else [])
    after = Admission.CANCELLED if lifts else Admission.REJECTED
    assert (await row(Registration, registration.id)).admission is (before if refusal else after)


@pytest.mark.parametrize(
    ("values", "admission", "code"),
    [({"starts_at": timedelta(days=-2)}, Admission.CONFIRMED, "CLOSED"), ({}, Admission.REJECTED, "INVALID_STATUS")],
)
async def test_removals_that_are_refused(client, save, count, values, admission, code):
    ada, event = await an_event(save, **values)
    host, registration = make_user(), make_registration(event, ada, admission=admission)
    await save(host, registration)
    await save(make_host(event, host))

    answer = await client(host).execute(REMOVE, registrationId=registration)

    assert codes(answer, "removeRegistration") == [code]
    assert await count(Notification) == await count(AuditEntry) == 0


@pytest.mark.parametrize(
    ("actor_role", "role", "code"),
    [
        ("ORGANIZER", "STAFF", "IS_HOST"),
        ("CO_ORGANIZER", "STAFF", "IS_HOST"),
        ("CO_ORGANIZER", "ORGANIZER", "FORBIDDEN"),
    ],
)
async def test_who_runs_an_event_is_put_out_once_the_role_is_taken(client, save, ports, actor_role, role, code):
    """By those who may take it."""
    ada, host, event, _service, registration = await a_party(save)
    actor = make_user()
    await save(actor)
    await save(make_host(event, ada, EventRole(role)), make_host(event, actor, EventRole(actor_role)))
    can = "query ($id: ID!) { event(id: $id) { registrations { nodes { viewerCan { remove } } } } }"

    def may_remove(answer):
        [place] = answer.data["event"]["registrations"]["nodes"]
        return place["viewerCan"]["remove"]

    refused = await client(actor).execute(REMOVE, registrationId=registration)
    before = may_remove(await client(actor).run(can, id=event))
    await client(host).execute(TAKE_ROLE, eventId=event, userId=ada)
    after = may_remove(await client(actor).run(can, id=event))
    removed = await client(actor).execute(REMOVE, registrationId=registration)
    again = await client(host).execute(GIVE_ROLE, eventId=event, userId=ada, role="STAFF")

    assert codes(refused, "removeRegistration") == [code]
    assert (before, after) == (False, True)
    assert (codes(removed, "removeRegistration"), codes(again, "addEventHost")) == ([], ["RESTRICTED"])
    present = {one.user_id for one in await rows(ports, ChatMember, ChatMember.left_at.is_(None))}
    assert present == {host.id}


async def test_nobody_is_put_out_and_given_a_role_at_once(client, save, ports):
    ada, host, event, _service, registration = await a_party(save)

    added, removed = await asyncio.gather(
        client(host).execute(GIVE_ROLE, eventId=event, userId=ada, role="STAFF"),
        client(host).execute(REMOVE, registrationId=registration),
    )

    found = (codes(added, "addEventHost"), codes(removed, "removeRegistration"))
    assert found in (([], ["IS_HOST"]), (["RESTRICTED"], []))
    async with ports.database.reading() as session:
        assert await find_violations(session) == []


async def test_who_registers_while_being_put_out_is_out_in_the_end(client, save, ports, count):
    ada, event = await an_event(save)
    host, registration = make_user(), make_registration(event, ada, admission=Admission.CANCELLED)
    await save(host, registration)
    await save(make_host(event, host))

    await asyncio.gather(
        client(ada).execute(REGISTER, eventId=event),
        client(host).execute(REMOVE, registrationId=registration),
        client(ada).execute(REGISTER, eventId=event),
    )

    assert [one.admission for one in await rows(ports, Registration)] == [Admission.REJECTED]
    assert await count(Event, Event.taken > 0) == 0
