from __future__ import annotations

from enum import Enum
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.clubs.membership import JoinPolicy
from models.core.base import Base, CreatedAt, PrimaryKey, UpdatedAt


class ClubKind(Enum):
    CLUB = "CLUB"
    GROUP = "GROUP"


class ClubVisibility(Enum):
    PUBLIC = "PUBLIC"
    UNLISTED = "UNLISTED"
    """Anyone with the link sees it; no list shows it."""
    PRIVATE = "PRIVATE"
    """Members only."""


class Club(Base):
    __tablename__ = "clubs"
    __table_args__ = (
        Index(None, "name_key", "id"),
        Index(None, "created_at", "id"),
        Index("ix_clubs_private", "id", postgresql_where=text("visibility = 'PRIVATE'")),
    )

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(String(5000))
    kind: Mapped[ClubKind] = mapped_column(default=ClubKind.CLUB)
    visibility: Mapped[ClubVisibility] = mapped_column(default=ClubVisibility.PUBLIC)
    join_policy: Mapped[JoinPolicy] = mapped_column(default=JoinPolicy.OPEN)
    version: Mapped[int] = mapped_column(default=1)
    member_count: Mapped[int] = mapped_column(default=0, server_default="0", deferred=True)
    """Active members. A trigger counts them; whoever changes a membership holds the lock of this row already."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    name_key: Mapped[str] = deferred(mapped_column(Text, Computed("left(name_key(name), 255)", persisted=True)))
    """The form by which clubs are sorted: the database sorts by code point."""


class ClubWords(Base):
    """The words by which a club is found: name, interests and description. Triggers write them."""

    __tablename__ = "club_words"
    __table_args__ = (Index(None, "words", postgresql_using="gin"),)

    club_id: Mapped[UUID] = mapped_column(ForeignKey("clubs.id", ondelete="CASCADE"), primary_key=True)
    words: Mapped[str] = mapped_column(TSVECTOR)


class ClubInterest(Base):
    __tablename__ = "club_interests"
    __table_args__ = (Index(None, "interest_id", "club_id"),)

    club_id: Mapped[UUID] = mapped_column(ForeignKey("clubs.id", ondelete="CASCADE"), primary_key=True)
    interest_id: Mapped[UUID] = mapped_column(ForeignKey("interests.id"), primary_key=True)
