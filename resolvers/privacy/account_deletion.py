"""Deleting one's account: asked for, taken back, and carried out once its time has come.

Until then everything stays as it is and the owner can sign in. What is carried out is one transaction, decided by the
lock on the person's row: whoever takes it back at the same moment comes before or after, and a job that runs twice, or
was killed, finds it done or undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from auth.viewer import Viewer
from database import UnitOfWork
from errors import ErrorCode, Required, Unauthenticated, UserError, _, _n, refuse
from models import (
    HOLDING,
    Club,
    ClubMembership,
    ClubRole,
    DomainEvent,
    Event,
    EventHost,
    EventRole,
    EventStatus,
    MembershipState,
    Password,
    Registration,
    Role,
    SecurityNoticeKind,
    Session,
    User,
    is_over,
    utcnow,
)
from resolvers.core import audit
from resolvers.people import credentials, security_notices, sessions
from resolvers.people.accounts import NO_KEY
from resolvers.people.known_devices import Device
from resolvers.people.roles import LastAdministrator, stays_administrator
from resolvers.people.sessions import PasswordProof

FRESH = timedelta(minutes=10)
"""Since signing in: whoever has no password shows in this way that it is them."""
MOST = 20
"""Clubs and events that a refusal names."""


class SignInAgain(UserError):
    code = ErrorCode.SIGN_IN_AGAIN
    message = _("Sign in again, so that we know it is you, and repeat this within 10 minutes.")


class OnlyOwner(UserError):
    code = ErrorCode.LAST_OWNER
    message = _n(
        "{count} club with other members has no other owner. Make someone else an owner first.",
        "{count} clubs with other members have no other owner. Make someone else an owner first.",
        by="count",
    )


class OnlyOrganizer(UserError):
    code = ErrorCode.LAST_ORGANIZER
    message = _n(
        "{count} upcoming event with participants has no other organizer. Make someone else one, or cancel it first.",
        "{count} upcoming events with participants have no other organizer. Make someone else one, "
        "or cancel them first.",
        by="count",
    )


@dataclass(frozen=True, kw_only=True)
class AccountDeletionAsked(DomainEvent):
    name: ClassVar[str] = "user.deletion.asked"
    subject_type: ClassVar[str] = "User"


@dataclass(frozen=True, kw_only=True)
class AccountDeletionCancelled(DomainEvent):
    name: ClassVar[str] = "user.deletion.cancelled"
    subject_type: ClassVar[str] = "User"


async def ask(
    uow: UnitOfWork, viewer: Viewer, proof: PasswordProof | None, *, grace: timedelta, device: Device
) -> User:
    """Have one's account deleted after the grace time. All other sessions end; the owner is told by mail.

    Asking again changes nothing. Raises `WrongPassword`, `Required` or `SignInAgain` where nothing shows that it
    is the owner; `OnlyOwner`, `OnlyOrganizer` and `LastAdministrator` where others would be left alone.
    """
    user_id = viewer.require_user()
    # In the order of locks. Of two owners who ask at once, the second one finds the first going.
    await uow.session.execute(_owned(user_id).order_by(Club.id).with_for_update(key_share=True, of=Club))
    await uow.session.execute(_organized(user_id).order_by(Event.id).with_for_update(key_share=True, of=Event))
    administrators = await _lock_with_administrators(uow, user_id)
    user = await _proven(uow, viewer, proof)
    if user.deletion_at is not None:
        return user
    problems = [
        *_refusal(OnlyOwner, Club, await _found(uow, _owned(user_id).where(_left_without_owner(user_id)))),
        *_refusal(OnlyOrganizer, Event, await _found(uow, _organized(user_id).where(_left_without_organizer(user_id)))),
    ]
    if user.role is Role.ADMIN and not any(one.id != user_id and stays_administrator(one) for one in administrators):
        problems.append(LastAdministrator())
    refuse(problems)
    audit.note(
        uow, viewer, "user.deletion.ask", subject_type="User", subject_id=user_id,
        after={"deletionAt": utcnow() + grace},
    )  # fmt: skip
    user.deletion_at = utcnow() + grace
    await sessions.end_all(uow, user_id, but=viewer.session_id)
    uow.record(AccountDeletionAsked(subject_id=user_id))
    await security_notices.write(uow, user, SecurityNoticeKind.DELETION_ASKED, device=device)
    return user


async def cancel(uow: UnitOfWork, viewer: Viewer, *, device: Device) -> User:
    """Keep one's account after all. Where nothing was asked for, nothing happens."""
    user_id = viewer.require_user()
    user = await _locked(uow, user_id)
    if user.deletion_at is None:
        return user
    audit.note(
        uow, viewer, "user.deletion.cancel", subject_type="User", subject_id=user_id,
        before={"deletionAt": user.deletion_at},
    )  # fmt: skip
    user.deletion_at = None
    uow.record(AccountDeletionCancelled(subject_id=user_id))
    await security_notices.write(uow, user, SecurityNoticeKind.DELETION_CANCELLED, device=device)
    return user


