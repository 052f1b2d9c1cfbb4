"""Signing up and in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import func, select

from auth.passwords import Passwords
from auth.tokens import Tokens, new_secret, secret_hash
from database import UnitOfWork, on_conflict
from errors import ErrorCode, UserError, _, check_text, refuse
from models import DomainEvent, Password, RefreshToken, Session, User, utcnow

HANDLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{2,49}")


class InvalidHandle(UserError):
    code = ErrorCode.INVALID_HANDLE
    message = _("A handle has 3 to 50 Latin letters, digits, dots, dashes or underscores.")


class HandleTaken(UserError):
    code = ErrorCode.HANDLE_TAKEN
    message = _("This handle is taken.")


class InvalidCredentials(UserError):
    code = ErrorCode.INVALID_CREDENTIALS
    message = _("Wrong login or password.")


@dataclass(frozen=True, kw_only=True)
class UserRegistered(DomainEvent):
    name: ClassVar[str] = "user.registered"
    subject_type: ClassVar[str] = "User"


@dataclass(frozen=True, kw_only=True)
class UserSignedIn(DomainEvent):
    name: ClassVar[str] = "user.signed_in"
    subject_type: ClassVar[str] = "User"


@dataclass(frozen=True)
class SignedIn:
    user: User
    access_token: str
    access_token_expires_at: datetime
    refresh_token: str


async def sign_up(
    uow: UnitOfWork, passwords: Passwords, *, handle: str, email: str, password: str, display_name: str
) -> User:
    problems: list[UserError] = []
    name = check_text(problems, display_name, "displayName", maximum=100, required=True)
    if not HANDLE.fullmatch(handle):
        problems.append(InvalidHandle(path=("handle",)))
    refuse(problems)
    user = User(handle=handle, email=email, display_name=name)
    async with on_conflict(uow.session, uq_users_handle=HandleTaken(path=("handle",))):
        uow.session.add(user)
    uow.session.add(Password(user_id=user.id, hash=await passwords.hash(password)))
    uow.record(UserRegistered(subject_id=user.id))
    return user


async def sign_in(
    uow: UnitOfWork, passwords: Passwords, tokens: Tokens, *, login: str, password: str, lifetime: float
) -> SignedIn:
    by_login = func.lower(User.email if "@" in login else User.handle) == login.lower()
    found = (
        await uow.session.execute(select(User, Password).join(Password, Password.user_id == User.id).where(by_login))
    ).one_or_none()
    fits = await passwords.verify(found.Password.hash if found else None, password)
    if found is None or not fits:
        raise InvalidCredentials
    return await open_session(uow, tokens, found.User, lifetime=lifetime)


async def open_session(uow: UnitOfWork, tokens: Tokens, user: User, *, lifetime: float) -> SignedIn:
    session = Session(user_id=user.id, expires_at=utcnow() + timedelta(seconds=lifetime))
    uow.session.add(session)
    await uow.session.flush()
    refresh_token = await add_refresh_token(uow, session.id)
    access_token, expires_at = tokens.issue(user.id, session.id)
    uow.record(UserSignedIn(subject_id=user.id))
    return SignedIn(user, access_token, expires_at, refresh_token)


async def add_refresh_token(uow: UnitOfWork, session_id: UUID) -> str:
    secret = new_secret()
    uow.session.add(RefreshToken(token_hash=secret_hash(secret), session_id=session_id))
    return secret
