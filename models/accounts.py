"""How someone signs in: passwords, outside identities, sessions, one-time links. No profile data (S3-14)."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, CreatedAt, PrimaryKey, is_mail_address


class Password(Base):
    __tablename__ = "passwords"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str] = mapped_column(String(255))
    changed_at: Mapped[CreatedAt]


class Identity(Base):
    """A person as an outside OpenID Provider knows them."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"), Index(None, "user_id"))

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[CreatedAt]


class Session(Base):
    """One signed-in device: the family of refresh tokens that began with one sign-in."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[PrimaryKey]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    user_agent: Mapped[str | None] = mapped_column(String(400))
    address: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


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


class RefreshToken(Base):
    """A refresh token, kept as its SHA-256. It may be used once; a second use ends its session."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (Index(None, "session_id"),)

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    issued_at: Mapped[CreatedAt]
    used_at: Mapped[datetime | None]


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


class SecurityNoticeKind(Enum):
    """What the owner of an account is told of."""

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


class ProviderSignIn(Base):
    """A sign-in that was sent to an outside provider and has not come back yet."""

    __tablename__ = "provider_sign_ins"

    state_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    nonce: Mapped[str] = mapped_column(String(100))
    code_verifier: Mapped[str] = mapped_column(String(128))
    redirect_uri: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]


class AttemptCount(Base):
    """Attempts within a window, by account and by address; the key is a hash."""

    __tablename__ = "attempt_counts"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    count: Mapped[int]
    window_ends_at: Mapped[datetime]
