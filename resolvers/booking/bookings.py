"""Places at services: several at once, all or nothing, for oneself or for a visitor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from auth.permissions import Permission
from auth.rights import Part, part_at
from auth.viewer import Viewer
from auth.visibility.booking import bookings_visible_to
from auth.visibility.people import users_visible_to
from database import UnitOfWork
from errors import Forbidden, NotFound, UserError, check_count, refuse
from models import (
    Admission,
    Booking,
    NotificationType,
    User,
    utcnow,
)
from resolvers.booking import admission, bookability, locks, registrations
from resolvers.booking.changes import Book, Unbook
from resolvers.booking.service_news import as_told, tell
from resolvers.core import audit
from resolvers.notifications.notification_writing import withdraw_news
from resolvers.notifications.notifications import notify_all, topic_of

check_services = partial(check_count, minimum=1, maximum=20)


async def book(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    service_ids: Sequence[UUID],
    event_id: UUID | None = None,
    on_behalf_of: UUID | None = None,
    note: str | None = None,
) -> list[Booking]:
    """Take a place at every one of the services, or at none. Raises what stands against each, all at once.

    The first booking at an event asks for room at the event as well and makes the registration; every one asks for
    room at its service.
    """
    actor_id = viewer.require_user()
    problems: list[UserError] = []
    check_services(problems, service_ids, "serviceIds")
    refuse(problems)
    note = registrations.checked_note(note)
    person_id = await _person(uow, viewer, on_behalf_of)
    wanted = [
        Book(service_id=one, user_id=person_id, event_id=event_id, note=note or None, path=_path(service_ids, one))
        for one in dict.fromkeys(service_ids)
    ]
    changed = await admission.change_and_record(uow, viewer, wanted, actor_id=actor_id, answers=Booking)
    people = sorted(changed.people, key=lambda one: one.event_id)
    if person_id != actor_id:
        audit.note(
            uow, viewer, "booking.create", subject_type="User", subject_id=person_id,
            after={"service_ids": sorted(set(service_ids)), "event_ids": [one.event_id for one in people]},
        )  # fmt: skip
    ends = [
        topic_of(NotificationType.BOOKING_CANCELLED, service_id, person_id)
        for one in people
        for service_id, booking in one.bookings.items()
        if booking.has_come and booking.seen is not None
    ]
    if fresh := [changed.facts.events[one.event_id].row for one in people if one.registration.has_come]:
        booked = await as_told(uow, [changed.facts.services[one] for one in set(service_ids)])
        await registrations.welcome(uow, fresh, user_id=person_id, actor_id=actor_id, booked=booked, ends=ends)
    elif ends:
        await withdraw_news(uow, *ends)
    return [changed.booking_of(one, person_id) for one in service_ids]


async def _person(uow: UnitOfWork, viewer: Viewer, on_behalf_of: UUID | None) -> UUID:
    """Return the person who gets the places."""
    own = viewer.require_user()
    if on_behalf_of is None or on_behalf_of == own:
        return own
    if not viewer.can(Permission.REGISTER_OTHERS):
        raise Forbidden(path=("onBehalfOf",))
    person = users_visible_to(viewer).where(User.id == on_behalf_of).with_only_columns(User.id)
    if await uow.session.scalar(person) is None:
        raise NotFound(path=("onBehalfOf",))
    return on_behalf_of


def _path(service_ids: Sequence[UUID], service_id: UUID) -> tuple[str, str]:
    return "serviceIds", str(list(service_ids).index(service_id))


async def cancel(uow: UnitOfWork, viewer: Viewer, *, booking_id: UUID, reason: str | None = None) -> Booking:
    """Give a place back: one's own, or that of someone else for who may cancel for others, who may say why.

    The last one ends the registration.
    """
    actor_id, reason = viewer.require_user(), registrations.checked_reason(reason)
    seen = await uow.session.scalar(bookings_visible_to(viewer).where(Booking.id == booking_id))
    if seen is None:
        raise NotFound(path=("bookingId",))
    try:
        locked = await locks.lock(uow, seen.event_id, [seen.service_id])
    except NotFound:
        # A record of what was deleted.
        raise NotFound(path=("bookingId",)) from None
    event, service, user_id = locked.event, locked.services[0], seen.user_id
    is_own = user_id == actor_id
    if refusal := refusal_to_cancel_for(user_id, await part_at(uow.session, viewer, event)):
        raise refusal
    wanted = Unbook(service_id=service.id, user_id=user_id, reason=reason)
    changed = await admission.change_under_lock(uow, viewer, [wanted], actor_id=actor_id, answers=Booking)
    booking: Booking = changed.booking_of(service.id, user_id)
    if not is_own:
        audit.note(
            uow, viewer, "booking.cancel", subject_type="Booking", subject_id=booking.id,
            before={"admission": changed.facts.people[event.id, user_id].bookings[service.id].seen},
            after={"admission": Admission.CANCELLED, "reason": reason},
        )  # fmt: skip
    if event.id in changed.gone:
        await notify_all(uow, [registrations.cancelled(event, user_id, actor_id=actor_id, reason=reason)])
    elif not is_own:
        await tell(
            uow, [user_id], NotificationType.BOOKING_CANCELLED, event, service,
            actor_id=actor_id, topic=topic_of(NotificationType.BOOKING_CANCELLED, service.id, user_id),
            reason=reason,
        )  # fmt: skip
    return booking


def refusal_to_cancel(booking: Booking, part: Part, *, ends_at: datetime, time_zone: str) -> UserError | None:
    """`ends_at` is when the service is over."""
    if refusal := refusal_to_cancel_for(booking.user_id, part):
        return refusal
    return bookability.refusal_to_unbook(booking, ends_at=ends_at, time_zone=time_zone, now=utcnow())


def refusal_to_cancel_for(user_id: UUID, part: Part) -> UserError | None:
    if user_id != part.viewer.id and not registrations.may_cancel_for_others(part):
        return Forbidden(path=("bookingId",))
    return None
