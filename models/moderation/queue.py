from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey


class ModerationState(Enum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class ModerationItem(Base):
    """Something that waits for a moderator: an event that is to go out, or a revision of one that is out."""

    __tablename__ = "moderation_items"
    __table_args__ = (
        Index("uq_moderation_items_pending_event", "event_id", unique=True, postgresql_where=text("state = 'PENDING'")),
        Index(None, "state", "created_at", "id"),
    )

    id: Mapped[PrimaryKey]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    revision_id: Mapped[UUID | None] = mapped_column(ForeignKey("event_revisions.id", ondelete="CASCADE"), unique=True)
    """Null if the event itself waits."""
    state: Mapped[ModerationState] = mapped_column(default=ModerationState.PENDING)
    submitted_by_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(1000))
    created_at: Mapped[CreatedAt]
