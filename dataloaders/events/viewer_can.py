"""The columns that `viewerCan` needs from the database, for many rows at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from auth.rights import roles_at
from auth.viewer import Viewer
from dataloaders.booking.registrations import standing_of
from dataloaders.core.declarations import value
from models import (
    Event,
    EventHost,
    EventRevision,
    EventRole,
    ModerationItem,
    ModerationState,
    Registration,
    Review,
)


def other_organizers(user_id: Any, event: Any = Event) -> Any:
    """Whether an event has another organizer than this person."""
    others = select(EventHost.user_id).where(
        EventHost.event_id == event.id, EventHost.role == EventRole.ORGANIZER, EventHost.user_id != user_id
    )
    return others.correlate_except(EventHost).exists()


def has_crew() -> Any:
    """Whether an event has co-organizers or staff."""
    crew = select(EventHost.user_id).where(EventHost.event_id == Event.id, EventHost.role != EventRole.ORGANIZER)
    return crew.correlate_except(EventHost).exists()


def at_events(viewer: Viewer) -> Select[Any]:
    own = select(Registration.attendance).where(Registration.event_id == Event.id, Registration.user_id == viewer.id)
    reviewed = select(Review.id).where(Review.event_id == Event.id, Review.author_id == viewer.id)
    waiting = (
        select(EventRevision.id)
        .join(ModerationItem, ModerationItem.revision_id == EventRevision.id)
        .where(EventRevision.event_id == Event.id, ModerationItem.state == ModerationState.PENDING)
    )
    return select(
        Event.id,
        *roles_at(viewer),
        *standing_of(viewer),
        own.correlate(Event).scalar_subquery().label("attendance"),
        other_organizers(viewer.id).label("has_other_organizer"),
        has_crew().label("has_crew"),
        reviewed.correlate(Event).exists().label("has_reviewed"),
        waiting.correlate(Event).exists().label("has_pending_revision"),
    )


def roles(viewer: Viewer) -> Select[Any]:
    return select(Event.id, *roles_at(viewer))


by_event_id = value(key=Event.id, select=at_events)
roles_by_event_id = value(key=Event.id, select=roles)
