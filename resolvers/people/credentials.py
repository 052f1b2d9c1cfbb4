"""Changing how one signs in: password, e-mail address, outside identities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import func, select

from auth.password_hashing import Passwords
from auth.throttle import HOUR, AttemptLimit, forgive, try_spend
from auth.viewer import Viewer
from auth.visibility.people import identities_of
from database import Database, UnitOfWork
from errors import ErrorCode, NotFound, UserError, _, refuse
from models import DomainEvent, Identity, OneTimePurpose, Password, SecurityNoticeKind, User, utcnow
from resolvers.people import accounts, known_devices, one_time_tokens, security_notices, sessions
from resolvers.people.accounts import NO_KEY, EmailVerificationRequested, UserUpdated
from resolvers.people.known_devices import Device
from resolvers.people.passwords import PasswordChanged
from resolvers.people.sessions import InvalidCredentials, PasswordProof

EMAIL_CHANGES = 5
"""Addresses that someone asks for within an hour."""


class WrongPassword(UserError):
    """A wrong current password, and a right one for an account on which strangers try too many."""

    code = ErrorCode.INVALID_CREDENTIALS
    message = _(
        "This is not your current password. After many failed attempts, wait 15 minutes or request a "
        "link to set a new password."
    )


class SamePassword(UserError):
    code = ErrorCode.INVALID
    message = _("This is already your password. Choose another one.")


class LastWayIn(UserError):
    code = ErrorCode.LAST_WAY_IN
    message = _("This is the only way to sign in to the account. Choose a password first.")


@dataclass(frozen=True, kw_only=True)
class IdentityUnlinked(DomainEvent):
    name: ClassVar[str] = "user.identity.unlinked"
    subject_type: ClassVar[str] = "User"
    issuer: str


async def prove_password(
    database: Database,
    passwords: Passwords,
    viewer: Viewer,
    *,
    password: str,
    device: Device,
    most: int,
    most_per_address: int,
) -> PasswordProof:
    """Check that the caller knows the password of their own account, before any transaction is opened.

    A stolen access token alone must not be enough to take the account over. Wrong passwords count as at sign-in, and
    they alone: a right one is given back at once, whatever becomes of what it is needed for. Who has no password
    chooses one by `requestPasswordReset`. Raises `WrongPassword`, `RateLimited`.
    """
    viewer.require_user()
    try:
        proof = await sessions.prove(
            database,
            passwords,
            login=viewer.user.handle if viewer.user is not None else "",
            password=password,
            device=device,
            most=most,
            most_per_address=most_per_address,
        )
    except InvalidCredentials as error:
        raise WrongPassword(path=("currentPassword",)) from error
    async with database.writing() as uow:
        await forgive(uow.session, all_of=proof.of_account, one_of=proof.of_network)
    return proof


async def new_password_hash(passwords: Passwords, viewer: Viewer, new_password: str, *, current: str) -> str:
    """Hash a new password, before any transaction is opened. Raises what is wrong with it."""
    user = viewer.user
    problems: list[UserError] = []
    known: tuple[str | None, ...] = ()
    if user is not None:
        known = accounts.known_of(handle=user.handle, email=user.email, display_name=user.display_name)
    accounts.check_password(problems, new_password, "newPassword", known=known)
    if new_password == current:
        problems.append(SamePassword(path=("newPassword",)))
    refuse(problems)
    return await passwords.hash(new_password)


async def change_password(
    uow: UnitOfWork, viewer: Viewer, proof: PasswordProof, *, new_hash: str, device: Device
) -> tuple[User, str]:
    """Set another password. All other sessions end, and so do links to a new one; the owner is told by mail.

    Other devices become strangers. The answer has the token of this one.
    """
    user = await proven(uow, viewer, proof)
    kept = await uow.session.get_one(Password, user.id)
    kept.hash, kept.changed_at = new_hash, utcnow()
    await one_time_tokens.withdraw(uow, user.id, OneTimePurpose.RESET_PASSWORD)
    await sessions.end_all(uow, user.id, but=viewer.session_id)
    await known_devices.forget_all(uow, user.id)
    uow.record(PasswordChanged(subject_id=user.id))
    await security_notices.write(uow, user, SecurityNoticeKind.PASSWORD_CHANGED, device=device)
    return user, await known_devices.remember(uow, user.id, device)


async def change_email(uow: UnitOfWork, viewer: Viewer, proof: PasswordProof, *, email: str, device: Device) -> User:
    """Ask for another address. It counts once the link sent there is opened; until then the old one does, and is told.

    Whether the new one is known here does not show. Raises `InvalidEmail`, `RateLimited`.
    """
    problems: list[UserError] = []
    email = accounts.check_email(problems, email, "email")
    refuse(problems)
    user = await proven(uow, viewer, proof)
    if email == user.email and user.email_verified_at is not None:
        user.claimed_email = None
        return user
    changes = AttemptLimit("email-change", str(user.id), EMAIL_CHANGES, HOUR)
    if (refusal := await try_spend(uow.session, changes)) is not None:
        raise refusal
    user.claimed_email = email
    await one_time_tokens.withdraw(uow, user.id, OneTimePurpose.VERIFY_EMAIL)
    # In this order: mail for an earlier claim is not sent once a later one is on record (`jobs/people/mail.py`).
    uow.record(UserUpdated(subject_id=user.id, changed=["claimedEmail"]))
    uow.record(EmailVerificationRequested(subject_id=user.id))
    await security_notices.write(uow, user, SecurityNoticeKind.EMAIL_CHANGE_ASKED, device=device)
    return user


async def unlink_identity(uow: UnitOfWork, viewer: Viewer, *, identity_id: UUID, device: Device) -> Sequence[Identity]:
    """Take an outside identity away, unless nothing else is left to sign in with. What is left."""
    user = await uow.session.get_one(User, viewer.require_user(), with_for_update=NO_KEY)
    found = (await uow.session.scalars(identities_of(viewer).order_by(Identity.created_at, Identity.id))).all()
    chosen = next((one for one in found if one.id == identity_id), None)
    if chosen is None:
        raise NotFound(path=("identityId",))
    has_password = await uow.session.scalar(select(func.count()).where(Password.user_id == user.id))
    if len(found) == 1 and not has_password:
        raise LastWayIn(path=("identityId",))
    await uow.session.delete(chosen)
    uow.record(IdentityUnlinked(subject_id=user.id, issuer=chosen.issuer))
    await security_notices.write(uow, user, SecurityNoticeKind.PROVIDER_UNLINKED, device=device)
    return [one for one in found if one is not chosen]


async def proven(uow: UnitOfWork, viewer: Viewer, proof: PasswordProof) -> User:
    """Lock the caller's account. Raises `WrongPassword` if the password was changed since it was checked."""
    user = await uow.session.get_one(User, viewer.require_user(), with_for_update=NO_KEY)
    kept = await uow.session.get(Password, user.id, with_for_update=True, populate_existing=True)
    if proof.user_id != user.id or kept is None or kept.hash != proof.hash or not user.is_active:
        raise WrongPassword(path=("currentPassword",))
    return user
