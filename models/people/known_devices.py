from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey


class KnownDevice(Base):
    """A device that has signed in to an account, so that what strangers do elsewhere does not keep it out. It is known
    by a token, kept as its SHA-256, or by the network that it came from.
    """

    __tablename__ = "known_devices"
    __table_args__ = (Index(None, "user_id", "network"), Index(None, "last_used_at"), UniqueConstraint("token_hash"))

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    network: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[CreatedAt]
