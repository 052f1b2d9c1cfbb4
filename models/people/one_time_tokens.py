from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, is_mail_address


class OneTimePurpose(Enum):
    SIGN_UP = "SIGN_UP"
    VERIFY_EMAIL = "VERIFY_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"


class OneTimeToken(Base):
    """A link sent by e-mail, for an account or for a sign-up, kept as its SHA-256."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        Index(None, "user_id", "purpose"),
        Index(None, "sign_up_id"),
        CheckConstraint(is_mail_address("email"), name="email_is_canonical"),
        CheckConstraint("(purpose = 'SIGN_UP') = (sign_up_id IS NOT NULL)", name="sign_up_has_its_purpose"),
        CheckConstraint("num_nonnulls(user_id, sign_up_id) = 1", name="has_one_owner"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    sign_up_id: Mapped[UUID | None] = mapped_column(ForeignKey("sign_ups.id", ondelete="CASCADE"))
    purpose: Mapped[OneTimePurpose]
    email: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
