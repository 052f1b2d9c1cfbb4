"""Putting someone out of an event, and letting them come back.

Distinct from cancelling, which leaves the way open: whoever was removed has the admission REJECTED and takes no place
there, by whatever way, until those who run the event lift it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import select

from auth.rights import Part, may_edit, part_at
from auth.viewer import Viewer
from auth.visibility.booking import registrations_visible_to
from database import UnitOfWork
from errors import ErrorCode, Forbidden, InvalidStatus, NotFound, UserError, _
from models import (
    Admission,
    DomainEvent,
    Event,
    EventHost,
    EventRole,
    NotificationType,
    Registration,
    is_over,
    utcnow,
)
from resolvers.booking import admission, bookability, locks
from resolvers.booking.changes import EndPlace, LetBack
from resolvers.booking.registrations import checked_reason, of_place
from resolvers.core import audit
from resolvers.notifications.notifications import Notice, notify_all, topic_of


class IsHost(UserError):
    code = ErrorCode.IS_HOST
    message = _("This person has a role at the event. Remove the role first.")


@dataclass(frozen=True, kw_only=True)
class RegistrationRemoved(DomainEvent):
    name: ClassVar[str] = "event.registration.removed"
    subject_type: ClassVar[str] = "Registration"
    event_id: UUID
    user_id: UUID
    removed_by_id: UUID


@dataclass(frozen=True, kw_only=True)
class RegistrationBanLifted(DomainEvent):
    name: ClassVar[str] = "event.registration.ban_lifted"
    subject_type: ClassVar[str] = "Registration"
    event_id: UUID
    user_id: UUID
    lifted_by_id: UUID


async def remove(uow: UnitOfWork, viewer: Viewer, *, registration_id: UUID, reason: str | None = None) -> Registration:
    """Put someone out of an event that is not over, also who has cancelled just before."""
    actor_id, reason = viewer.require_user(), checked_reason(reason)
    event, registration = await _found(uow, viewer, registration_id)
    hosting = select(EventHost.role).where(EventHost.event_id == event.id, EventHost.user_id == registration.user_id)
    role, part = await uow.session.scalar(hosting), await part_at(uow.session, viewer, event)
    if refusal := refusal_to_remove(event, registration, part=part, role=role):
        raise refusal
    user_id, before = registration.user_id, registration.admission
    audit.note(
        uow, viewer, "registration.remove", subject_type="Registration", subject_id=registration.id,
        before={"admission": before.value}, after={"admission": Admission.REJECTED.value, "reason": reason},
    )  # fmt: skip
    wanted = EndPlace(event_id=event.id, user_id=user_id, admission=Admission.REJECTED, reason=reason)
    changed = await admission.change_under_lock(uow, viewer, [wanted], actor_id=actor_id)
    uow.record(
        RegistrationRemoved(subject_id=registration.id, event_id=event.id, user_id=user_id, removed_by_id=actor_id)
    )
    await _tell(uow, event, user_id, NotificationType.REGISTRATION_REMOVED, actor_id=actor_id, reason=reason)
    removed: Registration = changed.registration_of(event.id, user_id)
    return removed


def refusal_to_remove(
    event: Event, registration: Registration, *, part: Part, role: EventRole | None
) -> UserError | None:
    """For who may change the event. `part` is what they are to it, `role` the one that the registered person has at it:
    nobody is put out of an event that they run.
    """
    if registration.user_id == part.viewer.id:
        return Forbidden(path=("registrationId",))
    if registration.admission is Admission.REJECTED:
        return InvalidStatus(path=("registrationId",), status=registration.admission)
    if is_over(event.ends_at, utcnow()):
        return bookability.Closed(path=("registrationId",), closes_at=event.ends_at, time_zone=event.time_zone)
    if role is None:
        return None
    if role is EventRole.ORGANIZER and not part.may_appoint_organizers:
        return Forbidden(path=("registrationId",))
    return IsHost(path=("registrationId",))


async def lift(uow: UnitOfWork, viewer: Viewer, *, registration_id: UUID) -> Registration:
    """Let someone who was removed register again."""
    actor_id = viewer.require_user()
    event, registration = await _found(uow, viewer, registration_id)
    if refusal := refusal_to_lift(registration):
        raise refusal
    audit.note(
        uow, viewer, "registration.lift_ban", subject_type="Registration", subject_id=registration.id,
        before={"admission": registration.admission.value}, after={"admission": Admission.CANCELLED.value},
    )  # fmt: skip
    wanted = LetBack(event_id=event.id, user_id=registration.user_id)
    changed = await admission.change_under_lock(uow, viewer, [wanted], actor_id=actor_id)
    uow.record(
        RegistrationBanLifted(
            subject_id=registration.id, event_id=event.id, user_id=registration.user_id, lifted_by_id=actor_id
        )
    )
    await _tell(uow, event, registration.user_id, NotificationType.REGISTRATION_BAN_LIFTED, actor_id=actor_id)
    let_back: Registration = changed.registration_of(event.id, registration.user_id)
    return let_back


def refusal_to_lift(registration: Registration) -> UserError | None:
    """For who may change the event."""
    if registration.admission is not Admission.REJECTED:
        return InvalidStatus(path=("registrationId",), status=registration.admission)
    return None


async def _found(uow: UnitOfWork, viewer: Viewer, registration_id: UUID) -> tuple[Event, Registration]:
    """Return the event, locked, and the registration as it is now, for who may change the event."""
    seen = await uow.session.scalar(registrations_visible_to(viewer).where(Registration.id == registration_id))
    if seen is None:
        raise NotFound(path=("registrationId",))
    event = (await locks.lock(uow, seen.event_id)).event
    if not await may_edit(uow.session, viewer, event):
        raise Forbidden(path=("registrationId",))
    await uow.session.refresh(seen)
    return event, seen


async def _tell(
    uow: UnitOfWork,
    event: Event,
    user_id: UUID,
    type: NotificationType,
    *,
    actor_id: UUID,
    reason: str | None = None,
) -> None:
    notice = Notice(
        recipients=[user_id],
        type=type,
        subject=event,
        actor_id=actor_id,
        params={"reason": reason},
        topic=topic_of(type, event.id, user_id),
        ends=[topic_of(ENDED[type], event.id, user_id), *of_place(event.id, user_id)],
    )
    await notify_all(uow, [notice])


ENDED = {
    NotificationType.REGISTRATION_REMOVED: NotificationType.REGISTRATION_BAN_LIFTED,
    NotificationType.REGISTRATION_BAN_LIFTED: NotificationType.REGISTRATION_REMOVED,
}
"""What the person was told before and is no longer so."""