async def _proven(uow: UnitOfWork, viewer: Viewer, proof: PasswordProof | None) -> User:
    """Lock the caller's account if a password or a fresh session proves that its owner calls."""
    if proof is not None:
        return await credentials.proven(uow, viewer, proof)
    user_id = viewer.require_user()
    has_password = select(exists().where(Password.user_id == user_id))
    if await uow.session.scalar(has_password):
        raise Required(path=("currentPassword",))
    signed_in = await uow.session.scalar(select(Session.created_at).where(Session.id == viewer.session_id))
    if signed_in is None or signed_in <= utcnow() - FRESH:
        raise SignInAgain
    return await _locked(uow, user_id)


async def _locked(uow: UnitOfWork, user_id: UUID) -> User:
    """Lock the caller's account. Raises `Unauthenticated` if it was deleted in the meantime."""
    user = await uow.session.get_one(User, user_id, with_for_update=NO_KEY, populate_existing=True)
    if not user.is_active:
        raise Unauthenticated
    return user


async def _lock_with_administrators(uow: UnitOfWork, user_id: UUID) -> Sequence[User]:
    """Lock the person and all administrators, as `roles.assign` does."""
    found = await uow.session.scalars(
        select(User)
        .where(or_(User.id == user_id, User.role == Role.ADMIN), User.is_active)
        .order_by(User.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


def _refusal(kind: type[UserError], entity: Any, found: Sequence[UUID]) -> list[UserError]:
    if not found:
        return []
    return [kind(count=len(found), conflicts_with=[entity(id=id) for id in found[:MOST]])]


async def _found(uow: UnitOfWork, ids: Select[UUID]) -> Sequence[UUID]:
    return (await uow.session.scalars(ids)).all()


def _owned(user_id: UUID) -> Select[UUID]:
    """Ids of the clubs that somebody owns, with others or alone."""
    own = aliased(ClubMembership)
    return (
        select(Club.id)
        .join(own, own.club_id == Club.id)
        .where(own.user_id == user_id, own.role == ClubRole.OWNER, own.state == MembershipState.ACTIVE)
    )


def _left_without_owner(user_id: UUID) -> ColumnElement[bool]:
    """Return the condition that a club has other members, but no other owner who stays."""
    other, member = aliased(ClubMembership), aliased(ClubMembership)
    is_owner = and_(other.role == ClubRole.OWNER, other.state == MembershipState.ACTIVE)
    owners = exists().where(
        other.club_id == Club.id, other.user_id != user_id, is_owner, User.id == other.user_id, STAYS
    )
    members = exists().where(
        member.club_id == Club.id, member.user_id != user_id, member.state == MembershipState.ACTIVE
    )
    return and_(members, ~owners)


def _organized(user_id: UUID) -> Select[UUID]:
    """Ids of the coming events that somebody organizes, with others or alone."""
    own = aliased(EventHost)
    return (
        select(Event.id)
        .join(own, own.event_id == Event.id)
        .where(own.user_id == user_id, own.role == EventRole.ORGANIZER)
        .where(~is_over(Event.ends_at, func.now()), Event.status == EventStatus.PUBLISHED, Event.deleted_at.is_(None))
    )


def _left_without_organizer(user_id: UUID) -> ColumnElement[bool]:
    """Return the condition that others have places at an event, but no other organizer stays."""
    other = aliased(EventHost)
    is_organizer = and_(other.event_id == Event.id, other.role == EventRole.ORGANIZER)
    organizers = exists().where(is_organizer, other.user_id != user_id, User.id == other.user_id, STAYS)
    participants = exists().where(
        Registration.event_id == Event.id, Registration.user_id != user_id, Registration.admission.in_(HOLDING)
    )
    return and_(participants, ~organizers)


STAYS = User.is_active & User.deletion_at.is_(None)
