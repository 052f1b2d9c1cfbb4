"""Who may take a place, and the one function that says so (`vocabulary.md`, "Capacity").

Rows are locked in one fixed order, the event and then its services by id, so that no two writers wait for each
other. The database counts what is taken by itself and refuses an oversell; the checks here give the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from database import UnitOfWork
from errors import ErrorCode, NotFound, UserError, _
from models import (
    AvailabilityChange,
    Event,
    EventStatus,
    Service,
    StreamEvent,
    utcnow,
)
from realtime.streams import availability_stream


class BookableState(Enum):
    """What a viewer may do now at an event or a service, or why not."""

    OPEN = "OPEN"
    FULL = "FULL"
    NOT_OPEN_YET = "NOT_OPEN_YET"
    CLOSED = "CLOSED"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    BOOK_SERVICES_INSTEAD = "BOOK_SERVICES_INSTEAD"
    SIGN_IN_FIRST = "SIGN_IN_FIRST"


class Full(UserError):
    code = ErrorCode.FULL
    message = _("No places are left: {taken} of {capacity} are taken.")


class Closed(UserError):
    code = ErrorCode.CLOSED
    message = _("This takes no registrations any more.")


class NotOpenYet(UserError):
    code = ErrorCode.NOT_OPEN_YET
    message = _("Booking opens at {opens_at}.")


@dataclass(frozen=True, kw_only=True)
class AvailabilityChanged(StreamEvent):
    name: ClassVar[str] = "event.availability.changed"
    subject_type: ClassVar[str] = "Event"
    taken: int
    capacity: int | None


@dataclass(eq=False)
class Locked:
    """An event and some of its services, locked until the unit of work ends."""

    event: Event
    services: Sequence[Service] = field(default_factory=list)


async def lock(uow: UnitOfWork, event_id: UUID, service_ids: Sequence[UUID] = ()) -> Locked:
    """Lock the event, then the services by id. Raises `NotFound` where one is missing or of another event."""
    event = await uow.session.scalar(
        select(Event)
        .where(Event.id == event_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if event is None:
        raise NotFound(path=("eventId",))
    if not service_ids:
        return Locked(event)
    services = (
        await uow.session.scalars(
            select(Service)
            .where(Service.id.in_(set(service_ids)), Service.event_id == event_id)
            .order_by(Service.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    ).all()
    if len(services) != len(set(service_ids)):
        raise NotFound(path=("serviceIds",))
    return Locked(event, services)


def opens_at(event: Event, window_days: int | None) -> datetime | None:
    """When booking opens: local midnight of the event's date minus the window (C3); null means it always was."""
    if window_days is None:
        return None
    zone = ZoneInfo(event.time_zone)
    day = event.starts_at.astimezone(zone).date() - timedelta(days=window_days)
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def event_state(event: Event) -> UserError | None:
    """Why nobody can take a place at the event, or null."""
    if event.status is not EventStatus.PUBLISHED or event.starts_at <= utcnow():
        return Closed()
    if event.capacity is not None and event.taken >= event.capacity:
        return Full(taken=event.taken, capacity=event.capacity)
    return None


def service_state(event: Event, service: Service) -> UserError | None:
    """Why nobody can take a place at the service, or null. The event's own capacity is not looked at here."""
    now = utcnow()
    if event.status is not EventStatus.PUBLISHED or service.cancelled_at is not None or service.starts_at <= now:
        return Closed()
    opening = opens_at(event, service.window_days)
    if opening is not None and now < opening:
        return NotOpenYet(opens_at=opening.isoformat())
    if service.taken >= service.capacity:
        return Full(taken=service.taken, capacity=service.capacity)
    return None


async def announce(uow: UnitOfWork, event: Event) -> None:
    """Add an entry to the event's availability stream. Call it last, with the event locked and all changes made."""
    await uow.session.flush()
    event.availability_sequence += 1
    await uow.session.flush()
    await uow.session.refresh(event, ["taken", "capacity"])
    services = (
        await uow.session.execute(
            select(Service.id, Service.capacity, Service.taken, Service.cancelled_at)
            .where(Service.event_id == event.id)
            .order_by(Service.starts_at, Service.id)
        )
    ).all()
    uow.session.add(
        AvailabilityChange(
            event_id=event.id,
            sequence=event.availability_sequence,
            capacity=event.capacity,
            taken=event.taken,
            services=[
                {"id": str(id), "capacity": capacity, "taken": taken, "cancelled": cancelled_at is not None}
                for id, capacity, taken, cancelled_at in services
            ],
        )
    )
    uow.record(
        AvailabilityChanged(
            subject_id=event.id,
            stream=availability_stream(event.id),
            sequence=event.availability_sequence,
            taken=event.taken,
            capacity=event.capacity,
        )
    )
