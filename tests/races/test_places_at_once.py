"""Everything that changes places and capacities at once: nothing is oversold, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from sqlalchemy import func, select, text

from models import HOLDING, Booking, Event, Registration, Role, Service
from resolvers.core.invariants import find_violations
from tests.factories import (
    in_days,
    make_category,
    make_chat,
    make_event,
    make_host,
    make_member,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

REGISTER = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"
CANCEL = "mutation ($input: CancelRegistrationInput!) { cancelRegistration(input: $input) { errors { code } } }"
BOOK = "mutation ($input: BookServicesInput!) { bookServices(input: $input) { bookings { id } errors { code } } }"
UNBOOK = "mutation ($input: CancelBookingInput!) { cancelBooking(input: $input) { errors { code } } }"
RESIZE = "mutation ($input: UpdateEventInput!) { updateEvent(input: $input) { errors { code } } }"
RESIZE_SERVICE = "mutation ($input: UpdateServiceInput!) { updateService(input: $input) { errors { code } } }"
CALL_OFF = "mutation ($input: CancelServiceInput!) { cancelService(input: $input) { errors { code } } }"
EXPECTED = {
    "DONE", "FULL", "ALREADY_REGISTERED", "ALREADY_BOOKED", "NOT_REGISTERED", "NOT_BOOKED", "CLOSED",
    "VERSION_CONFLICT", "CAPACITY_BELOW_TAKEN", "CAPACITY_EXCEEDS_EVENT", "INVALID_STATUS",
}  # fmt: skip


async def test_registering_booking_cancelling_and_resizing_at_once(client, save, ports, row):
    chance, users, host = random.Random(9), [make_user() for _ in range(12)], make_user(role=Role.ADMIN)
    category, venue, kind = make_category(), make_venue(), make_service_type()
    await save(*users, host, category, venue, kind)
    plain, full = (make_event(host, category, venue, starts_at=in_days(7), capacity=6) for _ in range(2))
    services = [make_service(full, kind, capacity=capacity) for capacity in (2, 3, 4)]
    chats = [make_chat(kind="EVENT", event_id=event.id) for event in (plain, full)]
    await save(plain, full)
    await save(*services, *chats, *(make_host(event, host) for event in (plain, full)))
    await save(*(make_member(chat, host) for chat in chats))
    outcomes = Counter()

    async def ask(user, document, **input):
        answer = await client(user).execute(document, **input)
        [payload] = answer.data.values()
        outcomes[payload["errors"][0]["code"] if payload["errors"] else "DONE"] += 1
        return payload

    async def guest(user):
        for _ in range(3):
            await ask(user, REGISTER, eventId=plain)
            booked = await ask(user, BOOK, serviceIds=chance.sample(services, 2))
            await ask(user, CANCEL, eventId=plain)
            if booked["bookings"] and chance.random() < 0.5:
                for one in booked["bookings"]:
                    await ask(user, UNBOOK, bookingId=one["id"])
            else:
                await ask(user, CANCEL, eventId=full)

    async def resize():
        for _ in range(6):
            event = chance.choice([plain, full])
            version = (await row(Event, event.id)).version
            await ask(host, RESIZE, eventId=event, expectedVersion=version, capacity=chance.randint(4, 8))
            service = chance.choice(services)
            version = (await row(Service, service.id)).version
            await ask(host, RESIZE_SERVICE, serviceId=service, expectedVersion=version, capacity=chance.randint(1, 4))
        await ask(host, CALL_OFF, serviceId=services[0])

    await asyncio.gather(*(guest(user) for user in users), resize())

    assert outcomes.keys() <= EXPECTED
    assert outcomes["DONE"] > 50
    async with ports.database.reading() as session:
        for event in (await session.scalars(select(Event))).all():
            held = await session.scalar(
                select(func.count()).where(Registration.event_id == event.id, Registration.admission.in_(HOLDING))
            )
            assert held == event.taken <= event.capacity
        for service in (await session.scalars(select(Service))).all():
            held = await session.scalar(
                select(func.count()).where(Booking.service_id == service.id, Booking.admission.in_(HOLDING))
            )
            assert held == service.taken <= service.capacity
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await session.scalar(text(deadlocks)) == 0
        assert await find_violations(session) == []
