from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt


class IdempotencyKey(Base):
    """The answer given to a mutation that came with a key; kept for `LIFETIME`."""

    LIFETIME: ClassVar[timedelta] = timedelta(hours=24)

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    operation: Mapped[str] = mapped_column(String(80))
    input_hash: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str | None]
    """Encrypted: an answer may hold tokens."""
    created_at: Mapped[CreatedAt]
