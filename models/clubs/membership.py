from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey, UpdatedAt
from models.people.privacy import Audience


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


class ClubMembership(Base):
    """Role and state are two things: someone who left and returns is the same row."""

    __tablename__ = "club_memberships"
    __table_args__ = (
        UniqueConstraint("club_id", "user_id"),
        Index(None, "user_id", "state"),
        Index(None, "club_id", "state", "created_at", "id"),
        # Members by who may know of them, and those who run the club.
        Index(
            None,
            "club_id",
            "shown_to",
            "created_at",
            "id",
            postgresql_where=text("state = 'ACTIVE' AND role = 'MEMBER'"),
        ),
        Index(
            "ix_club_memberships_running",
            "club_id",
            "created_at",
            "id",
            postgresql_where=text("state = 'ACTIVE' AND role <> 'MEMBER'"),
        ),
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
    """The end of a ban. Null in the state BANNED means until a host lifts it."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    shown_to: Mapped[Audience | None] = mapped_column(deferred=True)
    """Who may know of the membership beside fellow members: the audience of the field `clubs` of the person's profile.
    Triggers keep it while the person is a member.
    """

    def is_banned_at(self, moment: datetime) -> bool:
        """Whether the person is put out now. The function `event_entry` of the database says the same."""
        return self.state is MembershipState.BANNED and (self.banned_until is None or moment < self.banned_until)
