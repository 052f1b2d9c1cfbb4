from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import Select, and_, func, select

from auth.viewer import Viewer
from auth.visibility.booking import bookings_of_service, bookings_visible_to
from dataloaders.core.declarations import in_parts, many, one, pages, value
from dataloaders.core.filter_conditions import among, at_times
from dataloaders.core.keyset_pages import Key
from models import Booking, Event, Registration, Service


class BookingSort(Enum):
    STARTS_AT_ASC = "STARTS_AT_ASC"
    STARTS_AT_DESC = "STARTS_AT_DESC"
    CREATED_AT_DESC = "CREATED_AT_DESC"


def own_bookings(viewer: Viewer) -> Select[Booking]:
    return select(Booking).where(Booking.user_id == viewer.id)


def own_with_services(viewer: Viewer) -> Select[Booking]:
    """As `own_bookings`, for lists that are narrowed and sorted by what the service and its event are."""
    return (
        own_bookings(viewer).join(Service, Service.id == Booking.service_id).join(Event, Event.id == Booking.event_id)
    )


def own_counts(viewer: Viewer) -> Any:
    """Count one's bookings, for the list that nothing narrows: it needs no look at services and events."""
    return select(Booking.user_id, func.count()).where(Booking.user_id == viewer.id).group_by(Booking.user_id)


def narrowed(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    return statement.where(*among(Booking.admission, filter.admissions), *among(Booking.attendance, filter.attendances))


def narrowed_by_services(statement: Select[Any], viewer: Viewer, filter: Any) -> Select[Any]:
    return narrowed(statement, viewer, filter).where(
        *at_times(Service.starts_at, Service.ends_at, filter.timings), *among(Event.status, filter.event_statuses)
    )


def bookings_of_registrations(viewer: Viewer) -> Select[Booking]:
    return bookings_visible_to(viewer).join(
        Registration, and_(Registration.event_id == Booking.event_id, Registration.user_id == Booking.user_id)
    )


by_id = one(Booking, key=Booking.id, select=bookings_visible_to)
by_service_id = pages(
    Booking,
    key=Booking.service_id,
    select=bookings_visible_to,
    parts=lambda viewer, service_id, filter: in_parts(
        bookings_of_service(viewer, service_id), viewer, filter, narrowed
    ),
    order_by=[Booking.created_at, Booking.id],
    filter=narrowed,
    typical=10,
)
NEWEST_FIRST = [Key(Booking.created_at, descending=True), Key(Booking.id, descending=True)]
own_count_by_user_id = value(key=Booking.user_id, select=own_counts, default=0)
by_user_id = pages(
    Booking,
    key=Booking.user_id,
    select=own_with_services,
    order_by=NEWEST_FIRST,
    sorts={
        BookingSort.STARTS_AT_ASC: [Service.starts_at, Booking.id],
        BookingSort.STARTS_AT_DESC: [Key(Service.starts_at, descending=True), Key(Booking.id, descending=True)],
        BookingSort.CREATED_AT_DESC: NEWEST_FIRST,
    },
    filter=narrowed_by_services,
    typical=10,
    kept_count=lambda _viewer, filter: None if filter else own_count_by_user_id,
)
by_registration_id = many(
    Booking,
    key=Registration.id,
    select=bookings_of_registrations,
    order_by=[Booking.created_at, Booking.id],
    limit=100,
    typical=2,
)
own_by_service_id = one(Booking, key=Booking.service_id, select=own_bookings)
