"""Taking part in an event: registering directly, and cancelling (S0-55, S0-62)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, Executable, Select, Uuid, and_, bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth.permissions import Permission
from auth.viewer import Viewer
from database import UnitOfWork
from errors import ErrorCode, Forbidden, UserError, _, check_text, refuse
from models import (
    HOLDING,
    Admission,
    Attendance,
    Booking,
    DomainEvent,
    Event,
    EventHost,
    EventRole,
    NotificationType,
    Registration,
    Service,
    utcnow,
    uuid7,
)
from resolvers import audit, capacity, chat_members
from resolvers.event_access import may_edit
from resolvers.notifications import Notice, notify_all

MAXIMUM_NOTE = 1000


class NotRegistered(UserError):
    code = ErrorCode.NOT_REGISTERED
    message = _("There is no active registration to cancel.")


@dataclass(frozen=True, kw_only=True)
class RegistrationCreated(DomainEvent):
    name: ClassVar[str] = "event.registration.created"
    subject_type: ClassVar[str] = "Registration"
    event_id: UUID
    user_id: UUID
    recorded_by_id: UUID


@dataclass(frozen=True, kw_only=True)
class RegistrationCancelled(DomainEvent):
    name: ClassVar[str] = "event.registration.cancelled"
    subject_type: ClassVar[str] = "Registration"
    event_id: UUID
    user_id: UUID
    cancelled_by_id: UUID


@dataclass(frozen=True, kw_only=True)
class BookingCancelled(DomainEvent):
    name: ClassVar[str] = "service.booking.cancelled"
    subject_type: ClassVar[str] = "Booking"
    service_id: UUID
    user_id: UUID
    cancelled_by_id: UUID


async def register(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, note: str | None = None) -> Registration:
    """Take a place at an event without services. Raises what `capacity` and this module name."""
    user_id = viewer.require_user()
    note = checked_note(note)
    event = (await capacity.lock(uow, event_id, viewer=viewer)).event
    known, offers_services, organizers = await _known(uow.session, event_id, user_id)
    standing = capacity.registration_standing(event, known, offers_services=offers_services, now=utcnow())
    if refusal := standing.refusal("eventId"):
        raise refusal
    registration = await admit(uow, event, known, user_id=user_id, recorded_by_id=user_id, note=note)
    await capacity.announce(uow, event, joining=user_id)
    await notify_all(uow, _news(event, set(organizers) - {user_id}, user_id=user_id, actor_id=user_id))
    return registration


def checked_note(note: str | None) -> str | None:
    problems: list[UserError] = []
    checked = check_text(problems, note, "note", maximum=MAXIMUM_NOTE)
    refuse(problems)
    return checked


async def _known(
    session: AsyncSession, event_id: UUID, user_id: UUID
) -> tuple[Registration | None, bool, Sequence[UUID]]:
    """Someone's registration, whether the event offers services, and its organisers.

    Read under the event's lock, never with it: a statement that waited for the lock still sees other tables as they
    were before.
    """
    found = await session.execute(KNOWN, {"event_id": event_id, "person_id": user_id})
    known, offers_services, organizers = found.one()
    return known, offers_services, organizers


def _known_of_event() -> Select[Registration, bool, Sequence[UUID]]:
    offers = exists().where(Service.event_id == Event.id, Service.cancelled_at.is_(None))
    hosting = select(EventHost.user_id).where(EventHost.event_id == Event.id, EventHost.role != EventRole.STAFF)
    organizers = func.array(hosting.correlate(Event).scalar_subquery(), type_=ARRAY(Uuid))
    mine = and_(Registration.event_id == Event.id, Registration.user_id == bindparam("person_id"))
    return (
        select(Registration, offers.correlate(Event), organizers)
        .select_from(Event)
        .outerjoin(Registration, mine)
        .where(Event.id == bindparam("event_id"))
    )


KNOWN = _known_of_event()


async def admit(
    uow: UnitOfWork,
    event: Event,
    known: Registration | None,
    *,
    user_id: UUID,
    recorded_by_id: UUID,
    note: str | None = None,
) -> Registration:
    """Give a place at a locked event. A cancelled registration comes back to life."""
    values = {
        "id": known.id if known else uuid7(),
        "event_id": event.id,
        "user_id": user_id,
        "admission": Admission.CONFIRMED,
        "attendance": Attendance.EXPECTED,
        "recorded_by_id": recorded_by_id,
        "note": note or None,
        "now": utcnow(),
    }
    registration: Registration = (await uow.session.scalars(ADMIT, values)).one()
    uow.record(
        RegistrationCreated(
            subject_id=registration.id, event_id=event.id, user_id=user_id, recorded_by_id=recorded_by_id
        )
    )
    return registration


def _admit() -> Executable:
    """Write a registration, or bring the one that is there back to life, with its own note unless there is a new one.

    The trigger on the table counts the place, and the check on the event refuses one too many.
    """
    columns = Registration.__table__.c
    names = ("id", "event_id", "user_id", "admission", "attendance", "recorded_by_id", "note")
    values: dict[str, Any] = {name: bindparam(name, type_=columns[name].type) for name in names}
    now = bindparam("now", type_=columns.updated_at.type)
    statement = insert(Registration.__table__).values(**values, created_at=now, updated_at=now)  # type: ignore[arg-type]  # typed as FromClause, is a Table
    new = statement.excluded
    written = statement.on_conflict_do_update(
        index_elements=["event_id", "user_id"],
        set_={
            "admission": new.admission,
            "attendance": new.attendance,
            "recorded_by_id": new.recorded_by_id,
            "cancelled_at": None,
            "note": func.coalesce(new.note, columns.note),
            "updated_at": new.updated_at,
        },
    ).returning(Registration)
    return select(Registration).from_statement(written).execution_options(populate_existing=True)


ADMIT = _admit()


async def cancel(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, user_id: UUID | None = None) -> Registration:
    """Give a place back, with all bookings at the event: one's own, or that of `user_id` for who may cancel for others.

    Possible until the event has ended.
    """
    actor_id = viewer.require_user()
    user_id = user_id or actor_id
    event = (await capacity.lock(uow, event_id, viewer=viewer)).event
    if user_id != actor_id and not await may_cancel_for_others(uow.session, viewer, event):
        raise Forbidden(path=("userId",))
    registration, _offers, _organizers = await _known(uow.session, event_id, user_id)
    if registration is None or registration.admission not in HOLDING:
        raise NotRegistered(path=("eventId",))
    if event.ends_at <= utcnow():
        raise capacity.Closed(path=("eventId",))
    for booking in await _active_bookings(uow.session, event_id, user_id):
        give_back(uow, booking, actor_id=actor_id)
    if user_id != actor_id:
        audit.note(
            uow, viewer, "registration.cancel", subject_type="Registration", subject_id=registration.id,
            before={"admission": registration.admission.value},
        )  # fmt: skip
    await withdraw(uow, event, registration, actor_id=actor_id)
    return registration


async def may_cancel_for_others(session: AsyncSession, viewer: Viewer, event: Event) -> bool:
    """Those who may register others, and those who may change the event."""
    return viewer.can(Permission.REGISTER_OTHERS) or await may_edit(session, viewer, event)


async def _active_bookings(session: AsyncSession, event_id: UUID, user_id: UUID) -> Sequence[Booking]:
    """Someone's places at the services of a locked event; locks the services, by id."""
    found = await session.scalars(
        select(Booking)
        .join(Service, Service.id == Booking.service_id)
        .where(Booking.event_id == event_id, Booking.user_id == user_id, Booking.admission.in_(HOLDING))
        .order_by(Service.id)
        .with_for_update(key_share=True, of=Service)
    )
    return found.all()


