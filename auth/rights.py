"""Rights at events: a viewer's part in an event, by the roles that they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.events import EDITING_ROLES
from models import (
    ClubMembership,
    ClubRole,
    Event,
    EventHost,
    EventRole,
    MembershipState,
)


def roles_at(viewer: Viewer, event: Any = Event) -> list[Any]:
    """Select the viewer's role at an event, and their role in its club while they are a member there."""
    at_event = select(EventHost.role).where(EventHost.event_id == event.id, EventHost.user_id == viewer.id)
    in_club = select(ClubMembership.role).where(
        ClubMembership.club_id == event.club_id,
        ClubMembership.user_id == viewer.id,
        ClubMembership.state == MembershipState.ACTIVE,
    )
    return [
        at_event.correlate_except(EventHost).scalar_subquery().label("host_role"),
        in_club.correlate_except(ClubMembership).scalar_subquery().label("club_role"),
    ]


@dataclass(frozen=True)
class Part:
    """A viewer's part in an event: platform role, role at the event, role in its club."""

    viewer: Viewer
    host_role: EventRole | None = None
    club_role: ClubRole | None = None
    """The role in the event's club; null unless they are a member there."""

    @classmethod
    def of(cls, viewer: Viewer, row: Any) -> Part:
        """From the columns of `roles_at`."""
        return cls(
            viewer,
            EventRole(row.host_role) if row.host_role is not None else None,
            ClubRole(row.club_role) if row.club_role is not None else None,
        )

    @property
    def rules_club(self) -> bool:
        return self.club_role in (ClubRole.OWNER, ClubRole.ADMIN)

    @property
    def runs(self) -> bool:
        """Organisers and co-organisers, owners and administrators of the event's club."""
        return self.host_role in EDITING_ROLES or self.rules_club

    @property
    def may_edit(self) -> bool:
        """Whether the viewer runs the event, or is a moderator or administrator."""
        return self.viewer.is_staff or self.runs

    @property
    def acts_as_staff(self) -> bool:
        """Whether the viewer may change the event by their platform role alone: then what they do is audited."""
        return self.viewer.is_staff and not self.runs

    @property
    def may_appoint_organizers(self) -> bool:
        return self.viewer.is_staff or self.host_role is EventRole.ORGANIZER or self.rules_club

    @property
    def is_host(self) -> bool:
        """Whoever has a role at the event, and whoever may change every event of its club."""
        return self.host_role is not None or self.rules_club

    @property
    def is_trusted(self) -> bool:
        """Whether the viewer's changes are published without a moderator: staff, trusted authors, and hosts of the
        event's club.
        """
        if self.viewer.can(Permission.EVENT_MODERATE) or (self.viewer.user is not None and self.viewer.user.is_trusted):
            return True
        return self.club_role not in (None, ClubRole.MEMBER)


async def part_at(session: AsyncSession, viewer: Viewer, event: Event) -> Part:
    """Ask for the viewer's part in an event."""
    viewer.require_user()
    return Part.of(viewer, (await session.execute(select(*roles_at(viewer, event)))).one())


async def may_edit(session: AsyncSession, viewer: Viewer, event: Event) -> bool:
    return viewer.is_staff or (await part_at(session, viewer, event)).may_edit


async def acts_as_staff(session: AsyncSession, viewer: Viewer, event: Event) -> bool:
    return viewer.is_staff and (await part_at(session, viewer, event)).acts_as_staff


async def is_trusted_with(session: AsyncSession, viewer: Viewer, event: Event) -> bool:
    return (await part_at(session, viewer, event)).is_trusted
