from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, overload
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Numeric,
    SQLColumnExpression,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.core.base import Base, BigInt, CreatedAt, PrimaryKey, UpdatedAt


class EventStatus(Enum):
    DRAFT = "DRAFT"
    PENDING_REVIEW = "PENDING_REVIEW"
    PUBLISHED = "PUBLISHED"
    CANCELLED = "CANCELLED"
    ARCHIVED = "ARCHIVED"


class EventTiming(Enum):
    """The relation of an event's time to the present moment. Derived from the clock, never stored."""

    UPCOMING = "UPCOMING"
    ONGOING = "ONGOING"
    PAST = "PAST"


@overload
def has_begun(starts_at: datetime, moment: datetime) -> bool: ...
@overload
def has_begun(starts_at: SQLColumnExpression[datetime], moment: Any) -> ColumnElement[bool]: ...
def has_begun(starts_at: Any, moment: Any) -> Any:
    """Whether something that starts then has begun at a moment. For a column this is a condition."""
    return starts_at <= moment


@overload
def is_over(ends_at: datetime, moment: datetime) -> bool: ...
@overload
def is_over(ends_at: SQLColumnExpression[datetime], moment: Any) -> ColumnElement[bool]: ...
def is_over(ends_at: Any, moment: Any) -> Any:
    """Whether something that ends then is over at a moment, which the end itself is. As `has_begun`."""
    return ends_at <= moment


def timing_of(starts_at: datetime, ends_at: datetime, moment: datetime) -> EventTiming:
    """Where something that starts and ends then stands at a moment."""
    if not has_begun(starts_at, moment):
        return EventTiming.UPCOMING
    return EventTiming.PAST if is_over(ends_at, moment) else EventTiming.ONGOING


class EventVisibility(Enum):
    PUBLIC = "PUBLIC"
    UNLISTED = "UNLISTED"
    """Anyone with the link sees it; no list shows it."""
    CLUB = "CLUB"
    """Members of its club only."""


class PaymentPolicy(Enum):
    """The way an event is paid for. Derived from its price."""

    FREE = "FREE"
    AT_THE_DOOR = "AT_THE_DOOR"