def give_back(uow: UnitOfWork, booking: Booking, *, actor_id: UUID) -> None:
    """Cancel one booking of a locked service."""
    booking.admission, booking.cancelled_at = Admission.CANCELLED, utcnow()
    uow.record(
        BookingCancelled(
            subject_id=booking.id, service_id=booking.service_id, user_id=booking.user_id, cancelled_by_id=actor_id
        )
    )


async def withdraw(uow: UnitOfWork, event: Event, registration: Registration, *, actor_id: UUID) -> None:
    """Cancel a registration at a locked event whose bookings are cancelled already, and all that hangs on it."""
    registration.admission, registration.cancelled_at = Admission.CANCELLED, utcnow()
    user_id = registration.user_id
    uow.record(
        RegistrationCancelled(subject_id=registration.id, event_id=event.id, user_id=user_id, cancelled_by_id=actor_id)
    )
    await capacity.announce(uow, event)
    hosts = await _hosts(uow.session, [event.id])
    if user_id not in hosts.get(event.id, {}):
        await chat_members.leave_event_chat(uow, event.id, user_id)
    cancelled = Notice(
        recipients=[user_id],
        type=NotificationType.REGISTRATION_CANCELLED,
        subject=event,
    )
    await notify_all(uow, [cancelled])


async def welcome(uow: UnitOfWork, events: Sequence[Event], *, user_id: UUID, actor_id: UUID) -> None:
    """Let someone new into the events' chats, then tell them and the organisers. Takes the last locks there are."""
    hosts = await _hosts(uow.session, [event.id for event in events])
    for event in events:
        await chat_members.join_event_chat(uow, event.id, user_id)
    notices = []
    for event in events:
        notices += _news(event, _organizers(hosts.get(event.id, {})) - {user_id}, user_id=user_id, actor_id=actor_id)
    await notify_all(uow, notices)


def _news(event: Event, organizers: Iterable[UUID], *, user_id: UUID, actor_id: UUID) -> list[Notice]:
    return [
        Notice(recipients=[user_id], type=NotificationType.REGISTRATION_CONFIRMED, subject=event),
        Notice(
            recipients=organizers,
            type=NotificationType.PARTICIPANT_JOINED,
            subject=event,
            actor_id=actor_id,
            params={"user_id": str(user_id)},
        ),
    ]


def _organizers(roles: Mapping[UUID, EventRole]) -> set[UUID]:
    return {user_id for user_id, role in roles.items() if role is not EventRole.STAFF}


async def _hosts(session: AsyncSession, event_ids: Sequence[UUID]) -> dict[UUID, dict[UUID, EventRole]]:
    """Hosts of some events with their roles."""
    found = await session.execute(
        select(EventHost.event_id, EventHost.user_id, EventHost.role).where(EventHost.event_id.in_(event_ids))
    )
    hosts: dict[UUID, dict[UUID, EventRole]] = {}
    for event_id, user_id, role in found:
        hosts.setdefault(event_id, {})[user_id] = role
    return hosts
