"""Sessions: signing in by password, trading refresh tokens, signing out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.password_hashing import Passwords
from auth.sealing import Sealer
from auth.throttle import QUARTER, AttemptLimit, count, forgive, refusal_of, try_spend
from auth.tokens import Tokens, new_secret, secret_hash
from auth.viewer import Viewer
from auth.visibility.people import sessions_of
from database import Database, UnitOfWork
from errors import ErrorCode, NotFound, UserError, _
from integrations.mail_addresses import login_key
from models import (
    DomainEvent,
    Password,
    RefreshToken,
    SecurityNoticeKind,
    Session,
    User,
    utcnow,
    uuid7,
)
from resolvers.people import security_notices
from resolvers.people.known_devices import AttemptScope, Device, circle_columns, circle_of, is_strange, remember
from resolvers.people.logins import is_named

LONGEST_TRIED = 1000
"""A longer password is wrong without being hashed as it is."""


class InvalidCredentials(UserError):
    """Unknown login and wrong password alike, and a right one for an account on which strangers try too many."""

    code = ErrorCode.INVALID_CREDENTIALS
    message = _(
        "Wrong login or password. After many failed attempts, wait 15 minutes or request a link to set a new password."
    )


class SessionEnded(UserError):
    """Unknown, expired and ended alike."""

    code = ErrorCode.SESSION_ENDED
    message = _("This session has ended. Sign in again.")


@dataclass(frozen=True, kw_only=True)
class UserSignedIn(DomainEvent):
    name: ClassVar[str] = "user.signed_in"
    subject_type: ClassVar[str] = "User"
    session_id: UUID


@dataclass(frozen=True, kw_only=True)
class SessionClosed(DomainEvent):
    name: ClassVar[str] = "user.session.ended"
    subject_type: ClassVar[str] = "Session"
    user_id: UUID


@dataclass(frozen=True)
class SignedIn:
    user: User
    access_token: str
    access_token_expires_at: datetime
    refresh_token: str
    device_token: str | None = None
    """The token that identifies the device when it signs in again. Null if it only goes on with its session."""


@dataclass(frozen=True)
class SessionIssuer:
    """The means of making sessions and tokens: keys, and lifetimes by the settings."""

    tokens: Tokens
    sealer: Sealer
    idle: timedelta
    longest: timedelta
    grace: timedelta

    def end_of(self, session: Session) -> datetime:
        """When a session ends that is used now, unless it is used again before."""
        return min(utcnow() + self.idle, session.created_at + self.longest)

    def successors(self, refresh_token: str) -> list[str]:
        """Compute the successors of a refresh token, one for each secret. They are stored nowhere, so that a repeated
        request gets the same token.
        """
        return self.sealer.marks("refresh tokens", refresh_token.encode("utf-8", "surrogatepass"))

    def signed_in(self, user: User, session: Session, refresh_token: str, device_token: str | None = None) -> SignedIn:
        access_token, expires_at = self.tokens.issue(user.id, session.id, until=session.expires_at)
        return SignedIn(user, access_token, expires_at, refresh_token, device_token)


@dataclass(frozen=True)
class PasswordProof:
    """A login and password that fitted a moment ago, and what counted the attempt."""

    user_id: UUID
    hash: str
    new_hash: str | None
    of_account: tuple[AttemptLimit, ...]
    of_network: tuple[AttemptLimit, ...]


async def prove(
    database: Database,
    passwords: Passwords,
    *,
    login: str,
    password: str,
    device: Device,
    most: int,
    most_per_address: int,
) -> PasswordProof:
    """Check a login and a password, before any transaction is opened. Raises `InvalidCredentials`, `RateLimited`.

    The caller is told of a limit only where it depends on nothing but what was done from their own network, or by a
    device that the account knows. What is counted for the account, for handle and address together and for all
    strangers, must tell nobody that the two belong together, or that there is such an account: once it is exceeded, the
    right password is wrong, too. An unknown login costs the same as a known one.
    """
    key = login_key(login)
    by_login = select(User.id, Password.hash, *circle_columns(device)).join(Password, Password.user_id == User.id)
    async with database.reading() as session:
        found = (await session.execute(by_login.where(is_named(key), User.is_active))).one_or_none()
    circle = circle_of(str(found.id) if found else key, device, found)
    of_account = (circle.limit("sign-in-account", most, QUARTER),)
    told: tuple[AttemptLimit, ...] = of_account
    of_network: tuple[AttemptLimit, ...] = ()
    if circle.device_id is None:
        told = (_limit_here(key, device, most),)
        of_network = (AttemptLimit("sign-in-from", device.network, most_per_address, QUARTER),)
    limits = {*told, *of_account, *of_network}
    async with database.writing() as uow:
        exceeded = await count(uow.session, *limits)
        if of_account[0] in exceeded:
            # Counted for unknown logins too: how long it takes must not tell whether there is an account.
            is_news = await try_spend(uow.session, AttemptLimit("locked-out", circle.account, 1, QUARTER)) is None
            if is_news and found is not None:
                user = await uow.session.get_one(User, found.id)
                await security_notices.write(uow, user, SecurityNoticeKind.LOCKED_OUT, device=device)
        if exceeded.keys() & {*told}:
            # Nothing is tried, so nothing was wrong.
            await forgive(uow.session, all_of=(), one_of=of_network)
    refusal = refusal_of({limit: seconds for limit, seconds in exceeded.items() if limit in (*told, *of_network)})
    if refusal is not None:
        raise refusal
    fits = await passwords.verify(found.hash if found else None, password[:LONGEST_TRIED])
    if found is None or not fits or exceeded:
        raise InvalidCredentials
    new_hash = await passwords.hash(password) if passwords.needs_rehash(found.hash) else None
    return PasswordProof(found.id, found.hash, new_hash, (*{*told, *of_account},), of_network)


async def sign_in(uow: UnitOfWork, signing: SessionIssuer, proof: PasswordProof, device: Device) -> SignedIn:
    """Open a session. Raises `InvalidCredentials` where the password was changed since it was checked."""
    kept = await uow.session.get(Password, proof.user_id, with_for_update=True)
    user = await uow.session.get(User, proof.user_id)
    if kept is None or kept.hash != proof.hash or user is None or not user.is_active:
        raise InvalidCredentials
    if proof.new_hash is not None:
        kept.hash = proof.new_hash
    done = await open_session(uow, signing, user, device)
    await forgive(uow.session, all_of=proof.of_account, one_of=proof.of_network)
    return done


def limits_on(user: User, device: Device, most: int) -> list[AttemptLimit]:
    """All that may keep someone out of an account who comes from this network with the right password."""
    circles = [AttemptScope(str(user.id)), AttemptScope(str(user.id), network=device.network)]
    keys = [login.lower() for login in (user.handle, user.email) if login]
    return [
        *(circle.limit("sign-in-account", most, QUARTER) for circle in circles),
        *(_limit_here(key, device, most) for key in keys),
    ]


def _limit_here(key: str, device: Device, most: int) -> AttemptLimit:
    """Wrong passwords for a login from one network, whether there is such an account or not."""
    return AttemptLimit("sign-in", f"{key} {device.network}", most, QUARTER)


async def open_session(uow: UnitOfWork, signing: SessionIssuer, user: User, device: Device) -> SignedIn:
    session = Session(
        id=uuid7(),
        user_id=user.id,
        user_agent=device.user_agent[:400] or None,
        address=device.address[:64] or None,
        created_at=utcnow(),
    )
    session.expires_at = signing.end_of(session)
    uow.session.add(session)
    await uow.session.flush()
    uow.record(UserSignedIn(subject_id=user.id, session_id=session.id))
    secret = new_secret()
    await _keep(uow, session, secret)
    if await is_strange(uow, user.id, device):
        await security_notices.write(uow, user, SecurityNoticeKind.NEW_DEVICE, device=device)
    return signing.signed_in(user, session, secret, await remember(uow, user.id, device))


async def _keep(uow: UnitOfWork, session: Session, secret: str) -> None:
    await uow.session.execute(insert(RefreshToken).values(token_hash=secret_hash(secret), session_id=session.id))


async def refresh(uow: UnitOfWork, signing: SessionIssuer, *, refresh_token: str) -> SignedIn | UserError:
    """Trade a refresh token for new tokens. A refusal is returned, because ending the session must be committed.

    For a short while the same token gets the same successor once more, as long as nobody has traded that: two tabs of
    one browser, say, or an answer that was lost. Otherwise whoever brings a traded token may have stolen it, or it was
    stolen from them: the session ends for both.
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
    # What others did until they let go of the lock is seen by statements that begin after it.
    used_at = await uow.session.scalar(select(RefreshToken.used_at).where(RefreshToken.token_hash == hashed))
    user = await uow.session.get(User, session.user_id)
    ends = signing.end_of(session)
    if session.ended_at is not None or min(session.expires_at, ends) <= utcnow() or user is None or not user.is_active:
        return SessionEnded(path=("refreshToken",))
    successors = signing.successors(refresh_token)
    if used_at is None:
        await uow.session.execute(
            update(RefreshToken).where(RefreshToken.token_hash == hashed).values(used_at=func.clock_timestamp())
        )
        await _keep(uow, session, successors[0])
        session.last_used_at, session.expires_at = utcnow(), ends
        return signing.signed_in(user, session, successors[0])
    again = await _unused(uow, successors, since=used_at, grace=signing.grace)
    if again is None:
        _end(uow, session)
        return SessionEnded(path=("refreshToken",))
    return signing.signed_in(user, session, again)


