from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.base import Base, CreatedAt, PrimaryKey, UpdatedAt


class ClubKind(Enum):
    CLUB = "CLUB"
    GROUP = "GROUP"


class ClubVisibility(Enum):
    PUBLIC = "PUBLIC"
    UNLISTED = "UNLISTED"
    """Anyone with the link sees it; no list shows it."""
    PRIVATE = "PRIVATE"
    """Members only."""


class JoinPolicy(Enum):
    OPEN = "OPEN"
    APPROVAL = "APPROVAL"
    INVITE_ONLY = "INVITE_ONLY"


class ClubRole(Enum):
    """Weakest first."""

    MEMBER = "MEMBER"
    MODERATOR = "MODERATOR"
    ADMIN = "ADMIN"
    OWNER = "OWNER"


class MembershipState(Enum):
    INVITED = "INVITED"
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    REJECTED = "REJECTED"
    """A request was declined. One may ask again."""
    LEFT = "LEFT"
    BANNED = "BANNED"
    """Put out. Nothing that the person does leads out of it: only its end, or a host who lifts it."""


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
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    name_key: Mapped[str] = deferred(mapped_column(Text, Computed("left(name_key(name), 255)", persisted=True)))
    """The form by which clubs are sorted: the database sorts by code point."""


class ClubWords(Base):
    """What a club is found by: name, interests and description. Triggers write it."""

    __tablename__ = "club_words"
    __table_args__ = (Index(None, "words", postgresql_using="gin"),)

    club_id: Mapped[UUID] = mapped_column(ForeignKey("clubs.id", ondelete="CASCADE"), primary_key=True)
    words: Mapped[str] = mapped_column(TSVECTOR)


class ClubInterest(Base):
    __tablename__ = "club_interests"
    __table_args__ = (Index(None, "interest_id", "club_id"),)

    club_id: Mapped[UUID] = mapped_column(ForeignKey("clubs.id", ondelete="CASCADE"), primary_key=True)
    interest_id: Mapped[UUID] = mapped_column(ForeignKey("interests.id"), primary_key=True)


class ClubMembership(Base):
    """Role and state are two things: someone who left and returns is the same row."""

    __tablename__ = "club_memberships"
    __table_args__ = (
        UniqueConstraint("club_id", "user_id"),
        Index(None, "user_id", "state"),
        CheckConstraint(
            "state = 'BANNED' OR (ban_reason IS NULL AND banned_until IS NULL)", name="ban_belongs_to_its_state"
        ),
    )

    id: Mapped[PrimaryKey]
    club_id: Mapped[UUID] = mapped_column(ForeignKey("clubs.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    role: Mapped[ClubRole] = mapped_column(default=ClubRole.MEMBER)
    state: Mapped[MembershipState]
    joined_at: Mapped[datetime | None]
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    ban_reason: Mapped[str | None] = mapped_column(String(1000))
    banned_until: Mapped[datetime | None]
    """Null in the state BANNED means until a host lifts it."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    def is_banned_at(self, moment: datetime) -> bool:
        """Whether the person is put out now. The function `event_entry` of the database says the same."""
        return self.state is MembershipState.BANNED and (self.banned_until is None or moment < self.banned_until)
