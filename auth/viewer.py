"""Who is calling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.permissions import PERMISSIONS, Permission
from database import Database
from errors import Forbidden, Unauthenticated
from models import Role, Session, User, utcnow
from models.rows import attributes, row_class, text_of


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
        return self.role in (Role.MODERATOR, Role.ADMIN)

    def require_user(self) -> UUID:
        """The caller's id. Raises `Unauthenticated` for a guest."""
        if self.user is None:
            raise Unauthenticated
        return self.user.id

    def require(self, permission: Permission) -> UUID:
        user_id = self.require_user()
        if not self.can(permission):
            raise Forbidden
        return user_id


GUEST = Viewer()


def given_viewer(role: Role = Role.USER) -> Viewer:
    """Whoever is named as `viewer_id` when a statement is run: for statements that are built once for a role."""
    return GUEST if role is Role.GUEST else Viewer(User(id=bindparam("viewer_id", type_=Uuid()), role=role))


@cache
def _by_session() -> tuple[str, list[str]]:
    """SQL and the names of its parameters. Every request of someone signed in begins with it."""
    own = [getattr(User, name).label(name) for name in attributes(User)]
    return text_of(
        select(*own)
        .join(Session, Session.user_id == User.id)
        .where(
            Session.id == bindparam("session_id", type_=Uuid()),
            User.id == bindparam("user_id", type_=Uuid()),
            User.is_active,
            Session.ended_at.is_(None),
            Session.expires_at > func.now(),
        )
    )


async def viewer_of_session(
    database: Database, *, session_id: UUID, user_id: UUID, expires_at: datetime
) -> Viewer | None:
    """The viewer behind a valid access token, in one statement; null once the session has ended. The user is a
    read-only row.
    """
    sql, names = _by_session()
    given = {"session_id": session_id, "user_id": user_id}
    rows = await database.fetch(sql, [given[name] for name in names], row_class(User))
    return Viewer(rows[0], session_id, expires_at) if rows else None


async def viewer_still_valid(session: AsyncSession, viewer: Viewer) -> bool:
    """Whether a viewer of a long connection is still signed in, in the same role. Guests always are what they were."""
    return (await viewers_still_valid(session, [viewer]))[0]


async def roles_of_sessions(session: AsyncSession, viewers: Sequence[Viewer]) -> dict[UUID, Role]:
    """The roles that the viewers have now, by their sessions, without those that have ended. One statement."""
    asked = [viewer.session_id for viewer in viewers if viewer.is_signed_in]
    if not asked:
        return {}
    found = await session.execute(
        select(Session.id, User.role)
        .join(User, Session.user_id == User.id)
        .where(
            Session.id == any_(literal(asked, ARRAY(Uuid()))),
            User.is_active,
            Session.ended_at.is_(None),
            Session.expires_at > utcnow(),
        )
    )
    return dict(found.all())


async def viewers_still_valid(session: AsyncSession, viewers: Sequence[Viewer]) -> list[bool]:
    """As `viewer_still_valid`, for many in one statement."""
    roles = await roles_of_sessions(session, viewers)
    return [one.session_id is None or not one.is_signed_in or roles.get(one.session_id) is one.role for one in viewers]
