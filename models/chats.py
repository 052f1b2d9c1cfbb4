from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, CreatedAt, PrimaryKey


class ChatKind(Enum):
    DIRECT = "DIRECT"
    GROUP = "GROUP"
    EVENT = "EVENT"
    CLUB = "CLUB"
    SUPPORT = "SUPPORT"
    PARTNER = "PARTNER"


class Chat(Base):
    """`last_sequence` is given out under this row's lock: commit order is sequence order, without holes."""

    __tablename__ = "chats"
    __table_args__ = (
        CheckConstraint("(kind = 'EVENT') = (event_id IS NOT NULL)", name="event_kind_has_event"),
        CheckConstraint("(kind = 'CLUB') = (club_id IS NOT NULL)", name="club_kind_has_club"),
        CheckConstraint("(kind = 'DIRECT') = (direct_key IS NOT NULL)", name="direct_kind_has_pair"),
    )

    id: Mapped[PrimaryKey]
    kind: Mapped[ChatKind]
    title: Mapped[str | None] = mapped_column(String(255))
    event_id: Mapped[UUID | None] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), unique=True)
    club_id: Mapped[UUID | None] = mapped_column(ForeignKey("clubs.id", ondelete="CASCADE"), unique=True)
    direct_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    """Both user ids, the smaller first: one DIRECT chat for a pair."""
    last_sequence: Mapped[BigInt] = mapped_column(default=0, server_default="0")
    last_message_at: Mapped[CreatedAt]
    """Of the last message; of the chat's making while there is none."""
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]


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
    """Never moves back (S3-29)."""
    watching_until: Mapped[datetime | None]
    """Kept ahead of the clock while a live subscription of this member is open: no notice is needed then."""


class Message(Base):
    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("chat_id", "sequence"),
        UniqueConstraint("chat_id", "author_id", "client_message_id"),
    )

    id: Mapped[PrimaryKey]
    chat_id: Mapped[UUID] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"))
    sequence: Mapped[BigInt]
    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    body: Mapped[str] = mapped_column(String(10000))
    client_message_id: Mapped[str] = mapped_column(String(100))
    sent_at: Mapped[CreatedAt]
