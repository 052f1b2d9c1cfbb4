"""Signing up: an application, a link sent to its address, and the account that the link's reader makes.

Signing up never tells whether an e-mail address is known here: the job that sends the mail finds out, and tells the
address's owner instead. And it makes nothing that someone else could share: the password is chosen where the mail is
read, so that nobody can begin an account with a stranger's address and wait for them in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import func, select

from auth.addresses import network
from auth.password_hashing import Passwords
from auth.throttle import HOUR, AttemptLimit, spend
from database import Database, UnitOfWork, on_conflict
from errors import ErrorCode, UserError, _, refuse
from models import DomainEvent, OneTimePurpose, Password, Role, SignUp, User, utcnow
from resolvers.core.time_zones import check_time_zone
from resolvers.people import one_time_tokens
from resolvers.people.accounts import (
    HandleTaken,
    announce,
    check_email,
    check_handle,
    check_locale,
    check_password,
    known_of,
)
from resolvers.people.known_devices import Device
from resolvers.people.one_time_tokens import InvalidToken
from resolvers.people.passwords import PasswordResetRequested
from resolvers.people.profiles import check_display_name
from resolvers.people.sessions import SessionIssuer, SignedIn, open_session


class SignUpClosed(UserError):
    code = ErrorCode.SIGN_UP_CLOSED
    message = _("New accounts cannot be created here.")


class EmailTaken(UserError):
    code = ErrorCode.INVALID_EMAIL
    message = _("Another account has this e-mail address.")


@dataclass(frozen=True, kw_only=True)
class SignUpRequested(DomainEvent):
    name: ClassVar[str] = "user.sign_up.requested"
    subject_type: ClassVar[str] = "SignUp"
    has_job: ClassVar[bool] = True


async def prepare(
    database: Database,
    *,
    handle: str,
    email: str,
    display_name: str,
    locale: str,
    time_zone: str,
    address: str,
    most_per_address: int,
    is_open: bool,
) -> SignUp:
    """Check an application, before any transaction is opened. Raises all that is wrong with it, `RateLimited`, and
    `SignUpClosed` where the server is not open to new accounts. Links that were sent before stay good.
    """
    if not is_open:
        raise SignUpClosed
    problems: list[UserError] = []
    name = check_display_name(problems, display_name, "displayName")
    check_handle(problems, handle, "handle")
    checked_email = check_email(problems, email, "email")
    check_locale(problems, locale, "locale")
    check_time_zone(problems, time_zone, "timeZone")
    refuse(problems)
    await spend(database, AttemptLimit("sign-up", network(address), most_per_address, HOUR))
    return SignUp(handle=handle, email=checked_email, display_name=name or handle, locale=locale, time_zone=time_zone)


async def apply(uow: UnitOfWork, application: SignUp) -> None:
    """Have a link sent. The same statements run whether the address is known or not.

    A handle that is taken is refused at once, for the sake of whoever fills in the form. Who gets it is decided when
    the account is made.
    """
    taken = select(User.id).where(func.lower(User.handle) == application.handle.lower())
    if await uow.session.scalar(taken) is not None:
        raise HandleTaken(path=("handle",))
    uow.session.add(application)
    await uow.session.flush()
    uow.record(SignUpRequested(subject_id=application.id))


async def prepare_completion(
    database: Database,
    passwords: Passwords,
    *,
    token: str,
    password: str,
    handle: str | None,
    address: str,
    most_per_address: int,
) -> str:
    """Check the input and hash the password before any transaction is opened. Raises the problems of the input."""
    problems: list[UserError] = []
    check_password(problems, password, "password", known=(handle,))
    if handle is not None:
        check_handle(problems, handle, "handle")
    refuse(problems)
    await one_time_tokens.check(
        database, token, OneTimePurpose.SIGN_UP, address=address, most_per_address=most_per_address
    )
    return await passwords.hash(password)


async def complete(
    uow: UnitOfWork,
    signing: SessionIssuer,
    *,
    token: str,
    password: str,
    password_hash: str,
    handle: str | None,
    device: Device,
) -> SignedIn:
    """Account, person and profile, and a session, in one transaction. Who opens the link reads the mail of the
    address, so that it is proven.

    A refusal leaves the link as it is. Raises `InvalidToken` also where the address has an owner by now.
    """
    used = await one_time_tokens.consume(uow, token, OneTimePurpose.SIGN_UP)
    application = await uow.session.get_one(SignUp, used.sign_up_id)
    handle = handle or application.handle
    problems: list[UserError] = []
    known = known_of(handle=handle, email=used.email, display_name=application.display_name)
    check_password(problems, password, "password", known=known)
    refuse(problems)
    user = User(
        handle=handle,
        email=used.email,
        email_verified_at=utcnow(),
        display_name=application.display_name,
        locale=application.locale,
        time_zone=application.time_zone,
        privacy={},
    )
    async with on_conflict(
        uow.session,
        uq_users_handle=HandleTaken(path=("handle",)),
        uq_users_email=InvalidToken(path=("token",)),
    ):
        uow.session.add(user)
    uow.session.add(Password(user_id=user.id, hash=password_hash))
    await uow.session.delete(application)
    announce(uow, user)
    return await open_session(uow, signing, user, device)


async def create_administrator(
    uow: UnitOfWork, passwords: Passwords, *, handle: str, email: str, display_name: str, password: str | None
) -> User:
    """Make an account with the role ADMIN. Its address counts as proven: whoever operates the server vouches for it.

    Without a password a link to choose one is sent to the address. Raises all that is wrong with the input,
    `HandleTaken`, `EmailTaken`.
    """
    problems: list[UserError] = []
    check_handle(problems, handle, "handle")
    checked_email = check_email(problems, email, "email")
    name = check_display_name(problems, display_name or handle, "displayName") or handle
    if password is not None:
        check_password(
            problems, password, "password", known=known_of(handle=handle, email=checked_email, display_name=name)
        )
    refuse(problems)
    user = User(
        handle=handle, email=checked_email, email_verified_at=utcnow(), display_name=name, role=Role.ADMIN, privacy={}
    )
    async with on_conflict(
        uow.session,
        uq_users_handle=HandleTaken(path=("handle",)),
        uq_users_email=EmailTaken(path=("email",)),
    ):
        uow.session.add(user)
    announce(uow, user)
    if password is None:
        uow.record(PasswordResetRequested(subject_id=user.id))
    else:
        uow.session.add(Password(user_id=user.id, hash=await passwords.hash(password)))
    return user
