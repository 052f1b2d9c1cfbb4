"""Taking part in an event: registering directly, and cancelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.permissions import Permission
from auth.rights import Part, part_at
from auth.viewer import Viewer
from database import ATTEMPTS, Contended, UnitOfWork, Writing, recording_values
from errors import ErrorCode, Forbidden, NotFound, UserError, _, check_text, refuse
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
    PaymentPolicy,
    Registration,
    Service,
    User,
    is_over,
    utcnow,
    uuid7,
)
from resolvers.booking import availability, capacity, locks
from resolvers.booking.registration_writing import ADMIT, LOOK, TAKE_PLACE, RegistrationCreated
from resolvers.booking.time_conflicts import TimeConflict, of_column
from resolvers.chat import members
from resolvers.core import audit
from resolvers.core.money import Price
from resolvers.notifications.notifications import Notice, addressed, notify_all, topic_of

check_note = partial(check_text, maximum=1000, multiline=True)
check_reason = partial(check_text, maximum=1000, multiline=True)


class NotRegistered(UserError):
    code = ErrorCode.NOT_REGISTERED
    message = _("There is no active registration to cancel.")


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


@dataclass(frozen=True)
class Placed:
    """A new registration, and of its event what was read under the same lock, as asyncpg gives it."""

    registration: Registration
    event: Mapping[str, Any]
    conflicts: list[TimeConflict]
    """What else the person does at that time, as it was seen before the place was taken."""


async def register(uow: Writing, viewer: Viewer, *, event_id: UUID, note: str | None = None) -> Placed:
    """Take a place at an event without services. Raises what `capacity` and this module name.

    The rule looks without a lock. What it has seen is checked again under the event's lock by the statement that
    writes: had something changed, nothing is written, and the rule looks again.
    """
    user_id = viewer.require_user()
    note = checked_note(note)
    for _attempt in range(ATTEMPTS):
        found = await uow.read(LOOK.asked(viewer, asked_id=event_id))
        if not found:
            raise NotFound(path=("eventId",))
        [event] = found
        known = capacity.Known(
            event["admission"] and Admission(event["admission"]), capacity.BookableState(event["entry"])
        )
        offers_services = event["offers_services"]
        standing = capacity.registration_standing(event, known, offers_services=offers_services, now=utcnow())
        if refusal := standing.refusal("eventId"):
            raise refusal
        news = _news(event, set(event["organizers"]) - {user_id}, user_id=user_id, actor_id=user_id)
        values = {
            "asked_id": event_id,
            "seen_at": event.updated_at,
            "seen_admission": known.admission,
            "new_id": uuid7(),
            "remark": note or None,
            "notices": addressed(news),
            **recording_values(has_sink=uow.has_sink),
        }
        taken = TAKE_PLACE.asked(viewer, **values)
        written = await uow.write(taken, unless="ck_events_taken_within_capacity")
        if written:
            [registration] = written
            conflicts = of_column(event["conflicts"], "eventId")
            return Placed(registration, {**event, "taken": registration["event_taken"]}, conflicts)
    raise Contended


def checked_note(note: str | None) -> str | None:
    problems: list[UserError] = []
    checked = check_note(problems, note, "note")
    refuse(problems)
    return checked


def checked_reason(reason: str | None) -> str | None:
    """Why a place is taken away, for the person who had it."""
    problems: list[UserError] = []
    checked = check_reason(problems, reason, "reason")
    refuse(problems)
    return checked


async def _known(session: AsyncSession, event_id: UUID, user_id: UUID) -> Registration | None:
    """Someone's registration.

    Read under the event's lock, never with it: a statement that waited for the lock still sees other tables as they
    were before.
    """
    found: Registration | None = await session.scalar(
        select(Registration).where(Registration.event_id == event_id, Registration.user_id == user_id)
    )
    return found


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


async def cancel(
    uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, user_id: UUID | None = None, reason: str | None = None
) -> Registration:
    """Give a place back, with all bookings at the event: one's own, or that of `user_id` for who may cancel for others,
    who may say why. Possible until the event has ended.
    """
    actor_id, reason = viewer.require_user(), checked_reason(reason)
    user_id = user_id or actor_id
    event = (await locks.lock(uow, event_id, viewer=viewer)).event
    if user_id != actor_id and not may_cancel_for_others(await part_at(uow.session, viewer, event)):
        raise Forbidden(path=("userId",))
    registration = await _known(uow.session, event_id, user_id)
    if registration is None:
        raise NotRegistered(path=("eventId",))
    if refusal := refusal_to_cancel(event, registration):
        raise refusal
    for booking in await _active_bookings(uow.session, event_id, user_id):
        give_back(uow, booking, actor_id=actor_id, reason=reason)
    if user_id != actor_id:
        audit.note(
            uow, viewer, "registration.cancel", subject_type="Registration", subject_id=registration.id,
            before={"admission": registration.admission}, after={"admission": Admission.CANCELLED, "reason": reason},
        )  # fmt: skip
    await withdraw(uow, event, registration, actor_id=actor_id, reason=reason)
    return registration


def may_cancel_for_others(part: Part) -> bool:
    """Those who may register others, and those who may change the event."""
    return part.viewer.can(Permission.REGISTER_OTHERS) or part.may_edit


def refusal_to_cancel(event: Event, known: capacity.Admitted) -> UserError | None:
    """Of a registration, by its event."""
    if not capacity.holds(known):
        return NotRegistered(path=("eventId",))
    if is_over(event.ends_at, utcnow()):
        return capacity.Closed(path=("eventId",), closes_at=event.ends_at, time_zone=event.time_zone)
    return None


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


def give_back(uow: UnitOfWork, booking: Booking, *, actor_id: UUID, reason: str | None = None) -> None:
    """Cancel one booking of a locked service."""
    booking.admission, booking.cancelled_at, booking.cancel_reason = Admission.CANCELLED, utcnow(), reason
    uow.record(
        BookingCancelled(
            subject_id=booking.id, service_id=booking.service_id, user_id=booking.user_id, cancelled_by_id=actor_id
        )
    )


async def withdraw(
    uow: UnitOfWork, event: Event, registration: Registration, *, actor_id: UUID, reason: str | None = None
) -> None:
    """Cancel a registration at a locked event whose bookings are cancelled already, and all that hangs on it."""
    registration.admission, registration.cancelled_at = Admission.CANCELLED, utcnow()
    registration.cancel_reason = reason
    user_id = registration.user_id
    uow.record(
        RegistrationCancelled(subject_id=registration.id, event_id=event.id, user_id=user_id, cancelled_by_id=actor_id)
    )
    await availability.announce(uow, event)
    await members.leave_event_chats(uow, event.id, [user_id])
    cancelled = Notice(
        recipients=[user_id],
        type=NotificationType.REGISTRATION_CANCELLED,
        subject=event,
        actor_id=actor_id if actor_id != user_id else None,
        params={"reason": reason},
        topic=topic_of(NotificationType.REGISTRATION_CANCELLED, event.id, user_id),
        is_quiet=actor_id == user_id,
        ends=of_place(event.id, user_id),
    )
    await notify_all(uow, [cancelled])


def coming(event_id: UUID, user_id: UUID) -> str:
    """The topic under which organisers are told of a participant."""
    return topic_of(NotificationType.PARTICIPANT_JOINED, event_id, user_id)


def of_place(event_id: UUID, user_id: UUID) -> list[str]:
    """Topics of what anybody was told of a person's place at an event, and is no longer so once it ends."""
    own = (NotificationType.REGISTRATION_CONFIRMED, NotificationType.EVENT_REACTIVATED)
    return [*(topic_of(type, event_id, user_id) for type in own), coming(event_id, user_id)]


