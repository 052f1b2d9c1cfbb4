"""Ending people's places at events at once: what being put out brings with it.

Everything is done for all events and people together, in a constant number of statements, in the order of locks: the
events are locked by the caller, then services by id, registrations and bookings. Chats and notices come last.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, func, or_, select

from auth.viewer import GUEST
from database import UnitOfWork
from models import (
    TAKING_PART,
    ClubMembership,
    Event,
    MembershipState,
    NotificationType,
    Registration,
    User,
    is_over,
    utcnow,
)
from resolvers.booking import admission
from resolvers.booking.changes import EndPlace
from resolvers.booking.registrations import OF_PLACE, of_place
from resolvers.chat import members
from resolvers.notifications.notifications import Notice, topic_of


@dataclass(frozen=True)
class EndedPlaces:
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


def ended_by_service(event: Event, user_ids: Collection[UUID], *, actor_id: UUID, reason: str | None) -> Notice:
    """Return what those are told whose only bookings at an event were of a service that was cancelled."""
    return Notice(
        recipients=user_ids,
        type=NotificationType.REGISTRATION_CANCELLED,
        subject=event,
        actor_id=actor_id,
        params={"reason": reason},
        topic=topic_of(NotificationType.REGISTRATION_CANCELLED, event.id),
        is_of_each=True,
        ends_of_each=[topic_of(type, event.id) for type in OF_PLACE],
        object_id=event.id,
    )


async def end_places(
    uow: UnitOfWork,
    user_ids: Collection[UUID],
    event_ids: Collection[UUID],
    *,
    actor_id: UUID,
    reason: str | None,
) -> Sequence[EndedPlaces]:
    """Give back what people hold or wait for at locked events. They are left in the chats, of which
    the caller takes care.
    """
    wanted = [
        EndPlace(event_id=event_id, user_id=user_id, reason=reason) for event_id in event_ids for user_id in user_ids
    ]
    if not wanted:
        return []
    changed = await admission.change_under_lock(uow, GUEST, wanted, actor_id=actor_id, moves_chats=False)
    return [
        EndedPlaces(changed.facts.events[event_id].row, user_id)
        for event_id, people in sorted(changed.gone.items())
        for user_id in sorted(people)
    ]


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
