"""Events: making, publishing and finding them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from auth.viewer import Viewer
from auth.visibility import events_listed_to, events_visible_to
from database import UnitOfWork
from dataloaders.pages import Key, Listing
from errors import NotFound, UserError, check_text, refuse
from models import DomainEvent, Event, EventCategory, EventHost, EventRole, EventStatus, Venue, utcnow

LIST_ORDER = (Key(Event.starts_at), Key(Event.id))


@dataclass(frozen=True, kw_only=True)
class EventCreated(DomainEvent):
    name: ClassVar[str] = "event.created"
    subject_type: ClassVar[str] = "Event"


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    title: str,
    category_id: UUID,
    venue_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    capacity: int | None = None,
) -> Event:
    """A draft, with its author as organiser."""
    author_id = viewer.require_user()
    problems: list[UserError] = []
    checked_title = check_text(problems, title, "title", maximum=500, required=True)
    venue = await uow.session.get(Venue, venue_id)
    if venue is None:
        problems.append(NotFound(path=("venueId",)))
    if await uow.session.get(EventCategory, category_id) is None:
        problems.append(NotFound(path=("categoryId",)))
    refuse(problems)
    assert checked_title and venue
    event = Event(
        title=checked_title,
        category_id=category_id,
        venue_id=venue.id,
        time_zone=venue.time_zone,
        starts_at=starts_at,
        ends_at=ends_at,
        capacity=capacity,
        created_by_id=author_id,
    )
    uow.session.add(event)
    await uow.session.flush()
    uow.session.add(EventHost(event_id=event.id, user_id=author_id, role=EventRole.ORGANIZER))
    uow.record(EventCreated(subject_id=event.id))
    return event


async def publish(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID) -> Event:
    event = await uow.session.scalar(events_visible_to(viewer).where(Event.id == event_id).with_for_update())
    if event is None:
        raise NotFound(path=("eventId",))
    event.status, event.published_at = EventStatus.PUBLISHED, utcnow()
    return event


def listing(viewer: Viewer) -> Listing:
    """The list of events, soonest first."""
    return Listing(events_listed_to(viewer), LIST_ORDER)
