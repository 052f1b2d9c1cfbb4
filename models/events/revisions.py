from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey


class EventRevision(Base):
    """A proposed change of an event that is or was published. A field that is null stays as it is.

    Its `ModerationItem` has the decision.
    """

    __tablename__ = "event_revisions"
    __table_args__ = (
        CheckConstraint(
            "reactivates OR removes_description OR num_nonnulls(title, description, venue_id, starts_at, ends_at) > 0",
            name="proposes_something",
        ),
        CheckConstraint("description IS NULL OR NOT removes_description", name="one_description"),
        Index(None, "event_id"),
    )

    id: Mapped[PrimaryKey]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    title: Mapped[str | None] = mapped_column(String(500))
    description: Mapped[str | None] = mapped_column(String(20000))
    removes_description: Mapped[bool] = mapped_column(default=False, server_default="false")
    venue_id: Mapped[UUID | None] = mapped_column(ForeignKey("venues.id"))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    moves_services: Mapped[bool] = mapped_column(default=False, server_default="false")
    reactivates: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Whether it brings back an event that was cancelled or archived."""
    created_at: Mapped[CreatedAt]
