from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.booking.registrations import REASON_OF_CANCELLATION, Admission, Attendance
from models.core.base import Base, CreatedAt, PrimaryKey, UpdatedAt


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
        Index(
            "ix_bookings_ended",
            "service_id",
            "admission",
            "created_at",
            "id",
            postgresql_where=text("admission NOT IN ('CONFIRMED', 'OFFERED')"),
        ),
        Index(None, "service_id", "attendance", "created_at", "id", postgresql_where=text("attendance <> 'EXPECTED'")),
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
