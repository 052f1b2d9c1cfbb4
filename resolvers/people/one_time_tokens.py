"""Links sent by mail: made when the mail is sent, kept as a hash, good once and not for long."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from auth.addresses import network
from auth.throttle import QUARTER, AttemptLimit, spend
from auth.tokens import new_secret, secret_hash
from database import Database, UnitOfWork
from errors import ErrorCode, UserError, _
from models import OneTimePurpose, OneTimeToken, SignUp, User, utcnow

LIFETIMES = {
    OneTimePurpose.SIGN_UP: timedelta(days=1),
    OneTimePurpose.VERIFY_EMAIL: timedelta(days=1),
    OneTimePurpose.RESET_PASSWORD: timedelta(hours=1),
}


class InvalidToken(UserError):
    """Unknown, used and expired alike."""

    code = ErrorCode.INVALID_TOKEN
    message = _("This link is no longer valid. Request a new one.")


async def check(
    database: Database, secret: str, purpose: OneTimePurpose, *, address: str, most_per_address: int
) -> None:
    """Refuse a token that is not good, before anything is done for it. Raises `InvalidToken`, `RateLimited`.

    Only such tokens are counted: whatever others try from the same network, a good link works.
    """
    async with database.reading() as session:
        if await session.scalar(select(OneTimeToken.token_hash).where(*_is_good(secret, purpose))) is not None:
            return
    await spend(database, AttemptLimit("one-time-token", network(address), most_per_address, QUARTER))
    raise InvalidToken(path=("token",))


def _is_good(secret: str, purpose: OneTimePurpose) -> list[ColumnElement[bool]]:
    return [
        OneTimeToken.token_hash == secret_hash(secret),
        OneTimeToken.purpose == purpose,
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > utcnow(),
    ]


async def issue(uow: UnitOfWork, owner: User | SignUp, purpose: OneTimePurpose, *, email: str) -> tuple[str, datetime]:
    """Make a token for the mail that goes to this address. Returns it and the moment at which it expires.

    Call it in the job that sends the mail: the secret is never written down anywhere else.
    """
    secret, expires_at = new_secret(), utcnow() + LIFETIMES[purpose]
    uow.session.add(
        OneTimeToken(
            token_hash=secret_hash(secret),
            user_id=owner.id if isinstance(owner, User) else None,
            sign_up_id=owner.id if isinstance(owner, SignUp) else None,
            purpose=purpose,
            email=email,
            expires_at=expires_at,
        )
    )
    await uow.session.flush()
    return secret, expires_at


async def consume(uow: UnitOfWork, secret: str, purpose: OneTimePurpose) -> OneTimeToken:
    """Use a token up. Of two who bring the same one, PostgreSQL lets one through. Raises `InvalidToken`."""
    found: OneTimeToken | None = await uow.session.scalar(
        update(OneTimeToken).where(*_is_good(secret, purpose)).values(used_at=utcnow()).returning(OneTimeToken)
    )
    if found is None:
        raise InvalidToken(path=("token",))
    return found


async def withdraw(uow: UnitOfWork, user_id: UUID, purpose: OneTimePurpose) -> None:
    """Make all other tokens of this kind useless."""
    await uow.session.execute(
        update(OneTimeToken)
        .where(OneTimeToken.user_id == user_id, OneTimeToken.purpose == purpose, OneTimeToken.used_at.is_(None))
        .values(used_at=utcnow())
    )
