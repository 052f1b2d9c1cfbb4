"""Reviews."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    false,
    or_,
    select,
)

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.events import events_readable_by
from models import (
    Event,
    Review,
    ReviewStatus,
)


def reviews_of_event(viewer: Viewer, event_id: Any, statuses: Collection[ReviewStatus] | None) -> list[Select[Review]]:
    """Return the reviews of one event in these statuses that are visible to someone, in parts. By default those are
    published ones and their own: of others' hidden ones not even moderators are shown any that they did not ask for.
    """
    readable = events_readable_by(viewer).where(Event.id == event_id).correlate_except(Event).exists()
    published, hidden = (select(Review).where(readable, Review.status == status) for status in ReviewStatus)
    own = [] if viewer.id is None else [hidden.where(Review.author_id == viewer.id)]
    if statuses is None:
        return [published, *own]
    parts = [published] if ReviewStatus.PUBLISHED in statuses else []
    if ReviewStatus.HIDDEN in statuses:
        parts += [hidden] if viewer.can(Permission.REVIEW_MODERATE) else own
    return parts or [select(Review).where(false())]


def reviews_visible_to(viewer: Viewer) -> Select[Review]:
    """Select published reviews of events that the viewer may read; hidden ones for their author and moderators."""
    readable = Review.event_id.in_(events_readable_by(viewer).with_only_columns(Event.id))
    statement = select(Review).where(readable)
    if viewer.can(Permission.REVIEW_MODERATE):
        return statement
    published: ColumnElement[bool] = Review.status == ReviewStatus.PUBLISHED
    if viewer.id is not None:
        published = or_(published, Review.author_id == viewer.id)
    return statement.where(published)
