"""Platform roles, and whom staff trust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from auth.permissions import PERMISSIONS, Permission
from auth.viewer import GUEST, Viewer
from database import UnitOfWork
from errors import ErrorCode, Forbidden, NotFound, UserError, _
from models import DomainEvent, Role, User
from resolvers.core import audit


class RoleNotAssignable(UserError):
    code = ErrorCode.INVALID
    message = _("This is the role of people who are not signed in. It cannot be assigned.")


class LastAdministrator(UserError):
    code = ErrorCode.LAST_ADMINISTRATOR
    message = _("At least one administrator must remain. Make someone else an administrator first.")


@dataclass(frozen=True, kw_only=True)
class RoleAssigned(DomainEvent):
    """A change of the account."""

    name: ClassVar[str] = "user.updated"
    subject_type: ClassVar[str] = "User"
    changed: list[str]


@dataclass(frozen=True, kw_only=True)
class UserTrusted(DomainEvent):
    """A change of the account by staff."""

    name: ClassVar[str] = "user.updated"
    subject_type: ClassVar[str] = "User"
    changed: list[str]


async def assign(uow: UnitOfWork, viewer: Viewer, *, user_id: UUID, role: Role) -> User:
    """Give someone a role. Raises `LastAdministrator`, `NotFound`, `RoleNotAssignable`, `Forbidden`.

    All administrators are locked, in the order of their ids, so that two who take the role from each other at once
    cannot both succeed; the second then has no longer the right to.
    """
    actor_id = viewer.require(Permission.ROLE_ASSIGN)
    if role is Role.GUEST:
        raise RoleNotAssignable(path=("role",))
    users = await _locked(uow, User.id.in_([actor_id, user_id]))
    if actor_id not in users or Permission.ROLE_ASSIGN not in PERMISSIONS[users[actor_id].role]:
        raise Forbidden
    if user_id not in users:
        raise NotFound(path=("userId",))
    return _give(uow, viewer, users, user_id, role)


async def grant(uow: UnitOfWork, *, handle: str, role: Role) -> User:
    """Give someone a role in the name of whoever operates the server. The audit names no actor.

    Raises `LastAdministrator`, `NotFound`, `RoleNotAssignable`.
    """
    if role is Role.GUEST:
        raise RoleNotAssignable(path=("role",))
    is_named = func.lower(User.handle) == handle.lower()
    users = await _locked(uow, is_named)
    named = next((user for user in users.values() if user.handle.lower() == handle.lower()), None)
    if named is None:
        raise NotFound(path=("handle",))
    return _give(uow, GUEST, users, named.id, role)


async def _locked(uow: UnitOfWork, others: ColumnElement[bool]) -> dict[UUID, User]:
    """Lock all administrators, and others, in the order of their ids."""
    locked = await uow.session.scalars(
        select(User)
        .where(or_(others, User.role == Role.ADMIN), User.is_active)
        .order_by(User.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {user.id: user for user in locked}


def _give(uow: UnitOfWork, viewer: Viewer, users: dict[UUID, User], user_id: UUID, role: Role) -> User:
    """Give one of the locked users a role."""
    user = users.pop(user_id)
    if user.role is role:
        return user
    if user.role is Role.ADMIN and not any(map(stays_administrator, users.values())):
        raise LastAdministrator(path=("role",))
    audit.note(
        uow,
        viewer,
        "user.role.assign",
        subject_type="User",
        subject_id=user.id,
        before={"role": user.role.value},
        after={"role": role.value},
    )
    user.role = role
    uow.record(RoleAssigned(subject_id=user.id, changed=["role"]))
    return user


def stays_administrator(user: User) -> bool:
    """Whether somebody is one, and has not asked for the deletion of their account."""
    return user.role is Role.ADMIN and user.is_active and user.deletion_at is None


async def set_trusted(uow: UnitOfWork, viewer: Viewer, *, user_id: UUID, is_trusted: bool) -> User:
    """Say whether someone's events, and what they change of them, go out without a moderator."""
    viewer.require(Permission.USER_TRUST)
    user = await uow.session.get(User, user_id, populate_existing=True, with_for_update={"key_share": True})
    if user is None or not user.is_active:
        raise NotFound(path=("userId",))
    if user.is_trusted is not is_trusted:
        audit.note(
            uow, viewer, "user.trust", subject_type="User", subject_id=user.id,
            before={"isTrusted": user.is_trusted}, after={"isTrusted": is_trusted},
        )  # fmt: skip
        user.is_trusted = is_trusted
        uow.record(UserTrusted(subject_id=user.id, changed=["isTrusted"]))
        await uow.session.flush()
    return user
