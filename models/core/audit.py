from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey


class AuditEntry(Base):
    """A change by staff, before and after, written in the same transaction."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index(None, "subject_type", "subject_id"), Index(None, "created_at"))

    id: Mapped[PrimaryKey]
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(60))
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    before: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    after: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[CreatedAt]
