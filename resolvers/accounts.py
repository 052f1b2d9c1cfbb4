"""Accounts: signing up, proving an e-mail address.

Signing up never tells whether an e-mail address is known here. Every sign-up makes an account, whose address is only
claimed; the job that sends the mail finds out whether the address has an owner, and then tells the owner instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.addresses import network
from auth.passwords import MAXIMUM_LENGTH, MINIMUM_LENGTH, Passwords, is_too_weak
from auth.throttle import HOUR, Limit, spend, try_spend
from auth.viewer import Viewer
from database import Database, UnitOfWork, on_conflict
from errors import ErrorCode, TooLong, TooShort, UserError, _, _n, check_text, refuse
from integrations.mail_addresses import NotMailable, canonical
from models import DomainEvent, OneTimePurpose, Password, User, utcnow
from resolvers import one_time_tokens
from resolvers.one_time_tokens import InvalidToken
from resolvers.time_zones import check_time_zone
from translations import LOCALES

SHORTEST_HANDLE, LONGEST_HANDLE = 3, 50
HANDLE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{{SHORTEST_HANDLE - 1},{LONGEST_HANDLE - 1}}}")
NO_KEY = {"key_share": True}
"""How rows of users are locked: rows that only point to the person, such as a new session, need not wait."""
MAILS_PER_HOUR = 5
"""That one account may ask for."""


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
    message = _("Mail cannot be sent to this address. Before the @ it has only Latin letters, digits and signs.")


class PasswordTooWeak(UserError):
    code = ErrorCode.PASSWORD_TOO_WEAK
    message = _("This password is too easy to guess.")


class UnknownLocale(UserError):
    code = ErrorCode.INVALID
    message = _("The languages are: {allowed}.")


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


@dataclass(frozen=True, kw_only=True)
class SignUp:
    """A checked application for an account."""

    handle: str
    email: str
    display_name: str
    locale: str
    time_zone: str
    password_hash: str


def check_email(problems: list[UserError], email: str, *path: str) -> str:
    """The address as it is kept. Whether mail arrives there is found out by sending some."""
    try:
        return canonical(email)
    except NotMailable:
        problems.append(InvalidEmail(path=path))
        return email


def check_handle(problems: list[UserError], handle: str) -> None:
    if not HANDLE.fullmatch(handle):
        problems.append(InvalidHandle(path=("handle",), minimum=SHORTEST_HANDLE, maximum=LONGEST_HANDLE))


def check_password(problems: list[UserError], password: str, *path: str, known: tuple[str | None, ...]) -> None:
    if len(password) < MINIMUM_LENGTH:
        problems.append(TooShort(path=path, minimum=MINIMUM_LENGTH))
    elif len(password) > MAXIMUM_LENGTH:
        problems.append(TooLong(path=path, maximum=MAXIMUM_LENGTH))
    elif is_too_weak(password, *known):
        problems.append(PasswordTooWeak(path=path))


async def prepare_sign_up(
    database: Database,
    passwords: Passwords,
    *,
    handle: str,
    email: str,
    password: str,
    display_name: str,
    locale: str,
    time_zone: str,
    address: str,
    most_per_address: int,
) -> SignUp:
    """Check an application and hash its password, before any transaction is opened.

    Raises all that is wrong with it at once, and `RateLimited`.
    """
    problems: list[UserError] = []
    name = check_text(problems, display_name, "displayName", maximum=100, required=True)
    check_handle(problems, handle)
    checked_email = check_email(problems, email, "email")
    known = (handle, checked_email, checked_email.partition("@")[0], name)
    check_password(problems, password, "password", known=known)
    if locale not in LOCALES:
        problems.append(UnknownLocale(path=("locale",), allowed=LOCALES))
    check_time_zone(problems, time_zone, "timeZone")
    refuse(problems)
    await spend(database, Limit("sign-up", network(address), most_per_address, HOUR))
    return SignUp(
        handle=handle,
        email=checked_email,
        display_name=name or handle,
        locale=locale,
        time_zone=time_zone,
        password_hash=await passwords.hash(password),
    )


async def sign_up(uow: UnitOfWork, application: SignUp) -> User:
    """Account, person and profile, in one transaction (S0-28)."""
    user = User(
        handle=application.handle,
        claimed_email=application.email,
        display_name=application.display_name,
        locale=application.locale,
        time_zone=application.time_zone,
        privacy={},
    )
    async with on_conflict(uow.session, uq_users_handle=HandleTaken(path=("handle",))):
        uow.session.add(user)
    uow.session.add(Password(user_id=user.id, hash=application.password_hash))
    announce(uow, user)
    uow.record(EmailVerificationRequested(subject_id=user.id))
    return user


def announce(uow: UnitOfWork, user: User) -> None:
    """Tell of a new account, however it came about."""
    uow.record(UserRegistered(subject_id=user.id))
    uow.record(ProfileCreated(subject_id=user.id))


async def verify_email(uow: UnitOfWork, *, token: str) -> User:
    """Prove an address by the link sent to it. The first to prove a claimed address owns it."""
    used = await one_time_tokens.consume(uow, token, OneTimePurpose.VERIFY_EMAIL)
    user = await uow.session.get_one(User, used.user_id, with_for_update=NO_KEY)
    await prove_email(uow, user, used.email)
    return user


async def prove_email(uow: UnitOfWork, user: User, email: str) -> None:
    """The account's owner can read mail sent to this address. Raises `InvalidToken` if it is not theirs any more."""
    if email not in (user.email, user.claimed_email):
        raise InvalidToken(path=("token",))
    if user.email == email and user.email_verified_at is not None:
        return
    async with on_conflict(uow.session, uq_users_email=InvalidToken(path=("token",))):
        user.email, user.claimed_email, user.email_verified_at = email, None, utcnow()
    uow.record(UserUpdated(subject_id=user.id, changed=["email"]))


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


def mail_limit(user_id: UUID) -> Limit:
    return Limit("account-mail", str(user_id), MAILS_PER_HOUR, HOUR)
