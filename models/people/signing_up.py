from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey, is_mail_address


class SignUp(Base):
    """Someone who wants an account. It becomes one when the link that is mailed to its address is opened, and goes away
    otherwise. Nothing is kept free for it: who has not shown that they read that mail holds neither address nor handle.
    """

    __tablename__ = "sign_ups"
    __table_args__ = (Index(None, "created_at"), CheckConstraint(is_mail_address("email"), name="email_is_canonical"))

    id: Mapped[PrimaryKey]
    email: Mapped[str] = mapped_column(String(255))
    handle: Mapped[str] = mapped_column(String(50))
    display_name: Mapped[str] = mapped_column(String(100))
    locale: Mapped[str] = mapped_column(String(8))
    time_zone: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]
