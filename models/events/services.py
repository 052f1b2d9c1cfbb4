from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey, UpdatedAt
from models.events.events import EventTiming, timing_of


class Service(Base):
    """A service offered inside an event. `taken` counts bookings; see `Event` for how it is kept."""

    __tablename__ = "services"
    __table_args__ = (
        CheckConstraint("capacity >= 1", name="capacity_is_positive"),
        CheckConstraint("taken >= 0 AND taken <= capacity", name="taken_within_capacity"),
        CheckConstraint("ends_at >= starts_at", name="ends_after_start"),
        CheckConstraint("cancel_reason IS NULL OR cancelled_at IS NOT NULL", name="reason_belongs_to_cancellation"),
        CheckConstraint("window_days IS NULL OR window_days BETWEEN 0 AND 3650", name="window_in_range"),
        Index(None, "event_id", "starts_at", "id"),
        CheckConstraint("deleted_at IS NULL OR cancelled_at IS NOT NULL", name="deleted_is_cancelled"),
        Index(None, "service_type_id", "starts_at", "id"),
        Index(None, "starts_at", "id"),
        # As of events: lists begin with the oldest that is not put away.
        Index("ix_services_open", "starts_at", "id", postgresql_where=text("NOT is_archived")),
        Index("ix_services_archived", "starts_at", "id", postgresql_where=text("is_archived")),
        Index(None, "staff_person_id", "starts_at", postgresql_where=text("staff_person_id IS NOT NULL")),
        Index("ix_services_deleted", "id", postgresql_where=text("deleted_at IS NOT NULL")),
    )

    id: Mapped[PrimaryKey]
    event_id: Mapped[UUID] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    service_type_id: Mapped[UUID] = mapped_column(ForeignKey("service_types.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0, server_default="0")
    window_days: Mapped[int | None]
    """Bookable from local midnight of (event's date minus this many days); null means always."""
    staff_person_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    cancelled_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    """The moment of its deletion. The row stays as a record for people who had booked it."""
    cancel_reason: Mapped[str | None] = mapped_column(String(1000))
    is_archived: Mapped[bool] = mapped_column(default=False, server_default="false", deferred=True)
    """Whether its event has the status ARCHIVED. Triggers write it, so that lists need not walk past the archive."""
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    def timing_at(self, moment: datetime) -> EventTiming:
        return timing_of(self.starts_at, self.ends_at, moment)

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled_at is not None
