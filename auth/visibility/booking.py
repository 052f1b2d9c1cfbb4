"""Registrations and bookings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    false,
    or_,
    select,
)

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.events import is_deleted, run_by
from models import (
    Booking,
    ClubMembership,
    ClubRole,
    Event,
    EventHost,
    MembershipState,
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


def registrations_of_event(viewer: Viewer, event_id: Any) -> list[Select[Registration]]:
    """Return the registrations of one event that are visible to someone, in parts: all, or their own."""
    at_event = (Event.id == event_id, Event.deleted_at.is_(None), *_reads_places_at(viewer, Event))
    return _all_or_own(viewer, Registration, exists().where(*at_event).correlate_except(Event))


def bookings_of_service(viewer: Viewer, service_id: Any) -> list[Select[Booking]]:
    """As `registrations_of_event`, of one service."""
    there = select(Service.id).join(Event, Event.id == Service.event_id).correlate_except(Service, Event)
    at_service = (Service.id == service_id, Service.deleted_at.is_(None))
    at_event = (Event.deleted_at.is_(None), *_reads_places_at(viewer, Event))
    return _all_or_own(viewer, Booking, there.where(*at_service, *at_event).exists())


def _reads_places_at(viewer: Viewer, event: type[Event]) -> list[ColumnElement[bool]]:
    """Return the conditions that someone reads all registrations and bookings at an event that is there."""
    if all_bookings_are_visible(viewer) or viewer.id is None:
        return []
    # Each is one row, looked up. As EXISTS, PostgreSQL might gather all events of a host to find one among them.
    at_event = select(EventHost.role).where(EventHost.event_id == event.id, EventHost.user_id == viewer.id)
    in_club = select(ClubMembership.role).where(
        ClubMembership.club_id == event.club_id,
        ClubMembership.user_id == viewer.id,
        ClubMembership.state == MembershipState.ACTIVE,
        ClubMembership.role.in_((ClubRole.OWNER, ClubRole.ADMIN)),
    )
    return [
        or_(
            at_event.correlate_except(EventHost).scalar_subquery().is_not(None),
            in_club.correlate_except(ClubMembership).scalar_subquery().is_not(None),
        )
    ]


def _all_or_own(viewer: Viewer, entity: Any, sees_all: ColumnElement[bool]) -> list[Select[Any]]:
    if viewer.id is None:
        return [select(entity).where(false())]
    return [select(entity).where(sees_all), select(entity).where(~sees_all, entity.user_id == viewer.id)]


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
