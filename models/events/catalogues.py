from __future__ import annotations

from sqlalchemy import Computed, String
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.core.base import Base, PrimaryKey


class EventCategory(Base):
    __tablename__ = "event_categories"

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name_ru: Mapped[str] = mapped_column(String(100))
    name_en: Mapped[str] = mapped_column(String(100))


class ServiceType(Base):
    """Catalogue entry («услуга из МКС»). A service takes capacity and window from here unless told otherwise."""

    __tablename__ = "service_types"

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name_ru: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    description_ru: Mapped[str | None] = mapped_column(String(2000))
    description_en: Mapped[str | None] = mapped_column(String(2000))
    default_capacity: Mapped[int]
    default_window_days: Mapped[int | None]
    search: Mapped[str] = deferred(
        mapped_column(
            TSVECTOR,
            Computed(
                "search_document(name_ru || ' ' || name_en, NULL, NULL, "
                "coalesce(description_ru, '') || ' ' || coalesce(description_en, ''))",
                persisted=True,
            ),
        )
    )