async def welcome(
    uow: UnitOfWork,
    events: Sequence[Event],
    *,
    user_id: UUID,
    actor_id: UUID,
    booked: Mapping[UUID, Sequence[Mapping[str, Any]]],
    ends: Sequence[str],
) -> None:
    """Let someone new into the events' chats, then tell them and the organisers. Takes the last locks there are.

    `booked` are services with their times by event, as notices keep them; `ends` as those of a notice.
    """
    hosts = await _hosts(uow.session, [event.id for event in events])
    for event in events:
        await members.join_event_chat(uow, event.id, user_id)
    notices = []
    for event in events:
        organizers = _organizers(hosts.get(event.id, {})) - {user_id}
        services = booked.get(event.id, ())
        notices += _news(event, organizers, user_id=user_id, actor_id=actor_id, services=services)
    await notify_all(uow, notices, ends=ends)


def _news(
    event: Event,
    organizers: Iterable[UUID],
    *,
    user_id: UUID,
    actor_id: UUID,
    services: Sequence[Mapping[str, Any]] = (),
) -> list[Notice]:
    return [
        Notice(
            recipients=[user_id],
            type=NotificationType.REGISTRATION_CONFIRMED,
            subject=event,
            params=_price(event) | ({"services": list(services)} if services else {}),
            topic=topic_of(NotificationType.REGISTRATION_CONFIRMED, event.id, user_id),
            is_quiet=actor_id == user_id,
            withdraws=topic_of(NotificationType.REGISTRATION_CANCELLED, event.id, user_id),
        ),
        Notice(
            recipients=organizers,
            type=NotificationType.PARTICIPANT_JOINED,
            subject=event,
            actor_id=actor_id,
            params={"user_id": str(user_id)},
            topic=coming(event.id, user_id),
            is_quiet=True,
        ),
    ]


def _price(event: Event) -> dict[str, Any]:
    """What is to be paid at the door, if anything."""
    if event.payment_policy is PaymentPolicy.FREE:
        return {}
    return {"price": Price.of(event).kept()}


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


async def participant_ids(session: AsyncSession, event_id: UUID) -> list[UUID]:
    """Everyone who holds a place at the event and has an account still."""
    found = await session.scalars(
        select(Registration.user_id)
        .join(User, User.id == Registration.user_id)
        .where(Registration.event_id == event_id, Registration.admission.in_(HOLDING), User.is_active)
    )
    return list(found)
