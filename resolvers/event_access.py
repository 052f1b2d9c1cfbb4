"""Who may change an event. Every path that edits one goes through `editable`; what someone's part in it is worth is
said by `Part`, to mutations and to `viewerCan` alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility import EDITING_ROLES, events_visible_to
from database import UnitOfWork
from dataloaders.standings import roles_at
from errors import Forbidden, NotFound
from models import HOLDING, ClubRole, Event, EventRole, Registration, User


async def editable(uow: UnitOfWork, viewer: Viewer, event_id: UUID, *, path: tuple[str, ...] = ("eventId",)) -> Event:
    """The event, locked until the unit of work ends, if the viewer may change it.

    Raises `NotFound` where the viewer does not even see it, `Forbidden` where they only see it. The lock is the one
    of `capacity.lock`; lock services, registrations and inboxes after it.
    """
    viewer.require_user()
    event = await uow.session.scalar(
        events_visible_to(viewer)
        .where(Event.id == event_id)
        .with_for_update(key_share=True, of=Event)
        .execution_options(populate_existing=True)
    )
    if event is None:
        raise NotFound(path=path)
    if not await may_edit(uow.session, viewer, event):
        raise Forbidden(path=path)
    return event


@dataclass(frozen=True)
class Part:
    """What a viewer is to an event."""

    viewer: Viewer
    host_role: EventRole | None = None
    club_role: ClubRole | None = None
    """In the event's club, while they are a member there."""

    @classmethod
    def of(cls, viewer: Viewer, row: Any) -> Part:
        """From the columns of `dataloaders.standings.roles_at`."""
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
        """Those who run the event, moderators, administrators."""
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
        """Whether what the viewer makes of the event goes out without a moderator (C6): staff, trusted authors, and
        hosts of the event's club.
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


async def participant_ids(session: AsyncSession, event_id: UUID) -> list[UUID]:
    """Everyone who holds a place at the event and has an account still."""
    found = await session.scalars(
        select(Registration.user_id)
        .join(User, User.id == Registration.user_id)
        .where(Registration.event_id == event_id, Registration.admission.in_(HOLDING), User.is_active)
    )
    return list(found)
