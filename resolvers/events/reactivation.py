"""Bringing back what was cancelled or archived. `docs/event-states.md` has the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import select

from auth.rights import acts_as_staff, is_trusted_with
from auth.viewer import Viewer
from database import UnitOfWork
from errors import UserError, _, refuse
from models import (
    DomainEvent,
    Event,
    EventHost,
    EventInterest,
    EventRevision,
    EventStatus,
    NotificationType,
    Service,
    uuid7,
)
from resolvers.booking import availability, service_news
from resolvers.booking.locks import editable
from resolvers.booking.putting_out import end_places_of_gone
from resolvers.booking.registrations import participant_ids
from resolvers.booking.service_news import Times
from resolvers.chat import members
from resolvers.clubs.clubs import share_of_event
from resolvers.core import audit
from resolvers.core.moments import in_utc
from resolvers.events import revisions, service_times, states
from resolvers.events.creation import EventCreated
from resolvers.events.lifecycle import audit_status, go_out, submit, withdraw_from_review
from resolvers.events.service_times import Move
from resolvers.events.states import EventAction, is_event_over
from resolvers.events.validation import EventChanges, EventInPast, check_times
from resolvers.notifications.notifications import Notice, notify_all, topic_of
from resolvers.people import interests


class NewDateNeeded(EventInPast):
    message = _("The event is over: give it a new date.")


@dataclass(frozen=True, kw_only=True)
class EventReactivated(DomainEvent):
    name: ClassVar[str] = "event.reactivated"
    subject_type: ClassVar[str] = "Event"


@dataclass(frozen=True)
class Reactivated:
    """The outcome of a reactivation."""

    event: Event
    revision: EventRevision | None = None
    """The revision that waits for a moderator. Until a decision the event stays as it is."""


@dataclass(frozen=True)
class ReactivationPlan:
    starts_at: datetime
    ends_at: datetime
    moved: Mapping[UUID, Times]
    """New times of the services."""

    def differs_from(self, event: Event) -> bool:
        return (self.starts_at, self.ends_at) != (event.starts_at, event.ends_at)

    def is_as_approved(self, event: Event) -> bool:
        """Whether a moderator would have nothing new to look at."""
        return not self.differs_from(event) and not event.put_away_by_staff


async def reactivate(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    event_id: UUID,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Reactivated:
    """Bring an event back as it was before: out in the open, or a draft if it never was. What is over needs a new date.

    Who holds a place keeps it and is told. Another date, and what staff had put away, waits for a moderator unless the
    viewer is trusted with the event. An event that took place is history of those who were there: it stays, and a new
    event is made like it.
    """
    await share_of_event(uow, event_id)
    event = await editable(uow, viewer, event_id)
    states.require(event, EventAction.REACTIVATE, "eventId")
    plan = await _check(uow, event, starts_at, ends_at)
    was_out = event.published_at is not None
    if states.took_place(event):
        return Reactivated(await _hold_again(uow, viewer, event, plan))
    if was_out and not plan.is_as_approved(event) and not await is_trusted_with(uow.session, viewer, event):
        return Reactivated(event, await _propose(uow, viewer, event, plan))
    await withdraw_from_review(uow, event)
    dates = {"starts_at": plan.starts_at, "ends_at": plan.ends_at}
    audit_status(uow, viewer, event, _status_after(event), **dates)
    await notify_all(uow, await _bring_back(uow, viewer, event, plan, actor_id=viewer.id))
    return Reactivated(event)


async def _propose(uow: UnitOfWork, viewer: Viewer, event: Event, plan: ReactivationPlan) -> EventRevision | None:
    """Ask a moderator, in the place of what waits already."""
    before = await revisions.pending(uow, event)
    dates = EventChanges(starts_at=plan.starts_at, ends_at=plan.ends_at)
    revision = await revisions.propose(uow, viewer, event, dates, moves_services=True, reactivates=True)
    if revision is not before:
        event.version += 1
    return revision


async def approve(
    uow: UnitOfWork, viewer: Viewer, event: Event, revision: EventRevision, *, author_id: UUID
) -> list[Notice]:
    """Bring an event back as was proposed, if it still can be."""
    states.require(event, EventAction.REACTIVATE)
    plan = await _check(uow, event, revision.starts_at or event.starts_at, revision.ends_at or event.ends_at)
    return await _bring_back(uow, viewer, event, plan, actor_id=author_id)


async def _check(
    uow: UnitOfWork, event: Event, starts_at: datetime | None, ends_at: datetime | None
) -> ReactivationPlan:
    """Check the new times. An end that is not given moves along with the start, as services do."""
    problems: list[UserError] = []
    start, end = starts_at or event.starts_at, ends_at or event.ends_at
    is_same = (start, end) == (event.starts_at, event.ends_at)
    if is_same and is_event_over(event):
        raise NewDateNeeded(path=("startsAt",))
    if ends_at is None and check_times([], start, start, unchanged=True):
        move = Move.of(event, starts_at=start, time_zone=event.time_zone)
        end = move.times(event.starts_at, event.ends_at)[1] if move else end
    moved: Mapping[UUID, Times] = {}
    if check_times(problems, start, end, unchanged=is_same):
        start, end = in_utc(start), in_utc(end)
        move = Move.of(event, starts_at=start, time_zone=event.time_zone)
        moved = await service_times.check(uow, problems, event, start, end, move=move)
    refuse(problems)
    return ReactivationPlan(start, end, moved)


def _status_after(event: Event) -> EventStatus:
    return EventStatus.DRAFT if event.published_at is None else EventStatus.PUBLISHED


async def _bring_back(
    uow: UnitOfWork, viewer: Viewer, event: Event, plan: ReactivationPlan, *, actor_id: UUID | None
) -> list[Notice]:
    """Answers whom that concerns."""
    wanted, ends = _status_after(event), [topic_of(NotificationType.EVENT_CANCELLED, event.id)]
    if not plan.is_as_approved(event):
        ends.append(topic_of(NotificationType.EVENT_CHANGE_REJECTED, event.id))
    event.cancelled_at = event.cancel_reason = event.archived_at = None
    event.put_away_by_staff = False
    if plan.differs_from(event):
        event.completed_at = None
    was_over = is_event_over(event)
    event.starts_at, event.ends_at = plan.starts_at, plan.ends_at
    former = await service_times.write(uow, plan.moved)
    notices = await end_places_of_gone(uow, event, actor_id=viewer.require_user()) if was_over else []
    if wanted is EventStatus.PUBLISHED:
        notices += await go_out(uow, event, actor_id=actor_id)
        news = NotificationType.EVENT_REACTIVATED
        topic = topic_of(news, event.id)
        notices.append(
            Notice(
                recipients=participant_ids(event.id),
                type=news,
                subject=event,
                actor_id=actor_id,
                topic=topic,
                is_of_each=True,
                ends=ends,
                object_id=event.id,
            )
        )
        zone = event.time_zone
        notices += await service_news.moved(uow, event, former, actor_id=actor_id, former_zone=zone)
    event.status = wanted
    event.version += 1
    uow.record(EventReactivated(subject_id=event.id))
    await availability.announce(uow, event)
    return notices


COPIED = (
    "title", "description", "visibility", "category_id", "club_id", "venue_id", "time_zone", "capacity",
    "price_amount", "price_currency", "created_by_id",
)  # fmt: skip
"""Columns that an event which is held again takes from the one before."""
COPIED_OF_SERVICE = ("service_type_id", "capacity", "window_days", "staff_person_id")


async def _hold_again(uow: UnitOfWork, viewer: Viewer, held: Event, plan: ReactivationPlan) -> Event:
    """Write a new event like one that took place, with its hosts and services, and without registrations."""
    event = Event(
        id=uuid7(),
        **{name: getattr(held, name) for name in COPIED},
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        previous_id=held.id,
        status=EventStatus.DRAFT,
    )
    uow.session.add(event)
    await uow.session.flush()
    hosts = (await uow.session.scalars(select(EventHost).where(EventHost.event_id == held.id))).all()
    uow.session.add_all(EventHost(event_id=event.id, user_id=one.user_id, role=one.role) for one in hosts)
    uow.session.add_all(await _services(uow, held, event, plan))
    chosen = select(EventInterest.interest_id).where(EventInterest.event_id == held.id)
    await interests.replace(uow, EventInterest, "event_id", event.id, list(await uow.session.scalars(chosen)))
    uow.record(EventCreated(subject_id=event.id))
    await members.create_for_event(uow, event, [one.user_id for one in hosts])
    notices: list[Notice] = []
    if await is_trusted_with(uow.session, viewer, event):
        notices = await go_out(uow, event, actor_id=viewer.id)
    else:
        submit(uow, viewer, event)
    if await acts_as_staff(uow.session, viewer, held):
        audit.note(
            uow, viewer, "event.hold_again", subject_type="Event", subject_id=event.id,
            after={"previous_id": held.id, "status": event.status, "starts_at": event.starts_at},
        )  # fmt: skip
    await uow.session.flush()
    await notify_all(uow, notices)
    return event


async def _services(uow: UnitOfWork, held: Event, event: Event, plan: ReactivationPlan) -> Sequence[Service]:
    """Copy the services that were not cancelled, at their new times."""
    found = await uow.session.scalars(
        select(Service).where(Service.event_id == held.id, Service.cancelled_at.is_(None))
    )
    return [
        Service(
            event_id=event.id,
            starts_at=start,
            ends_at=end,
            **{name: getattr(one, name) for name in COPIED_OF_SERVICE},
        )
        for one in found
        for start, end in [plan.moved.get(one.id, (one.starts_at, one.ends_at))]
    ]
