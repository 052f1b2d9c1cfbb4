"""Two things at one time: for a person, and at a venue. Warned of or refused, by the setting TIME_CONFLICTS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, CTE, String, Uuid, and_, exists, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import JSONB

from auth.viewer import Viewer
from auth.visibility.events import events_visible_to
from database import UnitOfWork
from errors import ErrorCode, UserError, UserErrors, _
from models import HOLDING, Base, Booking, Event, EventHost, EventStatus, Registration, Service, Venue

MOST = 3
"""Conflicts that are told of one place."""
KINDS: dict[str, type[Base]] = {"Event": Event, "Service": Service}


class Policy(Enum):
    """What becomes of a conflict."""

    OFF = "off"
    WARN = "warn"
    REFUSE = "refuse"


class TimeConflict(UserError):
    code = ErrorCode.TIME_CONFLICT
    message = _("There is something else at this time, from {starts_at} to {ends_at}.")


def held_by(person_id: Any) -> CTE:
    """Return what takes a person's time: services with a place, and events that they take part in without one."""
    of_service = (
        select(
            literal("Service", String).label("kind"),
            Service.id,
            Service.event_id,
            Service.starts_at,
            Service.ends_at,
            Event.time_zone,
        )
        .join(Booking, Booking.service_id == Service.id)
        .join(Event, Event.id == Service.event_id)
        .where(Booking.user_id == person_id, Booking.admission.in_(HOLDING), Service.cancelled_at.is_(None))
    )
    is_booked = exists().where(
        Booking.event_id == Registration.event_id, Booking.user_id == person_id, Booking.admission.in_(HOLDING)
    )
    of_event = (
        select(
            literal("Event", String).label("kind"),
            Event.id,
            Event.id.label("event_id"),
            Event.starts_at,
            Event.ends_at,
            Event.time_zone,
        )
        .join(Registration, Registration.event_id == Event.id)
        .where(Registration.user_id == person_id, Registration.admission.in_(HOLDING), ~is_booked)
    )
    is_out = Event.status == EventStatus.PUBLISHED
    return union_all(of_service.where(is_out), of_event.where(is_out)).cte("held")


async def of_person(
    uow: UnitOfWork, viewer: Viewer, policy: Policy, person_id: UUID, taken: Mapping[UUID, tuple[str, ...]]
) -> list[TimeConflict]:
    """Return what else the person does while the services and events in `taken` last; values are paths of the input.

    To be called once the places are written. Raises them all instead where conflicts are refused: the person is locked
    then, so that two requests at once cannot miss each other.
    """
    if policy is Policy.OFF:
        return []
    await uow.session.flush()
    if policy is Policy.REFUSE:
        await _lock_person(uow, person_id)
    held = held_by(literal(person_id, Uuid()))
    mine, other = held.alias("mine"), held.alias("other")
    visible = events_visible_to(viewer).with_only_columns(Event.id)
    clashes = (
        select(mine.c.id.label("taken_id"), other)
        .join(other, and_(other.c.id != mine.c.id, _overlap(mine.c, other.c)))
        .where(mine.c.id.in_(taken), other.c.event_id.in_(visible))
        .order_by(mine.c.id, other.c.starts_at, other.c.id)
    )
    found: dict[UUID, list[Any]] = {}
    for row in await uow.session.execute(clashes):
        found.setdefault(row.taken_id, []).append(row)
    return _judged(policy, [_conflict(path, found[one]) for one, path in taken.items() if one in found])


async def of_event(uow: UnitOfWork, viewer: Viewer, policy: Policy, event: Event, *path: str) -> list[TimeConflict]:
    """Return what else there is at the time of an event: at its venue, and for the viewer if they run it.

    To be called once the event is written. Raises instead where conflicts are refused: venue and person are locked
    then.
    """
    if policy is Policy.OFF:
        return []
    await uow.session.flush()
    found = (await _at_venue(uow, viewer, policy, event), await _of_host(uow, viewer, policy, event))
    return _judged(policy, [_conflict(path, rows) for rows in found if rows])


async def _of_host(uow: UnitOfWork, viewer: Viewer, policy: Policy, event: Event) -> Sequence[Any]:
    """Return where the viewer has a place at the time of an event that they run."""
    person_id = viewer.require_user()
    if policy is Policy.REFUSE:
        await _lock_person(uow, person_id)
    held = held_by(literal(person_id, Uuid()))
    runs = exists().where(EventHost.event_id == event.id, EventHost.user_id == person_id)
    clashes = (
        select(held)
        .where(runs, held.c.event_id != event.id, _overlap(held.c, event))
        .order_by(held.c.starts_at, held.c.id)
        .limit(MOST)
    )
    return (await uow.session.execute(clashes)).all()


async def _lock_person(uow: UnitOfWork, person_id: UUID) -> None:
    await uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(person_id), 0))))


async def _at_venue(uow: UnitOfWork, viewer: Viewer, policy: Policy, event: Event) -> Sequence[Any]:
    """Return the events that are out at the same venue and time, as far as the viewer sees them."""
    if policy is Policy.REFUSE:
        await uow.session.execute(select(Venue.id).where(Venue.id == event.venue_id).with_for_update(key_share=True))
    clashes = (
        events_visible_to(viewer)
        .where(
            Event.venue_id == event.venue_id,
            Event.id != event.id,
            Event.status == EventStatus.PUBLISHED,
            Event.starts_at < event.ends_at,
            Event.ends_at > event.starts_at,
        )
        .with_only_columns(
            literal("Event", String).label("kind"), Event.id, Event.starts_at, Event.ends_at, Event.time_zone
        )
        .order_by(Event.starts_at, Event.id)
        .limit(MOST)
    )
    return (await uow.session.execute(clashes)).all()


def conflicts_column(person_id: Any) -> Any:
    """Return what else a person does while an event lasts, as a column of a statement that reads events.

    For the rule that writes by one statement, which cannot look again. `of_column` reads it.
    """
    held = held_by(person_id)
    one = func.jsonb_build_array(held.c.kind, held.c.id, held.c.starts_at, held.c.ends_at, held.c.time_zone)
    clashes = (
        select(one)
        .where(held.c.event_id != Event.id, _overlap(held.c, Event))
        .order_by(held.c.starts_at, held.c.id)
        .limit(MOST)
        .correlate(Event)
    )
    return func.array(clashes.scalar_subquery(), type_=ARRAY(JSONB))


def of_column(found: Sequence[Any], *path: str) -> list[TimeConflict]:
    """Return the conflicts that `conflicts_column` has found."""
    rows = [
        Clash(kind, UUID(id), datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at), time_zone)
        for kind, id, starts_at, ends_at, time_zone in found
    ]
    return [_conflict(path, rows)] if rows else []


class Clash(NamedTuple):
    """What takes place at the same time."""

    kind: str
    id: UUID
    starts_at: datetime
    ends_at: datetime
    time_zone: str


def _overlap(one: Any, other: Any) -> Any:
    return and_(one.starts_at < other.ends_at, one.ends_at > other.starts_at)


def _judged(policy: Policy, conflicts: list[TimeConflict]) -> list[TimeConflict]:
    if conflicts and policy is Policy.REFUSE:
        raise UserErrors(conflicts)
    return conflicts


def _conflict(path: Sequence[str], rows: Sequence[Any]) -> TimeConflict:
    first = rows[0]
    starts_at: datetime = first.starts_at
    return TimeConflict(
        path=path,
        starts_at=starts_at,
        ends_at=first.ends_at,
        time_zone=first.time_zone,
        conflicts_with=[KINDS[row.kind](id=row.id) for row in rows[:MOST]],
    )
