"""The life of an event: out in the open, cancelled, archived, gone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select, update

from auth.rights import acts_as_staff, is_trusted_with
from auth.viewer import Viewer
from database import UnitOfWork
from errors import ErrorCode, InvalidStatus, UserError, _, _n, check_text, refuse
from models import (
    TAKING_PART,
    DomainEvent,
    Event,
    EventHost,
    EventStatus,
    ModerationItem,
    ModerationState,
    NotificationType,
    Registration,
    Service,
    is_over,
    utcnow,
)
from resolvers.booking import availability
from resolvers.booking.locks import editable
from resolvers.booking.registrations import participant_ids
from resolvers.chat import members
from resolvers.core import audit
from resolvers.events import states
from resolvers.events.states import EventAction
from resolvers.notifications.notification_writing import withdraw_news
from resolvers.notifications.notifications import Notice, Recipients, notify_all, topic_of

check_reason = partial(check_text, maximum=1000, multiline=True)


class HasParticipants(UserError):
    code = ErrorCode.HAS_PARTICIPANTS
    message = _n(
        "{count} person has a place. Cancel first, so that they are notified.",
        "{count} people have a place. Cancel first, so that they are notified.",
        by="count",
    )


class AlreadyDecided(UserError):
    code = ErrorCode.ALREADY_DECIDED
    message = _("This is no longer waiting for a decision: “{status}”.")


class PeopleTookPart(HasParticipants):
    """A refusal instead of `HasParticipants` where it is too late to cancel."""

    message = _n(
        "{count} person took part, so this is kept for them.",
        "{count} people took part, so this is kept for them.",
        by="count",
    )


OF_PLACES = (NotificationType.REGISTRATION_CONFIRMED, NotificationType.EVENT_REACTIVATED)
"""Notifications about a place at an event, which cancelling the event makes untrue."""


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
    """Put an event out at once, or before a moderator, by who asks."""
    event = await editable(uow, viewer, event_id)
    is_trusted = await is_trusted_with(uow.session, viewer, event)
    if refusal := refusal_to_publish(event, is_trusted=is_trusted):
        raise refusal
    event.version += 1
    if await acts_as_staff(uow.session, viewer, event):
        audit_status(uow, viewer, event, EventStatus.PUBLISHED)
    if is_trusted:
        await withdraw_from_review(uow, event)
        await notify_all(uow, await go_out(uow, event, actor_id=viewer.id))
    else:
        submit(uow, viewer, event)
    await uow.session.flush()
    return event


def refusal_to_publish(event: Event, *, is_trusted: bool) -> UserError | None:
    """Return why an event cannot be published. One that waits for a moderator is published by trusted people only."""
    if refusal := states.refusal(event, EventAction.PUBLISH, "eventId"):
        return refusal
    if event.status is EventStatus.PENDING_REVIEW and not is_trusted:
        return InvalidStatus(path=("eventId",), status=event.status)
    return None


def submit(uow: UnitOfWork, viewer: Viewer, event: Event) -> None:
    """Put an event before the moderators."""
    event.status = EventStatus.PENDING_REVIEW
    uow.session.add(ModerationItem(event_id=event.id, submitted_by_id=viewer.require_user()))
    uow.record(EventSubmitted(subject_id=event.id))


async def go_out(uow: UnitOfWork, event: Event, *, actor_id: UUID | None) -> list[Notice]:
    """Let an event out. Answers whom that concerns: `notify_all` them at the end of the unit of work."""
    event.status, event.published_at = EventStatus.PUBLISHED, utcnow()
    uow.record(EventPublished(subject_id=event.id))
    people: Recipients = participant_ids(event.previous_id) if event.previous_id else []
    news, ends = NotificationType.EVENT_REPEATED, [topic_of(NotificationType.EVENT_REJECTED, event.id)]
    topic = topic_of(news, event.id)
    return [
        Notice(
            recipients=people,
            type=news,
            subject=event,
            actor_id=actor_id,
            topic=topic,
            is_quiet=True,
            ends=ends,
            object_id=event.id,
        )
    ]


async def _withdraw_repetition(uow: UnitOfWork, event: Event) -> None:
    """Withdraw the news that the event before is held again, unless it was."""
    if event.previous_id is not None and not states.is_event_over(event):
        await withdraw_news(uow, topic_of(NotificationType.EVENT_REPEATED, event.id))


async def withdraw_from_review(uow: UnitOfWork, *events: Event) -> None:
    """Withdraw these events, and changes of them, from the moderators' queue."""
    await uow.session.execute(
        update(ModerationItem)
        .where(
            ModerationItem.event_id.in_([event.id for event in events]), ModerationItem.state == ModerationState.PENDING
        )
        .values(state=ModerationState.WITHDRAWN)
    )


async def cancel(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, reason: str | None = None) -> Event:
    """Call an event off and tell everyone who has a place.

    Registrations and the chat stay as they were: people keep seeing what became of the event, and can talk.
    """
    event = await editable(uow, viewer, event_id)
    problems: list[UserError] = []
    reason = check_reason(problems, reason, "reason")
    refuse(problems)
    states.require(event, EventAction.CANCEL, "eventId")
    event.put_away_by_staff = await acts_as_staff(uow.session, viewer, event)
    await notify_all(uow, [await call_off(uow, viewer, event, reason=reason, actor_id=viewer.id)])
    return event


