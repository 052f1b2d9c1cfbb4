from __future__ import annotations

from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey, is_mail_address


class SecurityNoticeKind(Enum):
    """A kind of security notice to the owner of an account."""

    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    NEW_DEVICE = "NEW_DEVICE"
    PROVIDER_LINKED = "PROVIDER_LINKED"
    PROVIDER_UNLINKED = "PROVIDER_UNLINKED"
    EMAIL_CHANGE_ASKED = "EMAIL_CHANGE_ASKED"
    EMAIL_CHANGED = "EMAIL_CHANGED"
    LOCKED_OUT = "LOCKED_OUT"
    DELETION_ASKED = "DELETION_ASKED"
    DELETION_CANCELLED = "DELETION_CANCELLED"


class SecurityNotice(Base):
    """Something that happened to an account, and where its owner was told of it."""

    __tablename__ = "security_notices"
    __table_args__ = (
        Index(None, "user_id", "created_at"),
        Index(None, "created_at"),
        CheckConstraint(is_mail_address("email"), name="email_is_canonical"),
    )

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[SecurityNoticeKind]
    email: Mapped[str] = mapped_column(String(255))
    user_agent: Mapped[str | None] = mapped_column(String(400))
    address: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]
