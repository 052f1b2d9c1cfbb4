from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, BigInt, CreatedAt


class AvailabilityChange(Base):
    """One entry of an event's availability stream: what was free after a committed change."""

    __tablename__ = "availability_changes"
    __table_args__ = (Index(None, "occurred_at"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[BigInt] = mapped_column(primary_key=True)
    capacity: Mapped[int | None]
    taken: Mapped[int]
    services: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    """`[{"id", "capacity", "taken", "cancelled"}]`, in order of start."""
    occurred_at: Mapped[CreatedAt]
