"""Who takes a place away from somebody else may say why: it is kept, audited, and told to the person with the name."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from models import AuditEntry, Booking, Notification, Registration, Service
from tests.api.events.event_worlds import a_world
from tests.clients import codes
from tests.factories import (
    make_booking,
    make_category,
    make_event,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

CANCEL_REGISTRATION = """
mutation ($input: CancelRegistrationInput!) {
  cancelRegistration(input: $input) { registration { cancelReason } errors { code path details { maximum } } }
}
"""
CANCEL_BOOKING = """
mutation ($input: CancelBookingInput!) {
  cancelBooking(input: $input) { booking { cancelReason } errors { code path } }
}
"""
CANCEL_SERVICE = """
mutation ($input: CancelServiceInput!) {
  cancelService(input: $input) { service { cancelReason } errors { code path } }
}
"""
CANCEL_EVENT = """
mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { event { cancelReason } errors { code } } }
"""
REGISTER = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"
NEWS = "{ viewer { notifications { nodes { type title body actor { displayName } } } } }"


async def with_bookings(save: Any) -> Any:
    """A world in which Vera has places at two services of the event."""
    world = await a_world(save)
    world.vera = make_user(display_name="Vera")
    kind = make_service_type(name_en="Massage", name_ru="Массаж")
    await save(world.vera, kind)
    world.services = [make_service(world.event, kind), make_service(world.event, kind)]
    await save(*world.services)
    await save(make_registration(world.event, world.vera))
    world.bookings = [make_booking(one, world.vera) for one in world.services]
    await save(*world.bookings)
    return world


async def news_of(client: Any, user: Any, language: str = "en") -> list[dict[str, Any]]:
    answer = await client(user, language=language).run(NEWS)
    return list(answer.data["viewer"]["notifications"]["nodes"])


async def test_a_cancelled_registration_says_who_and_why(client, save, row, ports):
    world = await with_bookings(save)
    organiser = world.user("organiser")

    answer = await client(organiser).execute(
        CANCEL_REGISTRATION, eventId=world.event, userId=world.vera, reason="  The group is\nfull of beginners. "
    )

    reason = "The group is\nfull of beginners."
    assert answer.data["cancelRegistration"]["registration"] == {"cancelReason": reason}
    [news] = await news_of(client, world.vera)
    assert (news["type"], news["actor"]["displayName"]) == ("REGISTRATION_CANCELLED", organiser.display_name)
    assert f"Cancelled by {organiser.display_name}. Reason: {reason}" in news["body"]
    async with ports.database.reading() as session:
        audited = await session.scalar(select(AuditEntry).where(AuditEntry.action == "registration.cancel"))
        assert audited.after == {"admission": "CANCELLED", "reason": reason}
        assert set(await session.scalars(select(Booking.cancel_reason))) == {reason}


async def test_one_booking_of_several_is_cancelled_and_told(client, save):
    world = await with_bookings(save)
    organiser = world.user("organiser")

    await client(organiser).execute(CANCEL_BOOKING, bookingId=world.bookings[0], reason="Ill")
    [news] = await news_of(client, world.vera, "ru")

    assert news["type"] == "BOOKING_CANCELLED"
    assert news["title"] == "Место отменено: Массаж"
    assert news["body"].endswith(f"Кто отменил: {organiser.display_name}. Причина: Ill")


async def test_the_last_booking_takes_the_registration_and_the_reason_with_it(client, save, ports):
    world = await with_bookings(save)
    for booking in world.bookings:
        await client(world.user("organiser")).execute(CANCEL_BOOKING, bookingId=booking, reason="Ill")

    assert [one["type"] for one in await news_of(client, world.vera)] == [
        "REGISTRATION_CANCELLED",
        "BOOKING_CANCELLED",
    ]
    async with ports.database.reading() as session:
        assert await session.scalar(select(Registration.cancel_reason)) == "Ill"


@pytest.mark.parametrize("kind", ["service", "event"])
async def test_what_is_called_off_says_who_and_why(client, save, row, kind):
    world = await with_bookings(save)
    organiser = world.user("organiser")
    document = CANCEL_SERVICE if kind == "service" else CANCEL_EVENT
    target = {"serviceId": world.services[0]} if kind == "service" else {"eventId": world.event}

    answer = await client(organiser).execute(document, **target, reason="Burst pipe")

    name = "cancelService" if kind == "service" else "cancelEvent"
    assert answer.data[name][kind] == {"cancelReason": "Burst pipe"}
    [news] = await news_of(client, world.vera)
    assert f"Cancelled by {organiser.display_name}." in news["body"]
    assert news["body"].endswith("Reason: Burst pipe")


async def test_ones_own_cancellation_names_nobody(client, save):
    world = await with_bookings(save)

    await client(world.vera).execute(CANCEL_REGISTRATION, eventId=world.event)
    [news] = await news_of(client, world.vera)

    assert (news["actor"], news["body"]) == (None, "You no longer have a place at this event.")


async def test_coming_back_forgets_the_reason(client, save, ports):
    vera, category, venue = make_user(), make_category(), make_venue()
    await save(vera, category, venue)
    event = make_event(vera, category, venue)
    await save(event)
    await client(vera).execute(REGISTER, eventId=event)
    left = await client(vera).execute(CANCEL_REGISTRATION, eventId=event, reason="Ill")

    again = await client(vera).execute(REGISTER, eventId=event)

    assert left.data["cancelRegistration"]["registration"] == {"cancelReason": "Ill"}
    assert codes(again, "registerForEvent") == []
    async with ports.database.reading() as session:
        assert await session.scalar(select(Registration.cancel_reason).where(Registration.user_id == vera.id)) is None


@pytest.mark.parametrize(("length", "expected"), [(1000, []), (1001, ["TOO_LONG"])])
async def test_a_reason_has_its_length(client, save, count, length, expected):
    world = await with_bookings(save)

    answer = await client(world.user("organiser")).execute(
        CANCEL_REGISTRATION, eventId=world.event, userId=world.vera, reason="x" * length
    )

    assert codes(answer, "cancelRegistration") == expected
    assert await count(Notification) == (0 if expected else 1)
    assert await count(Service, Service.cancel_reason.is_not(None)) == 0
