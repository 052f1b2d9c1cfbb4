"""Who may change an event. Every path that edits one goes through `editable`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility import EDITING_ROLES, clubs_hosted_by, clubs_ruled_by, events_visible_to
from database import UnitOfWork
from errors import Forbidden, NotFound
from models import HOLDING, ClubMembership, Event, EventHost, Registration, User


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


async def may_edit(session: AsyncSession, viewer: Viewer, event: Event) -> bool:
    """Those who run the event, moderators, administrators."""
    return viewer.is_staff or await runs(session, viewer, event)


async def runs(session: AsyncSession, viewer: Viewer, event: Event) -> bool:
    """Organisers and co-organisers, owners and administrators of the event's club."""
    if viewer.id is None:
        return False
    hosting = select(EventHost.event_id).where(
        EventHost.event_id == event.id, EventHost.user_id == viewer.id, EventHost.role.in_(EDITING_ROLES)
    )
    ruling = clubs_ruled_by(viewer.id).where(ClubMembership.club_id == event.club_id)
    return await session.scalar(hosting.union_all(ruling).limit(1)) is not None


async def acts_as_staff(session: AsyncSession, viewer: Viewer, event: Event) -> bool:
    """Whether the viewer may change the event by their platform role alone: then what they do is audited."""
    return viewer.is_staff and not await runs(session, viewer, event)


async def is_trusted_with(session: AsyncSession, viewer: Viewer, event: Event) -> bool:
    """Whether what the viewer makes of the event goes out without a moderator (C6): staff, trusted authors, and hosts
    of the event's club.
    """
    if viewer.can(Permission.EVENT_MODERATE) or (viewer.user is not None and viewer.user.is_trusted):
        return True
    hosted = clubs_hosted_by(viewer.require_user()).where(ClubMembership.club_id == event.club_id)
    return bool(await session.scalar(select(hosted.exists())))


async def participant_ids(session: AsyncSession, event_id: UUID) -> list[UUID]:
    """Everyone who holds a place at the event and has an account still."""
    found = await session.scalars(
        select(Registration.user_id)
        .join(User, User.id == Registration.user_id)
        .where(Registration.event_id == event_id, Registration.admission.in_(HOLDING), User.is_active)
    )
    return list(found)
