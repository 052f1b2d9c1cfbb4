"""Taking part in an event: registering directly, and cancelling (S0-55, S0-62)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.viewer import Viewer
from auth.visibility import events_visible_to
from database import UnitOfWork
from errors import ErrorCode, NotFound, UserError, _
from models import HOLDING, Admission, Attendance, DomainEvent, Event, Registration, Service, utcnow
from resolvers import capacity


class AlreadyRegistered(UserError):
    code = ErrorCode.ALREADY_REGISTERED
    message = _("You are registered for this event already.")


class BookServicesInstead(UserError):
    code = ErrorCode.BOOK_SERVICES_INSTEAD
    message = _("This event is entered by booking its services.")


class NotRegistered(UserError):
    code = ErrorCode.NOT_REGISTERED
    message = _("There is no active registration to cancel.")


@dataclass(frozen=True, kw_only=True)
class RegistrationCreated(DomainEvent):
    name: ClassVar[str] = "event.registration.created"
    subject_type: ClassVar[str] = "Registration"
    event_id: UUID
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class RegistrationCancelled(DomainEvent):
    name: ClassVar[str] = "event.registration.cancelled"
    subject_type: ClassVar[str] = "Registration"
    event_id: UUID
    user_id: UUID


async def register(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, note: str | None = None) -> Registration:
    """Take a place at an event without services. Raises what `capacity` and this module name."""
    user_id = viewer.require_user()
    visible = await uow.session.scalar(events_visible_to(viewer).where(Event.id == event_id))
    if visible is None:
        raise NotFound(path=("eventId",))
    locked = await capacity.lock(uow, event_id)
    refusal = await direct_state(uow.session, locked.event, await own(uow.session, event_id, user_id))
    if refusal is not None:
        raise refusal
    registration = await admit(uow, locked.event, user_id, recorded_by_id=user_id, note=note)
    await capacity.announce(uow, locked.event)
    return registration


async def direct_state(session: AsyncSession, event: Event, known: Registration | None) -> UserError | None:
    """Why someone with this registration cannot register directly, or null. Shown and decided by the same function."""
    if known is not None and known.admission in HOLDING:
        return AlreadyRegistered(path=("eventId",))
    if await session.scalar(select(exists().where(Service.event_id == event.id, Service.cancelled_at.is_(None)))):
        return BookServicesInstead(path=("eventId",))
    return capacity.event_state(event)


async def own(session: AsyncSession, event_id: UUID, user_id: UUID) -> Registration | None:
    return await session.scalar(
        select(Registration).where(Registration.event_id == event_id, Registration.user_id == user_id)
    )


async def admit(
    uow: UnitOfWork, event: Event, user_id: UUID, *, recorded_by_id: UUID, note: str | None = None
) -> Registration:
    """Give a place at a locked event. A cancelled registration comes back to life."""
    registration = await own(uow.session, event.id, user_id)
    if registration is None:
        registration = Registration(event_id=event.id, user_id=user_id)
        uow.session.add(registration)
    registration.admission = Admission.CONFIRMED
    registration.attendance = Attendance.EXPECTED
    registration.recorded_by_id = recorded_by_id
    registration.cancelled_at = None
    registration.note = note or registration.note
    await uow.session.flush()
    uow.record(RegistrationCreated(subject_id=registration.id, event_id=event.id, user_id=user_id))
    return registration


async def cancel(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID) -> Registration:
    """Give one's place back, with all bookings at the event."""
    user_id = viewer.require_user()
    locked = await capacity.lock(uow, event_id)
    registration = await own(uow.session, event_id, user_id)
    if registration is None or registration.admission not in HOLDING:
        raise NotRegistered(path=("eventId",))
    registration.admission = Admission.CANCELLED
    registration.cancelled_at = utcnow()
    uow.record(RegistrationCancelled(subject_id=registration.id, event_id=event_id, user_id=user_id))
    await capacity.announce(uow, locked.event)
    return registration
