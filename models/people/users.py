"""People: the public face and private person data. How someone signs in is in the tables of its neighbours."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, CreatedAt, PrimaryKey, UpdatedAt, is_mail_address


class Role(Enum):
    """Platform roles, weakest first. GUEST is a caller who has not signed in and is never stored."""

    GUEST = "GUEST"
    USER = "USER"
    VOLUNTEER = "VOLUNTEER"
    MODERATOR = "MODERATOR"
    ADMIN = "ADMIN"


class User(Base):
    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_handle", func.lower(text("handle")), unique=True),
        Index("uq_users_email", func.lower(text("email")), unique=True),
        Index(None, "deletion_at", postgresql_where=text("deletion_at IS NOT NULL")),
        CheckConstraint("role <> 'GUEST'", name="role_is_stored"),
        CheckConstraint(
            "deleted_at IS NULL OR NOT is_active AND display_name = '' AND num_nonnulls(email, claimed_email, "
            "deletion_at, bio, location, birth_date, first_name, last_name, patronymic, phone, comment) = 0",
            name="deleted_is_erased",
        ),
        CheckConstraint(is_mail_address("email"), name="email_is_canonical"),
        CheckConstraint(is_mail_address("claimed_email"), name="claimed_email_is_canonical"),
    )

    id: Mapped[PrimaryKey]
    handle: Mapped[str] = mapped_column(String(50))
    handle_changed_at: Mapped[datetime | None]
    email: Mapped[str | None] = mapped_column(String(255))
    email_verified_at: Mapped[datetime | None]
    claimed_email: Mapped[str | None] = mapped_column(String(255))
    """Said to be theirs and not proven yet. Several may claim one address; it becomes `email` for the first who opens
    the link sent to it, signed in to the account."""
    role: Mapped[Role] = mapped_column(default=Role.USER)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_trusted: Mapped[bool] = mapped_column(default=False)
    """A trusted author's events go out without a moderator."""
    locale: Mapped[str] = mapped_column(String(8), default="ru")
    time_zone: Mapped[str] = mapped_column(String(64), default="Europe/Moscow")

    display_name: Mapped[str] = mapped_column(String(100))
    bio: Mapped[str | None] = mapped_column(String(2000))
    location: Mapped[str | None] = mapped_column(String(100))
    birth_date: Mapped[date | None]
    first_name: Mapped[str | None] = mapped_column(String(100))
    last_name: Mapped[str | None] = mapped_column(String(100))
    patronymic: Mapped[str | None] = mapped_column(String(100))
    phone: Mapped[str | None] = mapped_column(String(20))
    """E.164."""
    comment: Mapped[str | None] = mapped_column(String(2000))
    privacy: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Field name to `Audience` name; a field that is absent has the default of `auth/visibility/`."""

    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    deletion_at: Mapped[datetime | None]
    """The moment at which the account is to be deleted, as its owner asked."""
    deleted_at: Mapped[datetime | None]
    """The moment of deletion. The row stays without anything about the person, so that what they wrote keeps an author.
    Triggers let nobody give it a place, a role or a membership again."""

    @property
    def is_email_verified(self) -> bool:
        return self.email_verified_at is not None

    @property
    def roles(self) -> list[Role]:
        """Platform roles. As yet everyone has one."""
        return [self.role]

    @property
    def full_name(self) -> str | None:
        """Surname first, as on a list of visitors."""
        return " ".join(part for part in (self.last_name, self.first_name, self.patronymic) if part) or None
