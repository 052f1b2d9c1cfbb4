from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, Numeric, Select, case, exists, func, or_, select

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.events import events_readable_by
from auth.visibility.reviews import reviews_of_event, reviews_visible_to
from dataloaders.core.declarations import Value, one, pages, value
from dataloaders.core.filter_conditions import among
from dataloaders.core.keyset_pages import Key
from models import Event, RatingCount, Review, ReviewStatus

RATINGS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class NoRatings:
    """The summary of an event that nobody has reviewed."""

    average: None = None
    total: int = 0
    of_1: int = 0
    of_2: int = 0
    of_3: int = 0
    of_4: int = 0
    of_5: int = 0


@dataclass(frozen=True)
class Unfiltered:
    """The filter of a list that is asked for without one."""

    ratings: None = None
    statuses: None = None


def own_reviews(viewer: Viewer) -> Select[Review]:
    return select(Review).where(Review.author_id == viewer.id)


def narrowed(statement: Select[Any], viewer: Viewer, filter: Any) -> Select[Any]:
    """Narrow reviews. Moderators get hidden reviews of others only if they ask for them."""
    if filter.statuses is None and viewer.can(Permission.REVIEW_MODERATE):
        statement = statement.where(or_(Review.status == ReviewStatus.PUBLISHED, Review.author_id == viewer.id))
    return statement.where(*among(Review.status, filter.statuses), *among(Review.rating, filter.ratings))


def in_parts(viewer: Viewer, event_id: Any, filter: Any) -> list[Select[Review]]:
    """Return the visible reviews of an event, each wanted rating by itself: an index has those in the list's order."""
    parts = reviews_of_event(viewer, event_id, filter.statuses)
    if filter.ratings is None:
        return parts
    return [part.where(Review.rating == rating) for part in parts for rating in dict.fromkeys(filter.ratings)]


def ratings(_viewer: Viewer) -> Select[Any]:
    """Average, number and number of each rating, of published reviews only."""
    total = func.sum(RatingCount.number)
    stars = func.sum(RatingCount.rating * RatingCount.number)
    each = [
        func.coalesce(func.sum(RatingCount.number).filter(RatingCount.rating == rating), 0).label(f"of_{rating}")
        for rating in RATINGS
    ]
    return (
        select(
            RatingCount.event_id,
            (stars.cast(Numeric) / total).cast(Float).label("average"),
            total.label("total"),
            *each,
        )
        .group_by(RatingCount.event_id)
        .having(total > 0)
    )


def review_counts(viewer: Viewer) -> Select[Any]:
    """How many reviews of an event are shown by default: all published ones, and one's own."""
    published = select(func.sum(RatingCount.number)).where(RatingCount.event_id == Event.id)
    number: Any = func.coalesce(published.correlate(Event).scalar_subquery(), 0)
    if viewer.id is not None:
        own = exists().where(
            Review.event_id == Event.id, Review.author_id == viewer.id, Review.status == ReviewStatus.HIDDEN
        )
        number += case((own.correlate(Event), 1), else_=0)
    return events_readable_by(viewer).with_only_columns(Event.id, number)


def kept_count(_viewer: Viewer, filter: Any) -> Value | None:
    return count_by_event_id if filter.ratings is None and filter.statuses is None else None


NEWEST_FIRST = [Key(Review.created_at, descending=True), Key(Review.id, descending=True)]
by_id = one(Review, key=Review.id, select=reviews_visible_to)
count_by_event_id = value(key=Event.id, select=review_counts, default=0)
by_event_id = pages(
    Review,
    key=Review.event_id,
    select=reviews_visible_to,
    parts=in_parts,
    kept_count=kept_count,
    order_by=NEWEST_FIRST,
    filter=narrowed,
    typical=5,
)
by_author_id = pages(
    Review, key=Review.author_id, select=own_reviews, order_by=NEWEST_FIRST, filter=narrowed, typical=5
)
own_by_event_id = one(Review, key=Review.event_id, select=own_reviews)
summary_by_event_id = value(key=RatingCount.event_id, select=ratings, default=NoRatings())