async def _unused(uow: UnitOfWork, successors: list[str], *, since: datetime, grace: timedelta) -> str | None:
    """Return the successor of a token that was traded at `since`, while it may be given out once more."""
    hashes = {secret_hash(one): one for one in successors}
    # PostgreSQL's clock, as it has set `since`.
    is_early = literal(since) + grace > func.clock_timestamp()
    found = await uow.session.scalar(
        select(RefreshToken.token_hash).where(
            RefreshToken.token_hash.in_(hashes), RefreshToken.used_at.is_(None), is_early
        )
    )
    return hashes[found] if found is not None else None


def _end(uow: UnitOfWork, session: Session) -> None:
    session.ended_at = utcnow()
    uow.record(SessionClosed(subject_id=session.id, user_id=session.user_id))


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


async def end_all(uow: UnitOfWork, user_id: UUID, *, only: UUID | None = None, but: UUID | None = None) -> int:
    """End all sessions of a user, or one, or all but one; how many there were. Locked in the order of their ids."""
    open_ones = select(Session).where(Session.user_id == user_id, Session.ended_at.is_(None))
    if only is not None:
        open_ones = open_ones.where(Session.id == only)
    if but is not None:
        open_ones = open_ones.where(Session.id != but)
    found = (await uow.session.scalars(open_ones.order_by(Session.id).with_for_update())).all()
    for session in found:
        _end(uow, session)
    return len(found)
