from __future__ import annotations

from enum import Enum
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt


class EventRole(Enum):
    ORGANIZER = "ORGANIZER"
    CO_ORGANIZER = "CO_ORGANIZER"
    STAFF = "STAFF"


class EventHost(Base):
    """Someone with a role at an event."""

    __tablename__ = "event_hosts"
    __table_args__ = (Index(None, "user_id", "event_id"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[EventRole]
    created_at: Mapped[CreatedAt]
