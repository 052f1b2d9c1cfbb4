from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, CreatedAt, PrimaryKey, UpdatedAt

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
    """A person takes part in an event. Coming back after a cancellation revives the row (S0-62)."""

    __tablename__ = "registrations"
    __table_args__ = (
        UniqueConstraint("event_id", "user_id"),
        CheckConstraint(REASON_OF_CANCELLATION, name="reason_belongs_to_cancellation"),
        Index(None, "user_id", "created_at", "id"),
        Index(None, "event_id", "created_at", "id"),
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


class Booking(Base):
    """A person has a place at a service."""

    __tablename__ = "bookings"
    __table_args__ = (
        UniqueConstraint("service_id", "user_id"),
        CheckConstraint(REASON_OF_CANCELLATION, name="reason_belongs_to_cancellation"),
        ForeignKeyConstraint(
            ["event_id", "user_id"], ["registrations.event_id", "registrations.user_id"], ondelete="CASCADE"
        ),
        Index(None, "event_id", "user_id"),
        Index(None, "user_id", "created_at", "id"),
        Index(None, "service_id", "created_at", "id"),
    )

    id: Mapped[PrimaryKey]
    service_id: Mapped[UUID] = mapped_column(ForeignKey("services.id", ondelete="CASCADE"))
    event_id: Mapped[UUID]
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


class AvailabilityChange(Base):
    """One entry of an event's availability stream: what was free after a committed change."""

    __tablename__ = "availability_changes"
    __table_args__ = (Index(None, "occurred_at"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[BigInt] = mapped_column(primary_key=True)
    capacity: Mapped[int | None]
    taken: Mapped[int]
    services: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    """`[{"id", "capacity", "taken", "cancelled"}]`, in order of start."""
    occurred_at: Mapped[CreatedAt]
