"""Registrations and bookings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    or_,
    select,
)

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.events import is_deleted, run_by
from models import (
    Booking,
    Event,
    Registration,
    Service,
)


def registrations_visible_to(viewer: Viewer) -> Select[Registration]:
    """One's own; besides, of events that were not deleted, those of events that one hosts or whose club one rules, and
    all for staff and volunteers.
    """
    is_there = ~is_deleted(Event, Registration.event_id)
    return select(Registration).where(_own_or_of_guests(viewer, Registration, is_there))


def bookings_visible_to(viewer: Viewer) -> Select[Booking]:
    """As `registrations_visible_to`."""
    is_there = and_(~is_deleted(Event, Booking.event_id), ~is_deleted(Service, Booking.service_id))
    return select(Booking).where(_own_or_of_guests(viewer, Booking, is_there))


def all_bookings_are_visible(viewer: Viewer) -> bool:
    """Whether someone reads the registrations and bookings of everyone: staff and volunteers."""
    return viewer.is_staff or viewer.can(Permission.REGISTER_OTHERS)


def _own_or_of_guests(viewer: Viewer, row: Any, is_there: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether someone reads a registration or a booking."""
    if viewer.id is None:
        return false()
    if all_bookings_are_visible(viewer):
        return or_(row.user_id == viewer.id, is_there)
    return or_(row.user_id == viewer.id, and_(is_there, row.event_id.in_(run_by(viewer.id))))
