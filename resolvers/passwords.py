"""A forgotten password: asking for a link, and setting a new one by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from auth.addresses import network
from auth.passwords import Passwords
from auth.throttle import QUARTER, Limit, spend, try_spend
from database import Database, UnitOfWork
from errors import UserError, refuse
from integrations.mail_addresses import login_key
from models import DomainEvent, OneTimePurpose, Password, User, utcnow
from resolvers import accounts, one_time_tokens, sessions
from resolvers.accounts import NO_KEY
from resolvers.logins import is_named
from resolvers.one_time_tokens import InvalidToken

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


def reset_limit(address: str, most: int) -> Limit:
    """Links that one address may ask for."""
    return Limit("password-reset", network(address), most, QUARTER)


async def request_reset(uow: UnitOfWork, *, login: str) -> None:
    """Have a link sent to the proven address of an account. The caller is never told whether there is one.

    Too many mails to one account are kept back in silence, since a refusal would tell.
    """
    asked = select(User.id).where(is_named(login_key(login)), User.is_active, User.email.is_not(None))
    user_id = await uow.session.scalar(asked)
    if user_id is not None and await try_spend(uow.session, accounts.mail_limit(user_id)) is None:
        uow.record(PasswordResetRequested(subject_id=user_id))


async def prepare_reset(
    database: Database, passwords: Passwords, *, new_password: str, address: str, most_per_address: int
) -> str:
    """The hash of a new password, made before any transaction is opened. Raises what is wrong with it."""
    problems: list[UserError] = []
    accounts.check_password(problems, new_password, "newPassword", known=())
    refuse(problems)
    await spend(database, one_time_tokens.limit_for(address, most_per_address))
    return await passwords.hash(new_password)


async def reset(uow: UnitOfWork, *, token: str, new_password: str, new_hash: str) -> User:
    """Set a new password by a mailed link. All sessions end, and all other links with them."""
    used = await one_time_tokens.consume(uow, token, OneTimePurpose.RESET_PASSWORD)
    user = await uow.session.get_one(User, used.user_id, with_for_update=NO_KEY)
    if not user.is_active or user.email != used.email:
        raise InvalidToken(path=("token",))
    problems: list[UserError] = []
    known = (user.handle, used.email, used.email.partition("@")[0], user.display_name)
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
    uow.record(PasswordChanged(subject_id=user.id))
    return user
