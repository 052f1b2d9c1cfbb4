"""Races with real commits, over HTTP, against two server processes."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import func, select, text

from models import HOLDING, AvailabilityChange, Booking, Event, Notification, Registration, Service, Session, uuid7
from resolvers.core.invariants import find_violations
from tests.clients import ServerProcess, gid
from tests.factories import (
    in_days,
    make_category,
    make_chat,
    make_event,
    make_host,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    now,
)

REGISTER = """
mutation ($input: RegisterForEventInput!) {
  registerForEvent(input: $input) { registration { id admission } errors { code } }
}
"""
CANCEL = """
mutation ($input: CancelRegistrationInput!) {
  cancelRegistration(input: $input) { registration { id } errors { code } }
}
"""
BOOK = """
mutation ($input: BookServicesInput!) {
  bookServices(input: $input) { bookings { id } errors { code path } }
}
"""


@pytest.fixture(scope="module")
def servers_of_race(environment):
    """Two processes for all races of this file: starting them is what takes longest."""
    running = []
    try:
        running += [ServerProcess(environment)]
        running += [ServerProcess(environment)]
        yield running
    finally:
        for server in running:
            server.stop()


def is_overloaded(body):
    return any(error["extensions"].get("reason") == "OVERLOADED" for error in body.get("errors", ()))


@pytest.fixture
async def two_servers(servers_of_race):
    """Run one operation on either of two processes: `run(token, document, **input)` answers the payload."""
    servers = servers_of_race
    limits = httpx2.Limits(max_connections=80, max_keepalive_connections=80)
    turns = iter(range(10**9))
    async with httpx2.AsyncClient(limits=limits, timeout=60) as http:

        async def asked(server, token, document, input):
            response = await http.post(
                f"{server.url}/graphql",
                json={"query": document, "variables": {"input": input}},
                headers={"authorization": f"Bearer {token}"},
            )
            return response.json()

        async def run(token, document, **input):
            server = servers[next(turns) % 2]
            body = await asked(server, token, document, input)
            # On a slow machine some wait too long for their turn: nothing was done, and they come again, as clients do.
            while is_overloaded(body):
                await asyncio.sleep(0.2)
                body = await asked(server, token, document, input)
            assert "errors" not in body, body
            [answer] = body["data"].values()
            return answer

        yield run


@pytest.fixture
def sign_in(save, ports):
    """Access tokens of new users, with sessions of their own."""

    async def signed_in(number):
        users = [make_user() for _ in range(number)]
        sessions = [
            Session(id=uuid7(), user_id=user.id, expires_at=now() + timedelta(hours=1), last_used_at=now())
            for user in users
        ]
        await save(*users)
        await save(*sessions)
        return [ports.tokens.issue(one.user_id, one.id)[0] for one in sessions]

    return signed_in


async def a_day(save, services=(), **values):
    """An event with a host and a chat."""
    host, category, venue, kind = make_user(), make_category(), make_venue(), make_service_type()
    event = make_event(host, category, venue, starts_at=in_days(7), **values)
    await save(host, category, venue, kind)
    await save(event)
    made = [make_service(event, kind, capacity=capacity) for capacity in services]
    await save(make_host(event, host), make_chat(kind="EVENT", event_id=event.id), *made)
    return event, made


async def violations(ports):
    async with ports.database.reading() as session:
        return [str(one) for one in await find_violations(session)]


def outcome(answer):
    return answer["errors"][0]["code"] if answer["errors"] else "DONE"


@pytest.mark.parametrize(("people", "places"), [(120, 24), pytest.param(500, 100, marks=pytest.mark.outside)])
async def test_five_times_as_many_people_as_places_race_for_them(
    two_servers, sign_in, save, ports, count, people, places
):
    event, _ = await a_day(save, capacity=places)
    tokens = await sign_in(people)

    answers = await asyncio.gather(*(two_servers(token, REGISTER, eventId=gid(event)) for token in tokens))

    assert Counter(outcome(one) for one in answers) == {"DONE": places, "FULL": people - places}
    assert await count(Registration, Registration.admission.in_(HOLDING)) == places
    assert await count(AvailabilityChange) == places
    async with ports.database.reading() as session:
        assert await session.scalar(select(Event.taken)) == places
        assert await session.scalar(select(func.max(AvailabilityChange.sequence))) == places
    assert await violations(ports) == []


async def test_people_come_and_go_without_an_oversell(two_servers, sign_in, save, ports, count):
    event, _ = await a_day(save, capacity=10)
    tokens = await sign_in(40)

    async def one_person(token):
        for _ in range(3):
            await two_servers(token, REGISTER, eventId=gid(event))
            await two_servers(token, CANCEL, eventId=gid(event))
        return outcome(await two_servers(token, REGISTER, eventId=gid(event)))

    outcomes = Counter(await asyncio.gather(*(one_person(token) for token in tokens)))

    assert outcomes["DONE"] == 10
    assert await count(Registration, Registration.admission.in_(HOLDING)) == 10
    assert await violations(ports) == []


async def test_overlapping_bookings_in_any_order_neither_lock_up_nor_oversell(two_servers, sign_in, save, ports):
    """Two events, services of both in shuffled order: a lock taken out of order would end in a deadlock (40P01)."""
    chance = random.Random(4)
    _, mondays = await a_day(save, services=[3, 4, 5, 6], capacity=15)
    _, tuesdays = await a_day(save, services=[3, 4, 5, 6], capacity=10)
    tokens = await sign_in(30)

    async def one_person(token):
        found = []
        for _ in range(3):
            chosen = chance.sample(mondays + tuesdays, 3)
            found.append(outcome(await two_servers(token, BOOK, serviceIds=[gid(service) for service in chosen])))
        return found

    outcomes = Counter(one for person in await asyncio.gather(*map(one_person, tokens)) for one in person)

    assert set(outcomes) <= {"DONE", "FULL", "ALREADY_BOOKED"}
    assert outcomes["DONE"] > 0
    assert outcomes["FULL"] > 0
    async with ports.database.reading() as session:
        for service in (await session.scalars(select(Service))).all():
            held = await session.scalar(
                select(func.count()).where(Booking.service_id == service.id, Booking.admission.in_(HOLDING))
            )
            assert (held, service.taken <= service.capacity) == (service.taken, True)
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await session.scalar(text(deadlocks)) == 0
    assert await violations(ports) == []


async def test_hosts_of_each_others_events_do_not_lock_each_other_out(two_servers, save, ports, sign_in, count):
    """A registration tells the person and the host: both inboxes are locked, always in one order."""
    tokens = await sign_in(12)
    async with ports.database.reading() as session:
        sessions = (await session.scalars(select(Session).order_by(Session.id))).all()
    category, venue = make_category(), make_venue()
    await save(category, venue)
    events = []
    for one in sessions:
        event = make_event(make_user(id=one.user_id), category, venue)
        events.append(event)
        await save(event)
        await save(make_host(event, make_user(id=one.user_id)))

    answers = await asyncio.gather(
        *(two_servers(token, REGISTER, eventId=gid(event)) for token in tokens for event in events)
    )

    assert Counter(outcome(one) for one in answers) == {"DONE": 144}
    # Each of 144 people is told, and the host as well, except where they are the same.
    assert await count(Notification) == 144 + 132
    assert await violations(ports) == []


async def test_twenty_parallel_repeats_of_a_key_have_one_effect_and_one_answer(
    two_servers, sign_in, save, ports, count
):
    event, _ = await a_day(save, capacity=100)
    [token] = await sign_in(1)

    answers = await asyncio.gather(
        *(two_servers(token, REGISTER, eventId=gid(event), idempotencyKey="twenty-times-over") for _ in range(20))
    )

    assert [outcome(one) for one in answers] == ["DONE"] * 20
    assert len({one["registration"]["id"] for one in answers}) == 1
    assert await count(Registration) == 1
    assert await count(AvailabilityChange) == 1
    assert await count(Notification) == 2
    assert await violations(ports) == []
