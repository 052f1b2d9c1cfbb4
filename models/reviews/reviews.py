from __future__ import annotations

from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
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
