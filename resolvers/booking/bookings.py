"""Places at services: several at once, all or nothing, for oneself or for a visitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Select, exists, select

from auth.permissions import Permission
from auth.rights import Part, part_at
from auth.viewer import Viewer
from auth.visibility.booking import bookings_visible_to
from auth.visibility.events import services_visible_to
from auth.visibility.people import users_visible_to
from database import UnitOfWork
from dataloaders.booking.registrations import entry
from errors import ErrorCode, Forbidden, NotFound, UserError, _, check_count, refuse
from models import (
    HOLDING,
    Admission,
    Attendance,
    Booking,
    DomainEvent,
    Event,
    NotificationType,
    Registration,
    Service,
    User,
    is_over,
    utcnow,
)
from resolvers.booking import availability, capacity, locks, registrations
from resolvers.booking.service_news import as_told, tell
from resolvers.core import audit
from resolvers.notifications.notifications import topic_of, withdraw_news

check_services = partial(check_count, minimum=1, maximum=20)


class NotBooked(UserError):
    code = ErrorCode.NOT_BOOKED
    message = _("This booking is already cancelled.")


@dataclass(frozen=True, kw_only=True)
class BookingCreated(DomainEvent):
    name: ClassVar[str] = "service.booking.created"
    subject_type: ClassVar[str] = "Booking"
    service_id: UUID
    user_id: UUID
    recorded_by_id: UUID


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
    events, services = await _lock(uow, viewer, service_ids, event_id=event_id)
    known = await _registrations(uow, list(events), person_id)
    entries = await _entries(uow, list(events), person_id)
    before = await _bookings(uow, list(services), person_id)
    _check(service_ids, events, services, known, entries, before)

    fresh = [event for event in events.values() if not capacity.holds(known.get(event.id))]
    for event in fresh:
        await registrations.admit(uow, event, known.get(event.id), user_id=person_id, recorded_by_id=actor_id)
    bookings = [_take(uow, one, before.get(one.id), person_id, actor_id, note) for one in services.values()]
    await uow.session.flush()
    for booking in bookings:
        uow.record(
            BookingCreated(
                subject_id=booking.id, service_id=booking.service_id, user_id=person_id, recorded_by_id=actor_id
            )
        )
    if person_id != actor_id:
        audit.note(
            uow, viewer, "booking.create", subject_type="User", subject_id=person_id,
            after={"service_ids": list(services), "event_ids": list(events)},
        )  # fmt: skip
    await availability.announce_all(uow, events.values())
    ends = [topic_of(NotificationType.BOOKING_CANCELLED, service_id, person_id) for service_id in before]
    if fresh:
        booked = await as_told(uow, services.values())
        await registrations.welcome(uow, fresh, user_id=person_id, actor_id=actor_id, booked=booked, ends=ends)
    elif ends:
        await withdraw_news(uow, *ends)
    by_service = {booking.service_id: booking for booking in bookings}
    return [by_service[one] for one in service_ids]


async def _person(uow: UnitOfWork, viewer: Viewer, on_behalf_of: UUID | None) -> UUID:
    """Who gets the places."""
    own = viewer.require_user()
    if on_behalf_of is None or on_behalf_of == own:
        return own
    if not viewer.can(Permission.REGISTER_OTHERS):
        raise Forbidden(path=("onBehalfOf",))
    person = users_visible_to(viewer).where(User.id == on_behalf_of).with_only_columns(User.id)
    if await uow.session.scalar(person) is None:
        raise NotFound(path=("onBehalfOf",))
    return on_behalf_of


async def _lock(
    uow: UnitOfWork, viewer: Viewer, service_ids: Sequence[UUID], *, event_id: UUID | None
) -> tuple[dict[UUID, Event], dict[UUID, Service]]:
    """Events by id, then services by id, over all that was asked for. Raises `NotFound` for each that is hidden."""
    chosen = services_visible_to(viewer).where(Service.id.in_(service_ids))
    if event_id is not None:
        chosen = chosen.where(Service.event_id == event_id)
    found = await uow.session.execute(chosen.with_only_columns(Service.id, Service.event_id))
    event_of = {row.id: row.event_id for row in found}
    refuse([NotFound(path=_path(service_ids, one)) for one in dict.fromkeys(service_ids) if one not in event_of])
    events = await locks.lock_events(uow, set(event_of.values()), viewer=viewer)
    services = await locks.lock_services(uow, service_ids)
    # Deleted or hidden between the two statements.
    seen = {event.id for event in events}
    there = {service.id: service for service in services if service.event_id in seen}
    refuse([NotFound(path=_path(service_ids, one)) for one in dict.fromkeys(service_ids) if one not in there])
    return {event.id: event for event in events}, there


def _path(service_ids: Sequence[UUID], service_id: UUID) -> tuple[str, str]:
    return "serviceIds", str(list(service_ids).index(service_id))


async def _registrations(uow: UnitOfWork, event_ids: Sequence[UUID], user_id: UUID) -> dict[UUID, Registration]:
    found = await uow.session.scalars(
        select(Registration).where(Registration.event_id.in_(event_ids), Registration.user_id == user_id)
    )
    return {registration.event_id: registration for registration in found}


async def _entries(uow: UnitOfWork, event_ids: Sequence[UUID], user_id: UUID) -> dict[UUID, capacity.BookableState]:
    """What the clubs of some locked events say to a person. Asked for who gets the places, whoever asks."""
    found = await uow.session.execute(select(Event.id, entry(user_id)).where(Event.id.in_(event_ids)))
    return {event_id: capacity.BookableState(answer) for event_id, answer in found}


async def _bookings(uow: UnitOfWork, service_ids: Sequence[UUID], user_id: UUID) -> dict[UUID, Booking]:
    found = await uow.session.scalars(
        select(Booking).where(Booking.service_id.in_(service_ids), Booking.user_id == user_id)
    )
    return {booking.service_id: booking for booking in found}


def _check(
    service_ids: Sequence[UUID],
    events: dict[UUID, Event],
    services: dict[UUID, Service],
    known: dict[UUID, Registration],
    entries: dict[UUID, capacity.BookableState],
    before: dict[UUID, Booking],
) -> None:
    now = utcnow()
    problems = []
    for service in services.values():
        registration = known.get(service.event_id)
        standing = capacity.booking_standing(
            events[service.event_id],
            service,
            known=capacity.Known(registration.admission if registration else None, entries[service.event_id]),
            booking=before.get(service.id),
            now=now,
        )
        if refusal := standing.refusal(*_path(service_ids, service.id)):
            problems.append(refusal)
    refuse(sorted(problems, key=lambda problem: int(problem.path[1])))


def _take(
    uow: UnitOfWork, service: Service, known: Booking | None, person_id: UUID, actor_id: UUID, note: str | None
) -> Booking:
    """A place at a locked service. A cancelled booking comes back to life."""
    booking = known
    if booking is None:
        booking = Booking(service_id=service.id, event_id=service.event_id, user_id=person_id)
        uow.session.add(booking)
    booking.admission = Admission.CONFIRMED
    booking.attendance = Attendance.EXPECTED
    booking.recorded_by_id = actor_id
    booking.cancelled_at = booking.cancel_reason = None
    booking.note = note or booking.note
    return booking


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
    is_own = seen.user_id == actor_id
    part = await part_at(uow.session, viewer, locked.event)
    await uow.session.refresh(seen)
    ends_at, zone = locked.services[0].ends_at, locked.event.time_zone
    if refusal := refusal_to_cancel(seen, part, ends_at=ends_at, time_zone=zone):
        raise refusal
    if not is_own:
        audit.note(
            uow, viewer, "booking.cancel", subject_type="Booking", subject_id=seen.id,
            before={"admission": seen.admission}, after={"admission": Admission.CANCELLED, "reason": reason},
        )  # fmt: skip
    registrations.give_back(uow, seen, actor_id=actor_id, reason=reason)
    await uow.session.flush()
    if await uow.session.scalar(_has_bookings(seen.event_id, seen.user_id)):
        await availability.announce(uow, locked.event)
        if not is_own:
            await tell(
                uow, [seen.user_id], NotificationType.BOOKING_CANCELLED, locked.event, locked.services[0],
                actor_id=actor_id, topic=topic_of(NotificationType.BOOKING_CANCELLED, seen.service_id, seen.user_id),
                reason=reason,
            )  # fmt: skip
    else:
        registration = (await _registrations(uow, [seen.event_id], seen.user_id))[seen.event_id]
        await registrations.withdraw(uow, locked.event, registration, actor_id=actor_id, reason=reason)
    return seen


def refusal_to_cancel(booking: Booking, part: Part, *, ends_at: datetime, time_zone: str) -> UserError | None:
    """`ends_at` is when the service is over."""
    if booking.user_id != part.viewer.id and not registrations.may_cancel_for_others(part):
        return Forbidden(path=("bookingId",))
    if not capacity.holds(booking):
        return NotBooked(path=("bookingId",))
    if is_over(ends_at, utcnow()):
        return capacity.Closed(path=("bookingId",), closes_at=ends_at, time_zone=time_zone)
    return None


def _has_bookings(event_id: UUID, user_id: UUID) -> Select[bool]:
    held = exists().where(Booking.event_id == event_id, Booking.user_id == user_id, Booking.admission.in_(HOLDING))
    return select(held)
