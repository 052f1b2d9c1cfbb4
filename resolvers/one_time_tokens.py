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
from models import OneTimePurpose, OneTimeToken, User, utcnow
from resolvers.logins import owner_of_email

LIFETIMES = {OneTimePurpose.VERIFY_EMAIL: timedelta(days=1), OneTimePurpose.RESET_PASSWORD: timedelta(hours=1)}


class InvalidToken(UserError):
    """Unknown, used and expired alike."""

    code = ErrorCode.INVALID_TOKEN
    message = _("This link is no longer good. Ask for a new one.")


def limit_for(address: str, most: int) -> Limit:
    """Tokens that one address may try."""
    return Limit("one-time-token", network(address), most, QUARTER)


async def issue(uow: UnitOfWork, user_id: UUID, purpose: OneTimePurpose) -> str | None:
    """A new token for the address of an account; null where there is none that it could be sent to.

    Call it in the job that sends the mail: the secret is never written down anywhere else.
    """
    user = await uow.session.get(User, user_id)
    if user is None or not user.is_active:
        return None
    address = user.email or user.claimed_email
    if address is None:
        return None
    if user.email is None and await owner_of_email(uow, address) is not None:
        return None
    secret = new_secret()
    uow.session.add(
        OneTimeToken(
            token_hash=secret_hash(secret),
            user_id=user_id,
            purpose=purpose,
            email=address,
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
