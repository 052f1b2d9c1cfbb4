"""Profiles: what people say about themselves, and who may read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

import phonenumbers

from auth.permissions import Permission
from auth.viewer import Viewer
from database import UnitOfWork, on_conflict
from errors import ErrorCode, Forbidden, NotFound, UserError, _, check_text, refuse
from models import DomainEvent, User, utcnow
from resolvers.core import audit
from resolvers.core.time_zones import check_time_zone
from resolvers.people.accounts import HandleTaken, check_handle, check_locale

HANDLE_REST = timedelta(days=30)
"""The time before a changed handle may change again, so that nobody slips from name to name."""
HOME_REGION = "RU"
"""The region whose telephone numbers may be written without a country code."""
EARLIEST_BIRTH = date(1900, 1, 1)

SPELLINGS = {
    "display_name": "displayName",
    "first_name": "firstName",
    "last_name": "lastName",
    "birth_date": "birthDate",
    "time_zone": "timeZone",
}
"""Columns that clients spell otherwise."""


class InvalidPhone(UserError):
    code = ErrorCode.INVALID_PHONE
    message = _("This is not a telephone number.")


class InvalidBirthDate(UserError):
    code = ErrorCode.INVALID
    message = _("A birth date must be between 1900 and today.")


class HandleChangedRecently(UserError):
    code = ErrorCode.HANDLE_CHANGED_RECENTLY
    message = _("The handle was changed recently. It may be changed again after {opens_at}.")


@dataclass(frozen=True, kw_only=True)
class ProfileUpdated(DomainEvent):
    """Once for each committed change. Names what changed, never the values."""

    name: ClassVar[str] = "user.profile.updated"
    subject_type: ClassVar[str] = "User"
    changed: Sequence[str]


async def update(uow: UnitOfWork, viewer: Viewer, *, user_id: UUID | None, changes: Mapping[str, Any]) -> User:
    """Change a profile: one's own, or with USER_EDIT someone else's.

    `changes` has the columns that were given; null empties one. What is equal to what stands there already is no
    change.
    """
    user = await locked(uow, viewer, user_id)
    problems = _foreign(viewer, user, changes)
    checked = {name: CHECKS[name](problems, value, SPELLINGS.get(name, name)) for name, value in changes.items()}
    changed = {name: value for name, value in checked.items() if getattr(user, name) != value}
    if "handle" in changed and viewer.id == user.id:
        _rest_handle(problems, user)
    refuse(problems)
    if not changed:
        return user
    if viewer.id != user.id:
        _leave_trail(uow, viewer, user, changed)
    async with on_conflict(uow.session, uq_users_handle=HandleTaken(path=("handle",))):
        for name, value in changed.items():
            setattr(user, name, value)
    uow.record(ProfileUpdated(subject_id=user.id, changed=sorted(SPELLINGS.get(name, name) for name in changed)))
    return user


async def locked(uow: UnitOfWork, viewer: Viewer, user_id: UUID | None) -> User:
    """Lock the row to change. Raises `NotFound` for an unknown user, `Forbidden` for someone else's profile."""
    own_id = viewer.require_user()
    wanted = user_id or own_id
    user = await uow.session.get(User, wanted, populate_existing=True, with_for_update={"key_share": True})
    may_edit = viewer.can(Permission.USER_EDIT)
    if user is None or user.deleted_at is not None or not (user.is_active or may_edit):
        raise NotFound(path=("userId",))
    if wanted != own_id and not may_edit:
        raise Forbidden(path=("userId",))
    return user


def _foreign(viewer: Viewer, user: User, changes: Mapping[str, Any]) -> list[UserError]:
    """Return the problems with fields that only the person may write, and with fields that the person may not write."""
    problems: list[UserError] = []
    if viewer.id != user.id and "birth_date" in changes:
        problems.append(Forbidden(path=("birthDate",)))
    if "comment" in changes and not viewer.can(Permission.USER_EDIT):
        problems.append(Forbidden(path=("comment",)))
    return problems


def _check_handle(problems: list[UserError], value: str, *path: str) -> str:
    check_handle(problems, value, *path)
    return value


def _check_phone(problems: list[UserError], value: str | None, *path: str) -> str | None:
    """Return the number in E.164. An empty one becomes null."""
    if value is None or not value.strip():
        return None
    try:
        number = phonenumbers.parse(value, HOME_REGION)
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        pass
    problems.append(InvalidPhone(path=path))
    return None


def _check_time_zone(problems: list[UserError], value: str, *path: str) -> str:
    check_time_zone(problems, value, *path)
    return value


def _check_locale(problems: list[UserError], value: str, *path: str) -> str:
    check_locale(problems, value, *path)
    return value


def _check_birth_date(problems: list[UserError], value: date | None, *path: str) -> date | None:
    if value is not None and not EARLIEST_BIRTH <= value <= utcnow().date():
        problems.append(InvalidBirthDate(path=path))
    return value


check_display_name = partial(check_text, maximum=100, required=True)
CHECKS: dict[str, Callable[..., Any]] = {
    "handle": _check_handle,
    "display_name": check_display_name,
    "bio": partial(check_text, maximum=2000, multiline=True),
    "location": partial(check_text, maximum=100),
    "first_name": partial(check_text, maximum=100),
    "last_name": partial(check_text, maximum=100),
    "patronymic": partial(check_text, maximum=100),
    "birth_date": _check_birth_date,
    "phone": _check_phone,
    "locale": _check_locale,
    "time_zone": _check_time_zone,
    "comment": partial(check_text, maximum=2000, multiline=True),
}
"""The check of each column. It returns the value as it is stored."""


def _rest_handle(problems: list[UserError], user: User) -> None:
    """Start the rest of a changed handle, unless the last one lasts."""
    now = utcnow()
    if user.handle_changed_at is not None and now < user.handle_changed_at + HANDLE_REST:
        problems.append(HandleChangedRecently(path=("handle",), opens_at=user.handle_changed_at + HANDLE_REST))
    else:
        user.handle_changed_at = now


def _leave_trail(uow: UnitOfWork, viewer: Viewer, user: User, changed: Mapping[str, Any]) -> None:
    before = {name: getattr(user, name) for name in changed}
    audit.note(uow, viewer, "user.edit", subject_type="User", subject_id=user.id, before=before, after=dict(changed))
