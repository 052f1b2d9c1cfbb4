"""The catalogue of interests, shared by people, clubs and events."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from models.core.base import Base, PrimaryKey


class Interest(Base):
    __tablename__ = "interests"

    id: Mapped[PrimaryKey]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name_ru: Mapped[str] = mapped_column(String(100))
    name_en: Mapped[str] = mapped_column(String(100))
    search: Mapped[str] = deferred(
        mapped_column(
            TSVECTOR, Computed("search_document(name_ru || ' ' || name_en, NULL, NULL, NULL)", persisted=True)
        )
    )


class UserInterest(Base):
    __tablename__ = "user_interests"
    __table_args__ = (Index(None, "interest_id", "user_id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    interest_id: Mapped[UUID] = mapped_column(ForeignKey("interests.id"), primary_key=True)