class Event(Base):
    """One dated happening.

    `taken` counts the distinct people who hold a place and is written by a trigger on `registrations` alone;
    the check on it is what makes an oversell impossible in the database itself (`docs/domain.md`, "Capacity", rule 5).
    """

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("capacity IS NULL OR capacity >= 1", name="capacity_is_positive"),
        CheckConstraint("taken >= 0 AND (capacity IS NULL OR taken <= capacity)", name="taken_within_capacity"),
        CheckConstraint("ends_at >= starts_at", name="ends_after_start"),
        CheckConstraint("price_amount >= 0", name="price_is_not_negative"),
        # Whatever asks whether an event is open need not ask whether it was deleted.
        CheckConstraint("deleted_at IS NULL OR status IN ('CANCELLED', 'ARCHIVED')", name="deleted_is_closed"),
        CheckConstraint("visibility <> 'CLUB' OR club_id IS NOT NULL", name="club_visibility_has_club"),
        Index(None, "starts_at", "id"),
        # Lists begin with the oldest that is not put away: they need not walk past years of archive.
        Index("ix_events_open", "starts_at", "id", postgresql_where=text("status <> 'ARCHIVED'")),
        Index("ix_events_deleted", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        Index(None, "created_at", "id"),
        Index(None, "club_id", "starts_at"),
        Index(None, "venue_id", "starts_at"),
        Index(None, "category_id", "starts_at"),
        Index(None, "created_by_id"),
        Index(None, "status", "starts_at", "id"),
        Index(None, "ends_at", postgresql_where=text("completed_at IS NULL")),
        Index(None, "previous_id", postgresql_where=text("previous_id IS NOT NULL")),
    )

    id: Mapped[PrimaryKey]
    title: Mapped[str] = mapped_column(String(500))
    description: Mapped[str | None] = mapped_column(String(20000))
    status: Mapped[EventStatus] = mapped_column(default=EventStatus.DRAFT)
    visibility: Mapped[EventVisibility] = mapped_column(default=EventVisibility.PUBLIC)
    category_id: Mapped[UUID] = mapped_column(ForeignKey("event_categories.id"))
    club_id: Mapped[UUID | None] = mapped_column(ForeignKey("clubs.id"))
    venue_id: Mapped[UUID] = mapped_column(ForeignKey("venues.id"))
    time_zone: Mapped[str] = mapped_column(String(64))
    """IANA name, the venue's at the moment of writing."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    local_start: Mapped[datetime] = deferred(
        mapped_column(DateTime(timezone=False), Computed("timezone(time_zone, starts_at)", persisted=True))
    )
    """The local time at the venue. Stored, so that no list evaluates a zone."""
    day_over_at: Mapped[datetime] = deferred(
        mapped_column(
            Computed(
                "timezone(time_zone, date_trunc('day', timezone(time_zone, ends_at)) + interval '1 day')",
                persisted=True,
            )
        )
    )
    """The moment at which the day of its end is over at its venue."""
    capacity: Mapped[int | None]
    """People; null means unlimited."""
    taken: Mapped[int] = mapped_column(default=0, server_default="0")
    price_amount: Mapped[Decimal] = mapped_column(Numeric(10, 2), default=Decimal(0), server_default="0")
    price_currency: Mapped[str] = mapped_column(String(3), default="RUB", server_default="RUB")
    availability_sequence: Mapped[BigInt] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_by_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    published_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None] = mapped_column(String(1000))
    completed_at: Mapped[datetime | None]
    """The moment at which its end was announced as `event.completed`."""
    archived_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    """The moment of its deletion. The row stays as a record for people who had registered; only they read it."""
    put_away_by_staff: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Cancelled or archived by staff who do not run it: those who do bring it back by a moderator only."""
    previous_id: Mapped[UUID | None] = mapped_column(ForeignKey("events.id", ondelete="SET NULL"))
    """The event that took place and of which this is held again."""

    @property
    def payment_policy(self) -> PaymentPolicy:
        return PaymentPolicy.AT_THE_DOOR if self.price_amount else PaymentPolicy.FREE

    def timing_at(self, moment: datetime) -> EventTiming:
        return timing_of(self.starts_at, self.ends_at, moment)


class EventWords(Base):
    """The words by which an event is found: title, tags, place and description. Triggers write them.

    It stands beside the event so that taking a place there does not write all words into their index again, and so
    that what is found can be put into order without looking at the events themselves.
    """

    __tablename__ = "event_words"
    __table_args__ = (
        Index(None, "words", postgresql_using="gin"),
        # Words of the title, with those of the tags, and with those of the place.
        Index("ix_event_words_title", text("""ts_filter(words, '{a}'::"char"[])"""), postgresql_using="gin"),
        Index("ix_event_words_tags", text("""ts_filter(words, '{a,b}'::"char"[])"""), postgresql_using="gin"),
        Index("ix_event_words_place", text("""ts_filter(words, '{a,b,c}'::"char"[])"""), postgresql_using="gin"),
        Index("ix_event_words_next", "starts_at", "event_id", postgresql_where=text("NOT is_archived")),
        Index("ix_event_words_newest", "created_at", "event_id", postgresql_where=text("NOT is_archived")),
    )

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    starts_at: Mapped[datetime]
    created_at: Mapped[datetime]
    is_archived: Mapped[bool]
    words: Mapped[str] = mapped_column(TSVECTOR)


class EventInterest(Base):
    __tablename__ = "event_interests"
    __table_args__ = (Index(None, "interest_id", "event_id"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    interest_id: Mapped[UUID] = mapped_column(ForeignKey("interests.id"), primary_key=True)
