from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, BigInt, CreatedAt


class ChatMember(Base):
    """A member sees the messages after `joined_sequence`, and up to `left_sequence` once they left."""

    __tablename__ = "chat_members"
    __table_args__ = (
        Index(None, "user_id", "chat_id"),
        CheckConstraint("(left_at IS NULL) = (left_sequence IS NULL)", name="leaving_is_whole"),
    )

    chat_id: Mapped[UUID] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    joined_at: Mapped[CreatedAt]
    joined_sequence: Mapped[BigInt] = mapped_column(default=0, server_default="0")
    left_at: Mapped[datetime | None]
    left_sequence: Mapped[BigInt | None]
    read_sequence: Mapped[BigInt] = mapped_column(default=0, server_default="0")
    """Never moves back."""
    watching_until: Mapped[datetime | None]
    """Kept ahead of the clock while a live subscription of this member is open: no notice is needed then."""
