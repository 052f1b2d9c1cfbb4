from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey


class Venue(Base):
    __tablename__ = "venues"
    __table_args__ = (
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude_in_range"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude_in_range"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="point_is_whole"),
        CheckConstraint("char_length(name_key) <= 400", name="name_key_is_short"),
        # PostgreSQL itself refuses a zone that it does not know: it evaluates them for many rows at once.
        CheckConstraint("timezone(time_zone, 'epoch'::timestamptz) IS NOT NULL", name="time_zone_is_known"),
        Index(None, "search", postgresql_using="gin"),
        Index("ix_venues_recent", text("coalesce(last_used_at, created_at)"), "id"),
    )

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = deferred(mapped_column(Text, Computed("name_key(name)", persisted=True), unique=True))
    """The form in which names are compared: one venue, one name."""
    address: Mapped[str | None] = mapped_column(String(500))
    time_zone: Mapped[str] = mapped_column(String(64))
    """IANA name."""
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None]
    search: Mapped[str] = deferred(
        mapped_column(
            TSVECTOR,
            Computed("search_document(name, NULL, address, NULL)", persisted=True),
        )
    )
