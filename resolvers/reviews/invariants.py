"""What must hold of ratings and their counts."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, func, select

from models import RatingCount, Review, ReviewStatus
from resolvers.core.invariants import declare, found


def _miscounted() -> Select[UUID, str]:
    """Select events whose counts differ from their published reviews."""
    reviews = (
        select(Review.event_id, Review.rating, func.count().label("number"))
        .where(Review.status == ReviewStatus.PUBLISHED)
        .group_by(Review.event_id, Review.rating)
        .subquery()
    )
    same = (reviews.c.event_id == RatingCount.event_id) & (reviews.c.rating == RatingCount.rating)
    kept, real = func.coalesce(RatingCount.number, 0), func.coalesce(reviews.c.number, 0)
    event_id = func.coalesce(RatingCount.event_id, reviews.c.event_id)
    return (
        select(event_id, found(kept=kept, reviews=real))
        .select_from(RatingCount)
        .join(reviews, same, full=True)
        .where(kept != real)
    )


declare({"ratings are counted": _miscounted()})
