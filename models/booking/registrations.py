from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey, UpdatedAt
from models.people.privacy import Audience

REASON_OF_CANCELLATION = "cancel_reason IS NULL OR cancelled_at IS NOT NULL"


class Admission(Enum):
    PENDING_APPROVAL = "PENDING_APPROVAL"
    WAITLISTED = "WAITLISTED"
    OFFERED = "OFFERED"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


HOLDING = (Admission.CONFIRMED, Admission.OFFERED)
"""Admissions that hold a place. The triggers of the first migration know the same two."""
TAKING_PART = (*HOLDING, Admission.PENDING_APPROVAL, Admission.WAITLISTED)
"""Admissions that hold a place or wait for one: who has such a registration sees the event by it."""


class Attendance(Enum):
    EXPECTED = "EXPECTED"
    ATTENDED = "ATTENDED"
    NO_SHOW = "NO_SHOW"
    EXCUSED = "EXCUSED"


class Registration(Base):
    """A person takes part in an event. Coming back after a cancellation revives the row."""

    __tablename__ = "registrations"
    __table_args__ = (
        UniqueConstraint("event_id", "user_id"),
        CheckConstraint(REASON_OF_CANCELLATION, name="reason_belongs_to_cancellation"),
        Index(None, "user_id", "created_at", "id"),
        Index(None, "event_id", "created_at", "id"),
        # Participants by who may know of them; and the few places that are none any more, or tell who came.
        Index(
            None,
            "event_id",
            "shown_to",
            "created_at",
            "id",
            postgresql_where=text("admission IN ('CONFIRMED', 'OFFERED')"),
        ),
        Index(
            "ix_registrations_ended",
            "event_id",
            "admission",
            "created_at",
            "id",
            postgresql_where=text("admission NOT IN ('CONFIRMED', 'OFFERED')"),
        ),
        Index(None, "event_id", "attendance", "created_at", "id", postgresql_where=text("attendance <> 'EXPECTED'")),
    )

    id: Mapped[PrimaryKey]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    admission: Mapped[Admission]
    attendance: Mapped[Attendance] = mapped_column(default=Attendance.EXPECTED)
    note: Mapped[str | None] = mapped_column(String(1000))
    staff_note: Mapped[str | None] = mapped_column(String(1000))
    recorded_by_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None] = mapped_column(String(1000))
    """Why somebody else cancelled it."""
    shown_to: Mapped[Audience | None] = mapped_column(deferred=True)
    """Who may know that the person takes part: the audience of the field `registrations` of their profile, null where
    the account is not active. Triggers keep it while a place is held, so that a page of participants is a range of an
    index.
    """
