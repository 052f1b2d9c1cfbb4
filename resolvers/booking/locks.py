"""Locking events and services in the order that every write follows: events by id, then services by id."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    or_,
    select,
)

from auth.rights import may_edit
from auth.viewer import Viewer, given_viewer
from auth.visibility.events import events_visible_to, hosted_by
from database import UnitOfWork
from errors import Forbidden, NotFound
from models import (
    Event,
    Role,
    Service,
    is_over,
    utcnow,
)


async def editable(uow: UnitOfWork, viewer: Viewer, event_id: UUID, *, path: tuple[str, ...] = ("eventId",)) -> Event:
    """Return the event, locked until the unit of work ends, if the viewer may change it.

    Raises `NotFound` where the viewer does not even see it, `Forbidden` where they only see it. The lock is the one
    of `lock_events`; lock services, registrations and inboxes after it.
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


@dataclass(eq=False)
class LockedEvent:
    """An event and some of its services, locked until the unit of work ends."""

    event: Event
    services: Sequence[Service] = field(default_factory=list)


async def lock(
    uow: UnitOfWork, event_id: UUID, service_ids: Collection[UUID] = (), *, viewer: Viewer | None = None
) -> LockedEvent:
    """Lock an event, then services of it by id. With a viewer, the event must be visible to them.

    Raises `NotFound` where one is missing, hidden, or of another event.
    """
    events = await lock_events(uow, [event_id], viewer=viewer)
    if not events:
        raise NotFound(path=("eventId",))
    services = await lock_services(uow, service_ids) if service_ids else []
    if len(services) != len(set(service_ids)) or any(service.event_id != event_id for service in services):
        raise NotFound(path=("serviceIds",))
    return LockedEvent(events[0], services)


async def lock_events(uow: UnitOfWork, event_ids: Collection[UUID], *, viewer: Viewer | None = None) -> Sequence[Event]:
    """Lock the events that exist and that the viewer may see, in the order of their ids."""
    statement = _locking(None if viewer is None else viewer.role)
    values = {"event_ids": list(event_ids), "viewer_id": viewer and viewer.id}
    found = await uow.session.scalars(statement, values)
    return found.all()


@cache
def _locking(role: Role | None) -> Select[Event]:
    """Built once for each role: what a role sees is a long statement, and the viewer's id is given when it is run."""
    there = select(Event).where(Event.deleted_at.is_(None))
    chosen = there if role is None else events_visible_to(given_viewer(role))
    return (
        chosen.where(Event.id == any_(bindparam("event_ids", type_=ARRAY(Uuid))))
        .order_by(Event.id)
        .with_for_update(key_share=True, of=Event)
        .execution_options(populate_existing=True)
    )


async def lock_events_of_club(uow: UnitOfWork, club_id: UUID, *, user_id: UUID) -> Sequence[UUID]:
    """Lock the club's events that are not over, and those at which this person has a role, in their order. Answers the
    ids of those that are not over.
    """
    is_coming = and_(~is_over(Event.ends_at, utcnow()), Event.deleted_at.is_(None))
    found = await uow.session.execute(
        select(Event.id, is_coming.label("is_coming"))
        .where(Event.club_id == club_id, or_(is_coming, Event.id.in_(hosted_by(user_id))))
        .order_by(Event.id)
        .with_for_update(key_share=True, of=Event)
    )
    return [row.id for row in found if row.is_coming]


async def lock_services(uow: UnitOfWork, service_ids: Collection[UUID]) -> Sequence[Service]:
    """Return the services, locked in the order of their ids. Their events must be locked before."""
    found = await uow.session.scalars(
        select(Service)
        .where(Service.id.in_(service_ids), Service.deleted_at.is_(None))
        .order_by(Service.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.all()
