from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base


class AttemptCount(Base):
    """Attempts within a window, by account and by address; the key is a hash."""

    __tablename__ = "attempt_counts"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    count: Mapped[int]
    window_ends_at: Mapped[datetime]
