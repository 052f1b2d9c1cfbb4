from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, BigInt, CreatedAt


class ChatMember(Base):
    """A member sees the messages after `joined_sequence`, and up to `left_sequence` once they left."""

    __tablename__ = "chat_members"
    __table_args__ = (
        Index(None, "user_id", "chat_id"),
        # Who is to be told of the next message.
        Index(
            "ix_chat_members_to_tell", "chat_id", "user_id", postgresql_where=text("NOT is_told AND left_at IS NULL")
        ),
        # Where somebody has been told.
        Index("ix_chat_members_told", "user_id", "chat_id", postgresql_where=text("is_told")),
        Index(None, "chat_id", "joined_at", "user_id", postgresql_where=text("left_at IS NULL")),
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
    is_told: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Whether the member was told of a message, and has not looked since: they are not told of the next one."""
