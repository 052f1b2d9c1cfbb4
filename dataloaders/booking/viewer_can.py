"""The columns that `viewerCan` needs from the database, for many rows at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from auth.rights import roles_at
from auth.viewer import Viewer
from auth.visibility.events import event_is_visible
from dataloaders.core.declarations import value
from models import (
    Booking,
    Event,
    EventHost,
    Registration,
    Service,
)

OF_EVENT = [Event.ends_at.label("ends_at"), Event.time_zone.label("time_zone"), Event.deleted_at.label("deleted_at")]


def at_registrations(viewer: Viewer) -> Select[Any]:
    """Select the columns of its event that matter to a registration, also if the viewer does not see the event."""
    of_person = select(EventHost.role).where(
        EventHost.event_id == Registration.event_id, EventHost.user_id == Registration.user_id
    )
    columns = [
        Registration.id,
        *roles_at(viewer),
        *OF_EVENT,
        event_is_visible(viewer).label("is_visible"),
        of_person.correlate(Registration).scalar_subquery().label("person_role"),
    ]
    return select(*columns).join(Event, Event.id == Registration.event_id)


def at_bookings(viewer: Viewer) -> Select[Any]:
    of_service = [Service.ends_at.label("service_ends_at"), Service.deleted_at.label("service_deleted_at")]
    return (
        select(Booking.id, *roles_at(viewer), *OF_EVENT, *of_service)
        .join(Service, Service.id == Booking.service_id)
        .join(Event, Event.id == Booking.event_id)
    )


by_registration_id = value(key=Registration.id, select=at_registrations)
by_booking_id = value(key=Booking.id, select=at_bookings)