async def call_off(
    uow: UnitOfWork, viewer: Viewer, event: Event, *, reason: str | None, actor_id: UUID | None
) -> Notice:
    """Cancel a locked event. Answers what those who have a place are to be told, and by whom it was done."""
    audit_status(uow, viewer, event, EventStatus.CANCELLED)
    event.status, event.cancelled_at, event.cancel_reason = EventStatus.CANCELLED, utcnow(), reason
    event.version += 1
    await withdraw_from_review(uow, event)
    uow.record(EventCancelled(subject_id=event.id))
    await availability.announce(uow, event)
    services = await uow.session.scalars(select(Service.id).where(Service.event_id == event.id))
    return Notice(
        recipients=participant_ids(event.id),
        type=NotificationType.EVENT_CANCELLED,
        subject=event,
        actor_id=actor_id,
        params={"title": event.title, "reason": reason},
        topic=topic_of(NotificationType.EVENT_CANCELLED, event.id),
        ends=[
            topic_of(NotificationType.EVENT_REPEATED, event.id),
            topic_of(NotificationType.EVENT_CHANGED, event.id),
            *(topic_of(NotificationType.SERVICE_CHANGED, one) for one in services),
        ],
        ends_of_each=[topic_of(news, event.id) for news in OF_PLACES],
        object_id=event.id,
    )


async def archive(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID) -> Event:
    """Put an event away. One that people still wait for has to be cancelled before."""
    event = await editable(uow, viewer, event_id)
    if refusal := refusal_to_archive(event):
        raise refusal
    audit_status(uow, viewer, event, EventStatus.ARCHIVED)
    event.status, event.archived_at = EventStatus.ARCHIVED, utcnow()
    event.put_away_by_staff = event.put_away_by_staff or await acts_as_staff(uow.session, viewer, event)
    event.version += 1
    await withdraw_from_review(uow, event)
    uow.record(EventArchived(subject_id=event.id))
    await uow.session.flush()
    await _withdraw_repetition(uow, event)
    return event


def refusal_to_archive(event: Event) -> UserError | None:
    if refusal := states.refusal(event, EventAction.ARCHIVE, "eventId"):
        return refusal
    if event.taken and states.refusal(event, EventAction.CANCEL) is None:
        return HasParticipants(path=("eventId",), count=event.taken)
    return None


async def delete(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID) -> UUID:
    """Remove an event with all that hangs on it, unless people took part, or have places at it and were not told of
    its end.

    Whoever registers at the same time holds the event's lock before or after: it is never deleted under them.
    """
    event = await editable(uow, viewer, event_id)
    if refusal := refusal_to_delete(event):
        raise refusal
    audit.note(
        uow, viewer, "event.delete", subject_type="Event", subject_id=event.id,
        before={"title": event.title, "status": event.status.value},
    )  # fmt: skip
    if await uow.session.scalar(select(exists().where(Registration.event_id == event.id))):
        await _keep_as_record(uow, event)
    else:
        await uow.session.delete(event)
    await uow.session.flush()
    uow.record(EventDeleted(subject_id=event_id))
    await _withdraw_repetition(uow, event)
    return event_id


def refusal_to_delete(event: Event) -> UserError | None:
    if not event.taken or event.cancelled_at is not None:
        return None
    can_cancel = states.refusal(event, EventAction.CANCEL) is None
    return (HasParticipants if can_cancel else PeopleTookPart)(path=("eventId",), count=event.taken)


async def _keep_as_record(uow: UnitOfWork, event: Event) -> None:
    """Take an event from everyone but those who had registered for it, whose history it is a part of. Its hosts leave
    its chat.
    """
    await withdraw_from_review(uow, event)
    event.deleted_at = utcnow()
    if event.status is not EventStatus.CANCELLED:
        event.status, event.archived_at = EventStatus.ARCHIVED, event.archived_at or event.deleted_at
    event.version += 1
    await uow.session.flush()
    taking_part = select(Registration.user_id).where(
        Registration.event_id == event.id, Registration.admission.in_(TAKING_PART)
    )
    hosts = await uow.session.scalars(
        select(EventHost.user_id).where(EventHost.event_id == event.id, EventHost.user_id.not_in(taking_part))
    )
    await members.leave_event_chats(uow, event.id, hosts.all())


def day_is_over(now: Any) -> ColumnElement[bool]:
    """Whether an event's last day has passed where it took place: then it belongs into the archive."""
    # An index narrows it down by the first condition.
    return and_(is_over(Event.ends_at, now), Event.day_over_at <= now)


def audit_status(uow: UnitOfWork, viewer: Viewer, event: Event, wanted: EventStatus, **others: object) -> None:
    """Leave a trail of a change of status, and of other columns that change with it."""
    audit.note(
        uow, viewer, "event.status.change", subject_type="Event", subject_id=event.id,
        before=audit.snapshot(event, "status", *others), after={"status": wanted, **others},
    )  # fmt: skip
