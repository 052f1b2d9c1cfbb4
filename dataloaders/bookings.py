from __future__ import annotations

from sqlalchemy import Select, and_, select

from auth.viewer import Viewer
from auth.visibility import bookings_visible_to
from dataloaders.base import many, one, pages
from dataloaders.pages import Key
from models import Booking, Registration


def own_bookings(viewer: Viewer) -> Select[Booking]:
    return select(Booking).where(Booking.user_id == viewer.id)


def bookings_of_registrations(viewer: Viewer) -> Select[Booking]:
    return bookings_visible_to(viewer).join(
        Registration, and_(Registration.event_id == Booking.event_id, Registration.user_id == Booking.user_id)
    )


by_id = one(Booking, key=Booking.id, select=bookings_visible_to)
by_service_id = pages(
    Booking, key=Booking.service_id, select=bookings_visible_to, order_by=[Booking.created_at, Booking.id]
)
by_user_id = pages(
    Booking,
    key=Booking.user_id,
    select=own_bookings,
    order_by=[Key(Booking.created_at, descending=True), Key(Booking.id, descending=True)],
)
by_registration_id = many(
    Booking,
    key=Registration.id,
    select=bookings_of_registrations,
    order_by=[Booking.created_at, Booking.id],
    limit=100,
)
own_by_service_id = one(Booking, key=Booking.service_id, select=own_bookings)
