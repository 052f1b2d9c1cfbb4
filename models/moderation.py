from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, CreatedAt, PrimaryKey


class ModerationState(Enum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class EventRevision(Base):
    """What someone proposes to change of an event that is out, or was. What is null stays as it is.

    Its `ModerationItem` says what became of it.
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
    """Null where the event itself waits."""
    state: Mapped[ModerationState] = mapped_column(default=ModerationState.PENDING)
    submitted_by_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(1000))
    created_at: Mapped[CreatedAt]


class AuditEntry(Base):
    """What staff changed, before and after, written in the same transaction."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "subject_type", "subject_id"), Index(None, "created_at"))

    id: Mapped[PrimaryKey]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(60))
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    before: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    after: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[CreatedAt]
