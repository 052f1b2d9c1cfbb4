"""Copies of one's own data: everything about a person, as one file that is kept for a while."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, BigInt, CreatedAt, PrimaryKey


class DataExportState(Enum):
    QUEUED = "QUEUED"
    READY = "READY"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class DataExport(Base):
    """A copy of someone's own data, asked for by them."""

    __tablename__ = "data_exports"
    __table_args__ = (
        Index(None, "user_id", "created_at"),
        Index(None, "state", "created_at"),
        Index("uq_data_exports_queued", "user_id", unique=True, postgresql_where=text("state = 'QUEUED'")),
        CheckConstraint(
            "state <> 'READY' OR num_nonnulls(size, finished_at, expires_at) = 3", name="what_is_ready_is_whole"
        ),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    state: Mapped[DataExportState] = mapped_column(default=DataExportState.QUEUED)
    size: Mapped[BigInt | None]
    """Bytes of the file, compressed."""
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class DataExportPart(Base):
    """A piece of the file, which is JSON compressed by gzip: put together in order they are the whole."""

    __tablename__ = "data_export_parts"

    export_id: Mapped[UUID] = mapped_column(ForeignKey("data_exports.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
