"""Links sent by mail: made when the mail is sent, kept as a hash, good once and not for long."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from auth.addresses import network
from auth.throttle import QUARTER, Limit
from auth.tokens import new_secret, secret_hash
from database import UnitOfWork
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
    message = _("This link is no longer good. Ask for a new one.")


def limit_for(address: str, most: int) -> Limit:
    """Tokens that one address may try."""
    return Limit("one-time-token", network(address), most, QUARTER)


async def issue(uow: UnitOfWork, owner: User | SignUp, purpose: OneTimePurpose, *, email: str) -> str:
    """A new token, for the mail that goes to this address.

    Call it in the job that sends the mail: the secret is never written down anywhere else.
    """
    secret = new_secret()
    uow.session.add(
        OneTimeToken(
            token_hash=secret_hash(secret),
            user_id=owner.id if isinstance(owner, User) else None,
            sign_up_id=owner.id if isinstance(owner, SignUp) else None,
            purpose=purpose,
            email=email,
            expires_at=utcnow() + LIFETIMES[purpose],
        )
    )
    await uow.session.flush()
    return secret


async def consume(uow: UnitOfWork, secret: str, purpose: OneTimePurpose) -> OneTimeToken:
    """Use a token up. Of two who bring the same one, PostgreSQL lets one through. Raises `InvalidToken`."""
    now = utcnow()
    found: OneTimeToken | None = await uow.session.scalar(
        update(OneTimeToken)
        .where(
            OneTimeToken.token_hash == secret_hash(secret),
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now,
        )
        .values(used_at=now)
        .returning(OneTimeToken)
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
