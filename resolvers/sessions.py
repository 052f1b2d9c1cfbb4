"""Sessions: signing in by password, trading refresh tokens, signing out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.addresses import network
from auth.passwords import Passwords
from auth.throttle import QUARTER, Limit, forgive, spend
from auth.tokens import Tokens, new_secret, secret_hash
from auth.viewer import Viewer
from auth.visibility import sessions_of
from database import Database, UnitOfWork
from errors import ErrorCode, NotFound, UserError, _
from integrations.mail_addresses import login_key
from models import DomainEvent, Password, RefreshToken, Session, StreamEvent, User, utcnow
from realtime.streams import access_stream
from resolvers.logins import is_named

LONGEST_TRIED = 1000
"""A longer password is wrong without being hashed as it is."""


class InvalidCredentials(UserError):
    """Unknown login and wrong password alike."""

    code = ErrorCode.INVALID_CREDENTIALS
    message = _("Wrong login or password.")


class SessionEnded(UserError):
    """Unknown, expired and ended alike."""

    code = ErrorCode.SESSION_ENDED
    message = _("This session has ended. Sign in again.")


class TokenJustUsed(UserError):
    """Another request traded the same token while this one was under way. Its answer has the new tokens."""

    code = ErrorCode.INVALID_TOKEN
    message = _("Another request has just traded this token in.")


@dataclass(frozen=True, kw_only=True)
class UserSignedIn(DomainEvent):
    name: ClassVar[str] = "user.signed_in"
    subject_type: ClassVar[str] = "User"
    session_id: UUID


@dataclass(frozen=True, kw_only=True)
class SessionClosed(StreamEvent):
    """Goes to the person's access stream, so that the open streams and sockets of the session end."""

    name: ClassVar[str] = "user.session.ended"
    subject_type: ClassVar[str] = "Session"
    user_id: UUID


@dataclass(frozen=True)
class Device:
    """What is noted of the client, so that people know their sessions apart."""

    user_agent: str = ""
    address: str = ""


@dataclass(frozen=True)
class SignedIn:
    user: User
    access_token: str
    access_token_expires_at: datetime
    refresh_token: str


@dataclass(frozen=True)
class Proof:
    """A login and password that fitted a moment ago."""

    user_id: UUID
    hash: str
    new_hash: str | None
    account: Limit
    address: Limit


async def prove(
    database: Database,
    passwords: Passwords,
    *,
    login: str,
    password: str,
    address: str,
    most: int,
    most_per_address: int,
) -> Proof:
    """Check a login and a password, before any transaction is opened. Raises `InvalidCredentials`, `RateLimited`.

    An unknown login costs the same: it is counted and a password is verified all the same. Handle and e-mail address of
    one account are counted apart: one count for both would tell strangers that they belong together.
    """
    key = login_key(login)
    of_account = Limit("sign-in", key, most, QUARTER)
    of_address = Limit("sign-in-from", network(address), most_per_address, QUARTER)
    await spend(database, of_account, of_address)
    by_login = select(User.id, Password.hash).join(Password, Password.user_id == User.id)
    async with database.reading() as session:
        found = (await session.execute(by_login.where(is_named(key), User.is_active))).one_or_none()
    fits = await passwords.verify(found.hash if found else None, password[:LONGEST_TRIED])
    if found is None or not fits:
        raise InvalidCredentials
    new_hash = await passwords.hash(password) if passwords.needs_rehash(found.hash) else None
    return Proof(found.id, found.hash, new_hash, of_account, of_address)


async def sign_in(uow: UnitOfWork, tokens: Tokens, proof: Proof, device: Device, *, lifetime: float) -> SignedIn:
    """Open a session. Raises `InvalidCredentials` where the password was changed since it was checked."""
    kept = await uow.session.get(Password, proof.user_id, with_for_update=True)
    user = await uow.session.get(User, proof.user_id)
    if kept is None or kept.hash != proof.hash or user is None or not user.is_active:
        raise InvalidCredentials
    if proof.new_hash is not None:
        kept.hash = proof.new_hash
    done = await open_session(uow, tokens, user, device, lifetime=lifetime)
    await forgive(uow.session, account=proof.account, address=proof.address)
    return done


