from __future__ import annotations

from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey, UpdatedAt


class ReviewStatus(Enum):
    PUBLISHED = "PUBLISHED"
    HIDDEN = "HIDDEN"
    """Taken down by a moderator: its author and moderators see it, and it does not count."""


class Review(Base):
    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("event_id", "author_id"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating_in_range"),
        Index(None, "event_id", "created_at", "id"),
        Index(None, "event_id", "rating", "created_at", "id"),
        Index("ix_reviews_hidden", "event_id", "created_at", "id", postgresql_where=text("status = 'HIDDEN'")),
        Index(None, "author_id", "created_at", "id"),
    )

    id: Mapped[PrimaryKey]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    rating: Mapped[int]
    text: Mapped[str | None] = mapped_column(String(5000))
    status: Mapped[ReviewStatus] = mapped_column(default=ReviewStatus.PUBLISHED)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class RatingCount(Base):
    """How many published reviews of an event give a rating. A trigger counts them."""

    __tablename__ = "rating_counts"
    __table_args__ = (CheckConstraint("number >= 0", name="number_not_negative"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    rating: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
