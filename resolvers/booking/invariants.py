"""What must hold of places and their counts."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, String, case, exists, func, literal, select

from models import HOLDING, AvailabilityChange, Booking, Event, Registration, Service, User
from resolvers.core.invariants import counted, declare, found, oversold, stream


def _booking_without_registration() -> Select[UUID, str]:
    registered = exists().where(
        Registration.event_id == Booking.event_id,
        Registration.user_id == Booking.user_id,
        Registration.admission.in_(HOLDING),
    )
    return select(Booking.id, literal("its person is not registered")).where(
        Booking.admission.in_(HOLDING), ~registered
    )


def _booking_elsewhere() -> Select[UUID, str]:
    return (
        select(Booking.id, literal("its service belongs to another event"))
        .join(Service, Service.id == Booking.service_id)
        .where(Service.event_id != Booking.event_id)
    )


def _shown_otherwise() -> Select[UUID, str]:
    """Select places that are shown to others than the person has chosen."""
    audience = case((User.is_active, func.audience_of(User.privacy, "registrations")))
    return (
        select(Registration.id, found(shown_to=Registration.shown_to, audience=audience))
        .join(User, User.id == Registration.user_id)
        .where(Registration.admission.in_(HOLDING))
        .where(Registration.shown_to.cast(String).is_distinct_from(audience))
    )


declare(
    {
        "event.taken is the number of people": counted(Event, Registration, Registration.event_id),
        "service.taken is the number of bookings": counted(Service, Booking, Booking.service_id),
        "place is shown as the person chose": _shown_otherwise(),
        "event is not oversold": oversold(Event),
        "service is not oversold": oversold(Service),
        "booking has a registration": _booking_without_registration(),
        "booking and service share an event": _booking_elsewhere(),
        "availability stream is whole": stream(
            Event,
            Event.id,
            Event.availability_sequence,
            AvailabilityChange,
            AvailabilityChange.event_id,
            starts_at_one=False,
        ),
    }
)
