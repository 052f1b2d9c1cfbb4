"""Ending people's places at events at once: what being put out brings with it.

Everything is done for all events and people together, in a constant number of statements, in the order of locks: the
events are locked by the caller, then services by id, registrations and bookings. Chats and notices come last.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, func, or_, select, update

from database import UnitOfWork
from models import (
    HOLDING,
    TAKING_PART,
    Admission,
    Booking,
    ClubMembership,
    Event,
    MembershipState,
    NotificationType,
    Registration,
    Service,
    User,
    is_over,
    utcnow,
)
from resolvers.booking import availability
from resolvers.booking.registrations import BookingCancelled, RegistrationCancelled, of_place
from resolvers.chat import members
from resolvers.notifications.notifications import Notice, topic_of


@dataclass(frozen=True)
class Ended:
    """Someone who had a place at an event, or waited for one."""

    event: Event
    user_id: UUID

    def notice(self, *, actor_id: UUID, reason: str | None) -> Notice:
        return Notice(
            recipients=[self.user_id],
            type=NotificationType.REGISTRATION_CANCELLED,
            subject=self.event,
            actor_id=actor_id,
            params={"reason": reason},
            topic=topic_of(NotificationType.REGISTRATION_CANCELLED, self.event.id, self.user_id),
            ends=of_place(self.event.id, self.user_id),
        )


async def end_places(
    uow: UnitOfWork,
    user_ids: Collection[UUID],
    event_ids: Collection[UUID],
    *,
    actor_id: UUID,
    reason: str | None,
    admission: Admission = Admission.CANCELLED,
) -> Sequence[Ended]:
    """Give back what people hold or wait for at locked events. `admission` is what their registrations have from now
    on; bookings are cancelled.
    """
    await _end_bookings(uow, user_ids, event_ids, actor_id=actor_id, reason=reason)
    changed = await uow.session.execute(
        update(Registration)
        .where(
            Registration.user_id.in_(user_ids),
            Registration.event_id.in_(event_ids),
            Registration.admission.in_(TAKING_PART),
        )
        .values(admission=admission, cancelled_at=utcnow(), cancel_reason=reason)
        .returning(Registration.id, Registration.event_id, Registration.user_id)
        .execution_options(synchronize_session=False)
    )
    registrations = sorted(changed)
    for registration_id, event_id, user_id in registrations:
        uow.record(
            RegistrationCancelled(
                subject_id=registration_id, event_id=event_id, user_id=user_id, cancelled_by_id=actor_id
            )
        )
    if not registrations:
        return []
    concerned = select(Event).where(Event.id.in_({event_id for _, event_id, _ in registrations})).order_by(Event.id)
    found = await uow.session.scalars(concerned.execution_options(populate_existing=True))
    events = {event.id: event for event in found}
    await availability.announce_all(uow, events.values())
    return [Ended(events[event_id], user_id) for _, event_id, user_id in registrations]


async def _end_bookings(
    uow: UnitOfWork, user_ids: Collection[UUID], event_ids: Collection[UUID], *, actor_id: UUID, reason: str | None
) -> None:
    held = (Booking.user_id.in_(user_ids), Booking.event_id.in_(event_ids), Booking.admission.in_(HOLDING))
    services = select(Service.id).join(Booking, Booking.service_id == Service.id).where(*held)
    await uow.session.execute(services.order_by(Service.id).with_for_update(key_share=True, of=Service))
    given_back = await uow.session.execute(
        update(Booking)
        .where(*held)
        .values(admission=Admission.CANCELLED, cancelled_at=utcnow(), cancel_reason=reason)
        .returning(Booking.id, Booking.service_id, Booking.user_id)
        .execution_options(synchronize_session=False)
    )
    for booking_id, service_id, user_id in sorted(given_back):
        uow.record(
            BookingCancelled(subject_id=booking_id, service_id=service_id, user_id=user_id, cancelled_by_id=actor_id)
        )


async def end_places_of_gone(uow: UnitOfWork, event: Event, *, actor_id: UUID) -> list[Notice]:
    """For a locked event that was over and is to come again: who was put out of its club since, or has deleted their
    account, has no place at it.

    Answers what they are to be told.
    """
    banned = exists().where(
        ClubMembership.user_id == Registration.user_id,
        ClubMembership.club_id == event.club_id,
        ClubMembership.state == MembershipState.BANNED,
        or_(ClubMembership.banned_until.is_(None), ClubMembership.banned_until > func.now()),
    )
    deleted = exists().where(User.id == Registration.user_id, User.deleted_at.is_not(None))
    gone = await uow.session.execute(
        select(Registration.user_id, deleted.label("is_deleted")).where(
            Registration.event_id == event.id, Registration.admission.in_(TAKING_PART), or_(banned, deleted)
        )
    )
    is_deleted: dict[UUID, bool] = {row.user_id: row.is_deleted for row in gone}
    user_ids = list(is_deleted)
    if not user_ids or is_over(event.ends_at, utcnow()):
        return []
    ended = await end_places(uow, user_ids, [event.id], actor_id=actor_id, reason=None)
    await members.leave_event_chats(uow, event.id, user_ids)
    return [one.notice(actor_id=actor_id, reason=None) for one in ended if not is_deleted[one.user_id]]
