"""Accounts: what they are made of, and proving an e-mail address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.password_hashing import MAXIMUM_LENGTH, MINIMUM_LENGTH, is_too_weak
from auth.throttle import HOUR, AttemptLimit, try_spend
from auth.viewer import Viewer
from database import UnitOfWork, on_conflict
from errors import ErrorCode, Plural, TooLong, TooShort, UserError, _, _n
from integrations.mail_addresses import EMAIL_MAX_LENGTH, Fault, NotMailable, canonical, login_key, spellings
from models import DomainEvent, OneTimePurpose, SecurityNoticeKind, User, utcnow
from resolvers.people import one_time_tokens, security_notices
from resolvers.people.one_time_tokens import InvalidToken
from translations import LOCALES

SHORTEST_HANDLE, LONGEST_HANDLE = 3, 50
HANDLE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{{SHORTEST_HANDLE - 1},{LONGEST_HANDLE - 1}}}")
NO_KEY = {"key_share": True}
"""The lock on rows of users. Rows that only point to the person, such as a new session, need not wait for it."""
MAILS_PER_HOUR = 5
"""Maximum number of verification mails that one account may request per hour."""


class InvalidHandle(UserError):
    code = ErrorCode.INVALID_HANDLE
    message = _n(
        "A handle has {minimum} to {maximum} Latin letter, digit, dot, dash or underscore.",
        "A handle has {minimum} to {maximum} Latin letters, digits, dots, dashes or underscores.",
        by="maximum",
    )


class HandleTaken(UserError):
    code = ErrorCode.HANDLE_TAKEN
    message = _("This handle is taken.")


class InvalidEmail(UserError):
    code = ErrorCode.INVALID_EMAIL
    message: ClassVar[str | Plural] = _("This is not an e-mail address, such as name@example.org.")


class EmailTooLong(InvalidEmail):
    message = _n(
        "An e-mail address has at most {maximum} character.",
        "An e-mail address has at most {maximum} characters.",
        by="maximum",
    )


class InvalidEmailName(InvalidEmail):
    message = _("Mail cannot be sent to this address. Before the @ it can have only Latin letters, digits and symbols.")


class InvalidEmailDomain(InvalidEmail):
    message = _("Mail cannot be sent to this address. After the @ there must be a domain, such as example.org.")


class PasswordTooWeak(UserError):
    code = ErrorCode.PASSWORD_TOO_WEAK
    message = _("This password is too easy to guess.")


class UnknownLocale(UserError):
    code = ErrorCode.INVALID
    message = _("Choose one of these languages: {allowed}.")


@dataclass(frozen=True, kw_only=True)
class UserRegistered(DomainEvent):
    name: ClassVar[str] = "user.registered"
    subject_type: ClassVar[str] = "User"


@dataclass(frozen=True, kw_only=True)
class ProfileCreated(DomainEvent):
    name: ClassVar[str] = "user.profile.created"
    subject_type: ClassVar[str] = "User"


@dataclass(frozen=True, kw_only=True)
class UserUpdated(DomainEvent):
    """Something of the account, not of the profile, has changed."""

    name: ClassVar[str] = "user.updated"
    subject_type: ClassVar[str] = "User"
    changed: list[str]


@dataclass(frozen=True, kw_only=True)
class EmailVerificationRequested(DomainEvent):
    name: ClassVar[str] = "user.email_verification.requested"
    subject_type: ClassVar[str] = "User"
    has_job: ClassVar[bool] = True


def check_email(problems: list[UserError], email: str, *path: str) -> str:
    """Return the address as it is stored. Only sending mail shows whether mail arrives there."""
    try:
        return canonical(email)
    except NotMailable as error:
        problems.append(_email_problem(error.fault, path))
        return email


def _email_problem(fault: Fault, path: tuple[str, ...]) -> UserError:
    match fault:
        case Fault.FORM:
            return InvalidEmail(path=path)
        case Fault.LENGTH:
            return EmailTooLong(path=path, maximum=EMAIL_MAX_LENGTH)
        case Fault.NAME:
            return InvalidEmailName(path=path)
        case Fault.DOMAIN:
            return InvalidEmailDomain(path=path)


def check_locale(problems: list[UserError], locale: str, *path: str) -> None:
    if locale not in LOCALES:
        problems.append(UnknownLocale(path=path, allowed=LOCALES))


def check_handle(problems: list[UserError], handle: str, *path: str) -> None:
    if not HANDLE.fullmatch(handle):
        problems.append(InvalidHandle(path=path, minimum=SHORTEST_HANDLE, maximum=LONGEST_HANDLE))


def known_of(*, handle: str, email: str | None, display_name: str) -> tuple[str | None, ...]:
    """Return the parts of an account that anyone may know. A password must not be made of them."""
    return (handle, display_name, *(spellings(email) if email else ()), (email or "").partition("@")[0])


def check_password(problems: list[UserError], password: str, *path: str, known: tuple[str | None, ...] = ()) -> None:
    """`known` is what anyone may know of the account."""
    if len(password) < MINIMUM_LENGTH:
        problems.append(TooShort(path=path, minimum=MINIMUM_LENGTH))
    elif len(password) > MAXIMUM_LENGTH:
        problems.append(TooLong(path=path, maximum=MAXIMUM_LENGTH))
    elif is_too_weak(password, *known) or login_key(password) in {login_key(one) for one in known if one}:
        problems.append(PasswordTooWeak(path=path))


def announce(uow: UnitOfWork, user: User) -> None:
    """Tell of a new account, however it came about."""
    uow.record(UserRegistered(subject_id=user.id))
    uow.record(ProfileCreated(subject_id=user.id))


async def verify_email(uow: UnitOfWork, viewer: Viewer, *, token: str) -> User:
    """Prove an address by the link sent to it. The first to prove a claimed address owns it.

    Only the account that claims it can: whoever opens a stranger's link must not give them the address.
    """
    user_id = viewer.require_user()
    used = await one_time_tokens.consume(uow, token, OneTimePurpose.VERIFY_EMAIL)
    if used.user_id != user_id:
        raise InvalidToken(path=("token",))
    user = await uow.session.get_one(User, user_id, with_for_update=NO_KEY)
    await prove_email(uow, user, used.email)
    return user


async def prove_email(uow: UnitOfWork, user: User, email: str) -> None:
    """Record that the account's owner reads mail of this address. Raises `InvalidToken` if it is no longer theirs."""
    if email not in (user.email, user.claimed_email):
        raise InvalidToken(path=("token",))
    if user.email == email and user.email_verified_at is not None:
        return
    before = user.email if user.email_verified_at is not None else None
    async with on_conflict(uow.session, uq_users_email=InvalidToken(path=("token",))):
        user.email, user.claimed_email, user.email_verified_at = email, None, utcnow()
    uow.record(UserUpdated(subject_id=user.id, changed=["email"]))
    if before is not None and before != email:
        await one_time_tokens.withdraw(uow, user.id, OneTimePurpose.RESET_PASSWORD)
        await security_notices.write(uow, user, SecurityNoticeKind.EMAIL_CHANGED, email=before)


async def resend_verification(uow: UnitOfWork, viewer: Viewer) -> None:
    """Ask for the link again. Nothing happens where the address is proven already. Raises `RateLimited`."""
    user_id = viewer.require_user()
    user = await uow.session.get_one(User, user_id)
    if user.email_verified_at is not None and user.claimed_email is None:
        return
    refusal = await try_spend(uow.session, mail_limit(user_id))
    if refusal is not None:
        raise refusal
    uow.record(EmailVerificationRequested(subject_id=user_id))


def mail_limit(user_id: UUID) -> AttemptLimit:
    return AttemptLimit("account-mail", str(user_id), MAILS_PER_HOUR, HOUR)
