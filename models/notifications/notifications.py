from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, String, UniqueConstraint, and_, func, select, text
from sqlalchemy.orm import Mapped, column_property, mapped_column

from models.core.base import Base, BigInt, CreatedAt, PrimaryKey
from models.notifications.inbox import Inbox, ReadMark


class NotificationType(Enum):
    REGISTRATION_CONFIRMED = "REGISTRATION_CONFIRMED"
    REGISTRATION_CANCELLED = "REGISTRATION_CANCELLED"
    BOOKING_CANCELLED = "BOOKING_CANCELLED"
    """Somebody else cancelled a booking, and the person keeps other places at the event."""
    REGISTRATION_REMOVED = "REGISTRATION_REMOVED"
    """The person was removed from an event."""
    REGISTRATION_BAN_LIFTED = "REGISTRATION_BAN_LIFTED"
    PARTICIPANT_JOINED = "PARTICIPANT_JOINED"
    """Sent to the organizers."""
    EVENT_CHANGED = "EVENT_CHANGED"
    EVENT_CANCELLED = "EVENT_CANCELLED"
    EVENT_REACTIVATED = "EVENT_REACTIVATED"
    """An event at which the person holds a place takes place after all."""
    EVENT_REPEATED = "EVENT_REPEATED"
    """An event in which the person took part is held again."""
    SERVICE_CHANGED = "SERVICE_CHANGED"
    SERVICE_CANCELLED = "SERVICE_CANCELLED"
    EVENT_APPROVED = "EVENT_APPROVED"
    EVENT_REJECTED = "EVENT_REJECTED"
    EVENT_CHANGE_APPROVED = "EVENT_CHANGE_APPROVED"
    """The person's change of a published event was approved."""
    EVENT_CHANGE_REJECTED = "EVENT_CHANGE_REJECTED"
    EVENT_ROLE_GIVEN = "EVENT_ROLE_GIVEN"
    EVENT_ROLE_TAKEN = "EVENT_ROLE_TAKEN"
    CLUB_JOIN_REQUESTED = "CLUB_JOIN_REQUESTED"
    """Sent to members who may approve."""
    CLUB_JOIN_APPROVED = "CLUB_JOIN_APPROVED"
    CLUB_JOIN_REJECTED = "CLUB_JOIN_REJECTED"
    CLUB_INVITATION = "CLUB_INVITATION"
    CLUB_MEMBER_REMOVED = "CLUB_MEMBER_REMOVED"
    """The person was removed from a club."""
    CLUB_BAN_LIFTED = "CLUB_BAN_LIFTED"
    NEW_MESSAGE = "NEW_MESSAGE"


class Notification(Base):
    """Kept as type and parameters; title and body are put into words when read, in the reader's language."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("user_id", "sequence"),
        Index(None, "user_id", "type", "sequence"),
        Index(None, "user_id", "sequence", postgresql_where=text("read_at IS NULL")),
        Index(
            "ix_notifications_read_by_themselves", "user_id", "sequence", postgresql_where=text("read_at IS NOT NULL")
        ),
        Index(None, "topic", "user_id", postgresql_where=text("topic IS NOT NULL")),
        Index(None, "actor_id", postgresql_where=text("actor_id IS NOT NULL")),
        # Who has been told of a chat, and has not looked since.
        Index(None, "subject_id", "user_id", postgresql_where=text("read_at IS NULL AND type = 'NEW_MESSAGE'")),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    sequence: Mapped[BigInt]
    type: Mapped[NotificationType]
    subject_type: Mapped[str | None] = mapped_column(String(40))
    """GraphQL type of what it is about: Event, Service, Club, Chat."""
    subject_id: Mapped[UUID | None]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    params: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    topic: Mapped[str | None] = mapped_column(String(100))
    """The topic of news that may repeat: within a day it is one notification, which is updated."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime | None]
    marked_at: Mapped[datetime | None] = mapped_column("read_at")
    """When it was read by itself. What was read with all others has a `ReadMark`."""
    if TYPE_CHECKING:
        read_at: Mapped[datetime | None]
        """When it was first read, in whichever way."""


def _first_read() -> ColumnElement[Any]:
    own = Notification.__table__.c
    mark = select(ReadMark.read_at).where(ReadMark.user_id == own.user_id, ReadMark.sequence >= own.sequence)
    first = mark.order_by(ReadMark.sequence).limit(1).correlate(Notification.__table__).scalar_subquery()
    return func.least(own.read_at, first, type_=own.read_at.type)


Notification.read_at = column_property(_first_read())


def is_unread(read_sequence: Any = None) -> ColumnElement[bool]:
    """Whether a notification is unread. `read_sequence` is that of its inbox, where it is the same for all."""
    if read_sequence is None:
        read_sequence = select(Inbox.read_sequence).where(Inbox.user_id == Notification.user_id).scalar_subquery()
    return and_(Notification.marked_at.is_(None), Notification.sequence > func.coalesce(read_sequence, 0))
