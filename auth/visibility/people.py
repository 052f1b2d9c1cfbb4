"""People, and what each of them shows to whom."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    func,
    or_,
    select,
    true,
)

from auth.permissions import Permission
from auth.viewer import Viewer
from models import (
    Audience,
    Identity,
    Session,
    User,
)

PRIVACY_DEFAULTS = {
    "bio": Audience.EVERYONE,
    "interests": Audience.EVERYONE,
    "location": Audience.MEMBERS,
    "clubs": Audience.MEMBERS,
    "registrations": Audience.NOBODY,
}
"""Fields of a profile whose audience its owner chooses. Contact data is never among them."""


def field_is_visible(viewer: Viewer, user: User, field: str) -> bool:
    """Whether the viewer may read a field of a profile."""
    if viewer.id == user.id or viewer.can(Permission.USER_READ_PRIVATE):
        return True
    audience = Audience(user.privacy.get(field) or PRIVACY_DEFAULTS[field].value)
    return audience is Audience.EVERYONE or (audience is Audience.MEMBERS and viewer.user is not None)


def allows_reading(viewer: Viewer, user: Any, field: str) -> ColumnElement[bool]:
    """As `field_is_visible`, for statements; `user` is the entity or an alias of it."""
    if viewer.can(Permission.USER_READ_PRIVATE):
        return true()
    audiences = audiences_with(viewer)
    chosen = func.coalesce(user.privacy[field].astext, PRIVACY_DEFAULTS[field].value)
    allowed: ColumnElement[bool] = chosen.in_([audience.value for audience in audiences])
    return allowed if viewer.id is None else or_(allowed, user.id == viewer.id)


def audiences_with(viewer: Viewer) -> list[Audience]:
    """Return the audiences to which somebody belongs to whom a person is no more than anyone else."""
    return [Audience.EVERYONE] if viewer.user is None else [Audience.EVERYONE, Audience.MEMBERS]


def private_data_is_visible(viewer: Viewer, user: User) -> bool:
    """Full name and phone: the person and staff."""
    return viewer.id == user.id or viewer.can(Permission.USER_READ_PRIVATE)


def email_is_visible(viewer: Viewer, user: User) -> bool:
    """Return whether the viewer may read the e-mail address, proven or not: the person and administrators may."""
    return viewer.id == user.id or viewer.can(Permission.USER_READ_EMAIL)


def account_is_visible(viewer: Viewer, user: User) -> bool:
    """Platform roles, and whether the account is active: the person and administrators."""
    return viewer.id == user.id or viewer.can(Permission.USER_READ_ACCOUNT)


def users_visible_to(_viewer: Viewer) -> Select[User]:
    return select(User).where(User.is_active)


def users_readable_by(viewer: Viewer) -> Select[User]:
    """As `users_visible_to`, and to administrators people who are not active, unless their account was deleted. For
    reading alone: rules build on who is visible.
    """
    if viewer.can(Permission.USER_READ_ACCOUNT):
        return select(User).where(User.deleted_at.is_(None))
    return users_visible_to(viewer)


def identities_of(viewer: Viewer) -> Select[Identity]:
    return select(Identity).where(Identity.user_id == viewer.id)


def sessions_of(viewer: Viewer) -> Select[Session]:
    return select(Session).where(Session.user_id == viewer.id)
