"""What must hold of events, their services and hosts."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, and_, exists, func, literal, select

from models import Admission, Event, EventHost, EventStatus, EventWords, Registration, Service
from resolvers.core.invariants import declare, found, words


def _removed_with_role() -> Select[UUID, str]:
    return (
        select(EventHost.event_id, func.concat("is hosted by one who was put out of it: ", EventHost.user_id))
        .join(
            Registration,
            and_(Registration.event_id == EventHost.event_id, Registration.user_id == EventHost.user_id),
        )
        .where(Registration.admission == Admission.REJECTED)
    )


def _service_above_event() -> Select[UUID, str]:
    return (
        select(Service.id, found(capacity=Service.capacity, event=Event.capacity))
        .join(Event, Event.id == Service.event_id)
        .where(Service.cancelled_at.is_(None), Service.capacity > Event.capacity)
    )


def _service_apart_from_archive() -> Select[UUID, str]:
    return (
        select(Service.id, found(archived=Service.is_archived, event=Event.status))
        .join(Event, Event.id == Service.event_id)
        .where(Service.is_archived != (Event.status == EventStatus.ARCHIVED))
    )


def _services_without_limit() -> Select[UUID, str]:
    offering = exists().where(Service.event_id == Event.id, Service.cancelled_at.is_(None))
    return select(Event.id, literal("offers services without a capacity")).where(Event.capacity.is_(None), offering)


declare(
    {
        "service is not larger than its event": _service_above_event(),
        "service is archived with its event": _service_apart_from_archive(),
        "event with services has a capacity": _services_without_limit(),
        "who was put out of an event has no role": _removed_with_role(),
        "event is found by its words": words(
            Event, EventWords, EventWords.event_id, "starts_at", "created_at", "is_archived", "words"
        ),
    }
)
