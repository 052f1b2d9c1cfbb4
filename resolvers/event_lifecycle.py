"""The life of an event: out in the open, cancelled, archived, gone (C6, C16, S2-26)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Date, and_, func, select, update

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility import clubs_hosted_by
from database import UnitOfWork
from errors import ErrorCode, InvalidStatus, UserError, _, check_text, refuse
from models import (
    ClubMembership,
    DomainEvent,
    Event,
    EventStatus,
    ModerationItem,
    ModerationState,
    NotificationType,
    utcnow,
)
from resolvers import audit, capacity
from resolvers.event_access import editable, participant_ids
from resolvers.event_input import EventInPast
from resolvers.notifications import notify

LONGEST_REASON = 1000


class HasParticipants(UserError):
    code = ErrorCode.HAS_PARTICIPANTS
    message = _("{count} people have a place. Cancel first, so that they are told.")


@dataclass(frozen=True, kw_only=True)
class EventSubmitted(DomainEvent):
    name: ClassVar[str] = "event.submitted"
    subject_type: ClassVar[str] = "Event"


@dataclass(frozen=True, kw_only=True)
class EventPublished(DomainEvent):
    """Once for each time an event goes out, not for later edits."""

    name: ClassVar[str] = "event.published"
    subject_type: ClassVar[str] = "Event"


@dataclass(frozen=True, kw_only=True)
class EventCancelled(DomainEvent):
    name: ClassVar[str] = "event.cancelled"
    subject_type: ClassVar[str] = "Event"


@dataclass(frozen=True, kw_only=True)
class EventArchived(DomainEvent):
    name: ClassVar[str] = "event.archived"
    subject_type: ClassVar[str] = "Event"


@dataclass(frozen=True, kw_only=True)
class EventDeleted(DomainEvent):
    name: ClassVar[str] = "event.deleted"
    subject_type: ClassVar[str] = "Event"


async def publish(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID) -> Event:
    """Put an event out at once, or before a moderator, by who asks (C6)."""
    event = await editable(uow, viewer, event_id)
    at_once = await _goes_out_at_once(uow, viewer, event)
    awaited = (EventStatus.DRAFT, EventStatus.PENDING_REVIEW) if at_once else (EventStatus.DRAFT,)
    if event.status not in awaited:
        raise InvalidStatus(path=("eventId",), status=event.status)
    if event.ends_at <= utcnow():
        raise EventInPast(path=("eventId",))
    if at_once:
        await withdraw_from_review(uow, event)
        go_out(uow, event)
    else:
        event.status = EventStatus.PENDING_REVIEW
        uow.session.add(ModerationItem(event_id=event.id, submitted_by_id=viewer.require_user()))
        uow.record(EventSubmitted(subject_id=event.id))
    event.version += 1
    await uow.session.flush()
    return event


async def _goes_out_at_once(uow: UnitOfWork, viewer: Viewer, event: Event) -> bool:
    """Staff, trusted authors, and hosts of the event's club need no moderator."""
    if viewer.can(Permission.EVENT_MODERATE) or (viewer.user is not None and viewer.user.is_trusted):
        return True
    hosted = clubs_hosted_by(viewer.require_user()).where(ClubMembership.club_id == event.club_id)
    return bool(await uow.session.scalar(select(hosted.exists())))


def go_out(uow: UnitOfWork, event: Event) -> None:
    event.status, event.published_at = EventStatus.PUBLISHED, utcnow()
    uow.record(EventPublished(subject_id=event.id))


async def withdraw_from_review(uow: UnitOfWork, event: Event) -> None:
    """A moderator no longer has to look at the event."""
    await uow.session.execute(
        update(ModerationItem)
        .where(ModerationItem.event_id == event.id, ModerationItem.state == ModerationState.PENDING)
        .values(state=ModerationState.WITHDRAWN)
    )


async def cancel(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, reason: str | None = None) -> Event:
    """Call an event off and tell everyone who has a place.

    Registrations and the chat stay as they were: people keep seeing what became of the event, and can talk.
    """
    event = await editable(uow, viewer, event_id)
    problems: list[UserError] = []
    reason = check_text(problems, reason, "reason", maximum=LONGEST_REASON)
    refuse(problems)
    if event.status in (EventStatus.CANCELLED, EventStatus.ARCHIVED):
        raise InvalidStatus(path=("eventId",), status=event.status)
    if event.ends_at <= utcnow():
        raise EventInPast(path=("eventId",))
    _audit_status(uow, viewer, event, EventStatus.CANCELLED)
    event.status, event.cancelled_at, event.cancel_reason = EventStatus.CANCELLED, utcnow(), reason
    event.version += 1
    await withdraw_from_review(uow, event)
    uow.record(EventCancelled(subject_id=event.id))
    await capacity.announce(uow, event)
    people = await participant_ids(uow.session, event.id)
    await notify(
        uow, people, NotificationType.EVENT_CANCELLED, subject=event, actor_id=viewer.id, title=event.title,
        reason=reason,
    )  # fmt: skip
    return event


async def archive(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID) -> Event:
    """Put an event away. One that people still wait for has to be cancelled before."""
    event = await editable(uow, viewer, event_id)
    if event.status is EventStatus.ARCHIVED:
        raise InvalidStatus(path=("eventId",), status=event.status)
    if event.status is EventStatus.PUBLISHED and event.ends_at > utcnow():
        _refuse_participants(event)
    _audit_status(uow, viewer, event, EventStatus.ARCHIVED)
    event.status, event.archived_at = EventStatus.ARCHIVED, utcnow()
    event.version += 1
    await withdraw_from_review(uow, event)
    uow.record(EventArchived(subject_id=event.id))
    await uow.session.flush()
    return event


async def delete(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID) -> UUID:
    """Remove an event with all that hangs on it, unless people have places at it and were not told of its end (C16).

    Whoever registers at the same time holds the event's lock before or after: it is never deleted under them.
    """
    event = await editable(uow, viewer, event_id)
    if event.cancelled_at is None:
        _refuse_participants(event)
    audit.note(
        uow, viewer, "event.delete", subject_type="Event", subject_id=event.id,
        before={"title": event.title, "status": event.status.value},
    )  # fmt: skip
    await uow.session.delete(event)
    await uow.session.flush()
    uow.record(EventDeleted(subject_id=event_id))
    return event_id


def day_is_over() -> ColumnElement[bool]:
    """Whether an event's last day has passed where it took place: then it belongs into the archive (S4-31)."""
    # An index narrows it down by the first condition; the zone decides.
    return and_(Event.ends_at <= func.now(), _local_day(Event.ends_at) < _local_day(func.now()))


def _local_day(moment: Any) -> ColumnElement[date]:
    return func.timezone(Event.time_zone, moment).cast(Date)


def _refuse_participants(event: Event) -> None:
    if event.taken:
        raise HasParticipants(path=("eventId",), count=event.taken)


def _audit_status(uow: UnitOfWork, viewer: Viewer, event: Event, wanted: EventStatus) -> None:
    audit.note(
        uow, viewer, "event.status.change", subject_type="Event", subject_id=event.id,
        before={"status": event.status.value}, after={"status": wanted.value},
    )  # fmt: skip