async def open_session(uow: UnitOfWork, tokens: Tokens, user: User, device: Device, *, lifetime: float) -> SignedIn:
    session = Session(
        user_id=user.id,
        user_agent=device.user_agent[:400] or None,
        address=device.address[:64] or None,
        expires_at=utcnow() + timedelta(seconds=lifetime),
    )
    uow.session.add(session)
    await uow.session.flush()
    uow.record(UserSignedIn(subject_id=user.id, session_id=session.id))
    return await _new_tokens(uow, tokens, user, session.id)


async def _new_tokens(uow: UnitOfWork, tokens: Tokens, user: User, session_id: UUID) -> SignedIn:
    secret = new_secret()
    await uow.session.execute(insert(RefreshToken).values(token_hash=secret_hash(secret), session_id=session_id))
    access_token, expires_at = tokens.issue(user.id, session_id)
    return SignedIn(user, access_token, expires_at, secret)


async def refresh(uow: UnitOfWork, tokens: Tokens, *, refresh_token: str, lifetime: float) -> SignedIn | UserError:
    """Trade a refresh token for new tokens. A refusal is returned, because ending the session must be committed.

    Who brings a used token may have stolen it, or it was stolen from them: the session ends for both. But a token
    that was used while this very request waited for the lock was no old one: two tabs of one browser, say. Then one
    of them gets tokens, the other a refusal, and the session lives.
    """
    hashed = secret_hash(refresh_token)
    session = await uow.session.scalar(
        select(Session)
        .join(RefreshToken, RefreshToken.session_id == Session.id)
        .where(RefreshToken.token_hash == hashed)
        .with_for_update(of=Session)
    )
    if session is None:
        return SessionEnded(path=("refreshToken",))
    # The transaction began before it waited for the lock, and both times are PostgreSQL's.
    token = (
        await uow.session.execute(
            select(RefreshToken.used_at, func.now().label("began_at")).where(RefreshToken.token_hash == hashed)
        )
    ).one()
    user = await uow.session.get(User, session.user_id)
    if session.ended_at is not None or session.expires_at <= utcnow() or user is None or not user.is_active:
        return SessionEnded(path=("refreshToken",))
    if token.used_at is not None and token.used_at >= token.began_at:
        return TokenJustUsed(path=("refreshToken",))
    if token.used_at is not None:
        _end(uow, session)
        return SessionEnded(path=("refreshToken",))
    await uow.session.execute(
        update(RefreshToken).where(RefreshToken.token_hash == hashed).values(used_at=func.clock_timestamp())
    )
    session.last_used_at = utcnow()
    session.expires_at = utcnow() + timedelta(seconds=lifetime)
    return await _new_tokens(uow, tokens, user, session.id)


def _end(uow: UnitOfWork, session: Session) -> None:
    session.ended_at = utcnow()
    uow.record(
        SessionClosed(subject_id=session.id, user_id=session.user_id, stream=access_stream(session.user_id), sequence=0)
    )


async def sign_out(uow: UnitOfWork, viewer: Viewer) -> None:
    """End the session that the caller's access token belongs to. A second time nothing happens."""
    user_id = viewer.require_user()
    if viewer.session_id is not None:
        await end_all(uow, user_id, only=viewer.session_id)


async def revoke(uow: UnitOfWork, viewer: Viewer, *, session_id: UUID) -> Session:
    """End one of one's own sessions."""
    viewer.require_user()
    session = await uow.session.scalar(sessions_of(viewer).where(Session.id == session_id).with_for_update())
    if session is None:
        raise NotFound(path=("sessionId",))
    if session.ended_at is None:
        _end(uow, session)
    return session


async def end_all(uow: UnitOfWork, user_id: UUID, *, only: UUID | None = None) -> int:
    """End all sessions of a user, or one; how many there were. Locked in the order of their ids."""
    open_ones = select(Session).where(Session.user_id == user_id, Session.ended_at.is_(None))
    if only is not None:
        open_ones = open_ones.where(Session.id == only)
    found = (await uow.session.scalars(open_ones.order_by(Session.id).with_for_update())).all()
    for session in found:
        _end(uow, session)
    return len(found)
