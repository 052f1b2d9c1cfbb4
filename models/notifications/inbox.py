from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, BigInt, CreatedAt


class Inbox(Base):
    """Owner of a person's notification stream: `last_sequence` is given out under this row's lock."""

    __tablename__ = "inboxes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    last_sequence: Mapped[BigInt] = mapped_column(default=0, server_default="0")
    read_sequence: Mapped[BigInt] = mapped_column(default=0, server_default="0")
    """All up to here are read. Later ones that were read by themselves say so (`Notification.marked_at`)."""


class ReadMark(Base):
    """Somebody has read all of their notifications up to one, at once."""

    __tablename__ = "read_marks"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[BigInt] = mapped_column(primary_key=True)
    read_at: Mapped[CreatedAt]
