"""A forgotten password: asking for a link, and setting a new one by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from auth.password_hashing import Passwords
from auth.throttle import HOUR, forgive, try_spend
from database import Database, UnitOfWork
from errors import UserError, refuse
from integrations.mail_addresses import login_key
from models import DomainEvent, OneTimePurpose, Password, SecurityNoticeKind, User, utcnow
from resolvers.people import accounts, known_devices, one_time_tokens, security_notices, sessions
from resolvers.people.accounts import NO_KEY
from resolvers.people.known_devices import Device, circle_columns, circle_of
from resolvers.people.logins import is_named
from resolvers.people.one_time_tokens import InvalidToken

RESETS = 5
"""Links that may be asked for within an hour: by all strangers together, and by each known device and network."""
LEVEL = 0.15
"""Seconds that asking for a link takes, whether there is such an account or not (`auth.throttle.level_time`)."""


@dataclass(frozen=True, kw_only=True)
class PasswordResetRequested(DomainEvent):
    name: ClassVar[str] = "user.password_reset.requested"
    subject_type: ClassVar[str] = "User"
    has_job: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(DomainEvent):
    name: ClassVar[str] = "user.password.changed"
    subject_type: ClassVar[str] = "User"


async def request_reset(uow: UnitOfWork, *, login: str, device: Device) -> None:
    """Have a link sent to the proven address of an account. The caller is never told whether there is one.

    Above `RESETS` an hour nothing is sent, and nothing is said of it: as many links lie in the mailbox, and each is
    good for an hour. What strangers ask for does not count for a known device or network. A known device is told.
    """
    asked = select(User.id, *circle_columns(device)).where(is_named(login_key(login)), User.is_active)
    found = (await uow.session.execute(asked.where(User.email.is_not(None)))).one_or_none()
    if found is None:
        return
    circle = circle_of(str(found.id), device, found)
    refusal = await try_spend(uow.session, circle.limit("password-reset", RESETS, HOUR))
    if refusal is None:
        uow.record(PasswordResetRequested(subject_id=found.id))
    elif circle.device_id is not None:
        raise refusal


async def prepare_reset(
    database: Database, passwords: Passwords, *, token: str, new_password: str, address: str, most_per_address: int
) -> str:
    """Check and hash a new password before any transaction is opened. Raises the problems of the input."""
    problems: list[UserError] = []
    accounts.check_password(problems, new_password, "newPassword", known=())
    refuse(problems)
    await one_time_tokens.check(
        database, token, OneTimePurpose.RESET_PASSWORD, address=address, most_per_address=most_per_address
    )
    return await passwords.hash(new_password)


async def reset(
    uow: UnitOfWork, *, token: str, new_password: str, new_hash: str, device: Device, most: int
) -> tuple[User, str]:
    """Set a new password by a mailed link. All sessions end, and all other links with them.

    Whoever knew the old password is a stranger from now on. This device and its network are known, so that the new one
    can be used here whatever strangers try. The answer has its token.
    """
    used = await one_time_tokens.consume(uow, token, OneTimePurpose.RESET_PASSWORD)
    user = await uow.session.get_one(User, used.user_id, with_for_update=NO_KEY)
    if not user.is_active or user.email != used.email:
        raise InvalidToken(path=("token",))
    problems: list[UserError] = []
    known = accounts.known_of(handle=user.handle, email=used.email, display_name=user.display_name)
    accounts.check_password(problems, new_password, "newPassword", known=known)
    refuse(problems)
    values = {"hash": new_hash, "changed_at": utcnow()}
    await uow.session.execute(
        insert(Password)
        .values(user_id=user.id, **values)
        .on_conflict_do_update(index_elements=["user_id"], set_=values)
    )
    await one_time_tokens.withdraw(uow, user.id, OneTimePurpose.RESET_PASSWORD)
    await sessions.end_all(uow, user.id)
    await known_devices.forget_all(uow, user.id)
    await forgive(uow.session, all_of=sessions.limits_on(user, device, most))
    uow.record(PasswordChanged(subject_id=user.id))
    await security_notices.write(uow, user, SecurityNoticeKind.PASSWORD_CHANGED, device=device)
    return user, await known_devices.remember(uow, user.id, device)
