"""The viewer: whoever makes a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, any_, bindparam, func, select

from auth.permissions import PERMISSIONS, Permission
from database import Database
from database.rows import attributes, row_class, text_of
from errors import Forbidden, Unauthenticated
from models import Role, Session, User

STAFF = (Role.MODERATOR, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The caller of one operation. `user` is null for a guest.

    `session_id` and `expires_at` are those of the access token; a viewer made for a job has neither.
    """

    user: User | None = None
    session_id: UUID | None = None
    expires_at: datetime | None = None

    @property
    def id(self) -> UUID | None:
        return self.user.id if self.user else None

    @property
    def role(self) -> Role:
        return self.user.role if self.user else Role.GUEST

    @property
    def permissions(self) -> frozenset[Permission]:
        return PERMISSIONS[self.role]

    @property
    def is_signed_in(self) -> bool:
        """Whether there is a session that may end."""
        return self.user is not None and self.session_id is not None and self.expires_at is not None

    def can(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def is_staff(self) -> bool:
        """Moderators and administrators: they see what is hidden from others."""
        return self.role in STAFF

    def require_user(self) -> UUID:
        """Return the caller's id. Raises `Unauthenticated` for a guest."""
        if self.user is None:
            raise Unauthenticated
        return self.user.id

    def require(self, permission: Permission) -> UUID:
        user_id = self.require_user()
        if not self.can(permission):
            raise Forbidden
        return user_id


GUEST = Viewer()

IS_OPEN = and_(Session.ended_at.is_(None), Session.expires_at > func.now())
"""The condition that a session has not ended. Its user may have been deactivated all the same."""


def given_viewer(role: Role = Role.USER, *, user_id: ColumnElement[UUID] | None = None) -> Viewer:
    """Whoever is named as `viewer_id` when a statement is run: for statements that are built once for a role. Or
    everyone whose id a column has.
    """
    id = bindparam("viewer_id", type_=Uuid()) if user_id is None else user_id
    return GUEST if role is Role.GUEST else Viewer(User(id=id, role=role))


@cache
def _by_session() -> tuple[str, list[str]]:
    """Return SQL and the names of its parameters. Every request of someone signed in begins with it."""
    own = [getattr(User, name).label(name) for name in attributes(User)]
    return text_of(
        select(*own)
        .join(Session, Session.user_id == User.id)
        .where(
            Session.id == bindparam("session_id", type_=Uuid()),
            User.id == bindparam("user_id", type_=Uuid()),
            User.is_active,
            IS_OPEN,
        )
    )


async def viewer_of_session(
    database: Database, *, session_id: UUID, user_id: UUID, expires_at: datetime
) -> Viewer | None:
    """Return the viewer of a valid access token, in one statement; null once the session has ended. The user is a
    read-only row.
    """
    sql, names = _by_session()
    given = {"session_id": session_id, "user_id": user_id}
    rows = await database.fetch(sql, [given[name] for name in names], row_class(User))
    return Viewer(rows[0], session_id, expires_at) if rows else None


@cache
def _by_sessions() -> tuple[str, list[str]]:
    own = [getattr(User, name).label(name) for name in attributes(User)]
    return text_of(
        select(*own, Session.id.label("session_id"))
        .join(Session, Session.user_id == User.id)
        .where(Session.id == any_(bindparam("session_ids", type_=ARRAY(Uuid))), User.is_active, IS_OPEN)
    )


async def viewers_of_sessions(database: Database, session_ids: Sequence[UUID]) -> dict[UUID, Viewer]:
    """As `viewer_of_session`, for several whose tokens are known to be good, without those that have ended."""
    sql, _names = _by_sessions()
    rows = await database.fetch(sql, [list(session_ids)], row_class(User))
    return {row["session_id"]: Viewer(row, row["session_id"]) for row in rows}


@cache
def _roles() -> tuple[str, list[str]]:
    return text_of(
        select(Session.id.label("session_id"), User.role.label("role"))
        .join(User, Session.user_id == User.id)
        .where(Session.id == any_(bindparam("session_ids", type_=ARRAY(Uuid))), User.is_active, IS_OPEN)
    )


async def roles_of_sessions(database: Database, session_ids: Sequence[UUID]) -> dict[UUID, Role]:
    """Read the current roles of people by their sessions, without sessions that have ended. One statement."""
    sql, _names = _roles()
    return {row["session_id"]: row.role for row in await database.fetch(sql, [list(session_ids)], row_class(User))}


def still_stands(viewer: Viewer, role: Role | None) -> bool:
    """Whether a viewer of a long connection may still do all that they might, if their session has this role now, or
    none since it is over. Guests always may.
    """
    return not viewer.is_signed_in or (role is not None and viewer.permissions <= PERMISSIONS[role])
