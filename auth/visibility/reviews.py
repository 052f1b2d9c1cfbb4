"""Reviews."""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Select,
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
