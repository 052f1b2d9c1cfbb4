from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Float, Select, func, or_, select

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.reviews import reviews_visible_to
from dataloaders.core.declarations import one, pages, value
from dataloaders.core.filter_conditions import among
from dataloaders.core.keyset_pages import Key
from models import Review, ReviewStatus

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


def ratings(_viewer: Viewer) -> Select[Any]:
    """Average, number and number of each rating, of published reviews only."""
    each = [func.count().filter(Review.rating == rating).label(f"of_{rating}") for rating in RATINGS]
    return (
        select(
            Review.event_id,
            func.avg(Review.rating).cast(Float).label("average"),
            func.count().label("total"),
            *each,
        )
        .where(Review.status == ReviewStatus.PUBLISHED)
        .group_by(Review.event_id)
    )


NEWEST_FIRST = [Key(Review.created_at, descending=True), Key(Review.id, descending=True)]
by_id = one(Review, key=Review.id, select=reviews_visible_to)
by_event_id = pages(
    Review,
    key=Review.event_id,
    select=reviews_visible_to,
    order_by=NEWEST_FIRST,
    filter=narrowed,
    typical=5,
)
by_author_id = pages(
    Review, key=Review.author_id, select=own_reviews, order_by=NEWEST_FIRST, filter=narrowed, typical=5
)
own_by_event_id = one(Review, key=Review.event_id, select=own_reviews)
summary_by_event_id = value(key=Review.event_id, select=ratings, default=NoRatings())
