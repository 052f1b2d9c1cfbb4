from __future__ import annotations

from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, BigInt, CreatedAt, PrimaryKey


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
        Index(None, "last_message_at", "id"),
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
    """The time of the last message, or of the chat's creation while there is none."""
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
