"""Writing changed places: the one call of `database/functions/change_places.sql`, and what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    column,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from auth.viewer import Viewer
from database.rows import row_class
from dataloaders.core.rule_statements import Statement
from models import Admission, Attendance, Booking, Event, Registration
from resolvers.booking.changes import (
    EventFacts,
    Facts,
    PersonFacts,
    PlaceFacts,
    ServiceFacts,
)

CHANGED = {
    "kind": Text(),
    **{name: Booking.__table__.c[name].type for name in (
        "id", "event_id", "service_id", "user_id", "admission", "attendance", "note", "staff_note", "recorded_by_id",
        "created_at", "updated_at", "cancelled_at", "cancel_reason",
    )},
    "sequence": BigInteger(),
    "capacity": Integer(),
    "taken": Integer(),
}  # fmt: skip
"""What `change_places` answers of each row."""


PARAMETERS = ("seen", "wanted", "moment")


FULL = ("ck_events_taken_within_capacity", "ck_services_taken_within_capacity")
"""Constraints that refuse a place which somebody else took in between."""


MOMENT = bindparam("moment", type_=Registration.created_at.type)


def changed_places() -> Any:
    """Return the call of `change_places`, as a part of a statement."""
    seen, wanted = (bindparam(name, type_=JSONB()) for name in ("seen", "wanted"))
    call = func.change_places(seen, wanted, MOMENT)
    rows = call.table_valued(*(column(name, type_) for name, type_ in CHANGED.items()), name="places")
    return select(*rows.c).cte("changed")


def _write(_viewer: Viewer) -> Select[Any]:
    return select(*changed_places().c)


def _write_silently(_viewer: Viewer) -> Select[Any]:
    places = changed_places()
    return select(*places.c).where(places.c.kind == "entry")


WRITE: dict[type, Statement] = {
    rows: Statement(_write, given=PARAMETERS, rows=row_class(rows)) for rows in (Registration, Booking)
}
"""By the rows that the caller wants: the others come as the same ones. Of events, the entries of streams alone."""
WRITE[Event] = Statement(_write_silently, given=PARAMETERS, rows=row_class(Event))


def _lock(_viewer: Viewer) -> Select[Any]:
    chosen = Event.id == any_(bindparam("event_ids", type_=ARRAY(Uuid)))
    return select(Event.id).where(chosen).order_by(Event.id).with_for_update(key_share=True)


LOCK = Statement(_lock, given=("event_ids",))


def values_of(facts: Facts, *, recorded_by_id: UUID, is_locked: bool, in_order: bool) -> dict[str, Any]:
    """Return what `change_places` is given. Under the lock nobody else changes places, so no person is compared."""
    touched = [one for one in facts.people.values() if _is_touched(one)]
    at = facts.announced | {one.event_id for one in touched}
    seen = {
        "events": [_seen_event(facts, facts.events[id], in_order=in_order) for id in sorted(at)],
        "services": [{"id": str(one.id), "updated_at": one.updated_at} for one in _touched_services(facts, touched)],
        "people": [] if is_locked else [_seen_person(one) for one in touched],
    }
    wanted: dict[str, list[Any]] = {
        "new_registrations": [],
        "revived_registrations": [],
        "ended_registrations": [],
        "new_bookings": [],
        "revived_bookings": [],
        "ended_bookings": [],
        "events": [
            {"id": str(one.id), "capacity": one.capacity}
            for one in facts.events.values()
            if one.capacity != one.seen_capacity
        ],
        "services": [
            {"id": str(one.id), "capacity": one.capacity}
            for one in facts.services.values()
            if one.capacity != one.seen_capacity
        ],
        "announced": sorted(map(str, facts.announced)),
    }
    for person in touched:
        place = person.registration
        common = {
            "event_id": str(person.event_id),
            "user_id": str(person.user_id),
            "recorded_by_id": str(recorded_by_id),
            "attendance": Attendance.EXPECTED,
        }
        if place.has_come:
            wanted[f"{_how(place)}_registrations"].append(_written(place, common))
        elif place.admission is not place.seen:
            wanted["ended_registrations"].append(
                {
                    "id": str(place.id),
                    "admission": place.admission,
                    "ends": place.has_ended,
                    "tells": place.has_ended or place.admission is Admission.REJECTED,
                    "reason": place.reason,
                }
            )
        for service_id, booking in person.bookings.items():
            if booking.has_come:
                written = {**_written(booking, common), "service_id": str(service_id)}
                wanted[f"{_how(booking)}_bookings"].append(written)
            elif booking.has_ended:
                wanted["ended_bookings"].append(
                    {"id": str(booking.id), "admission": booking.admission, "reason": booking.reason}
                )
    return {"seen": seen, "wanted": wanted}


def _written(place: PlaceFacts, common: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": str(place.id), "admission": place.admission, "note": place.note, **common}


def _how(place: PlaceFacts) -> str:
    """Say whether there has been a row before."""
    return "new" if place.seen is None else "revived"


def _is_touched(person: PersonFacts) -> bool:
    places = (person.registration, *person.bookings.values())
    return any(one.admission is not one.seen for one in places)


def _touched_services(facts: Facts, people: Iterable[PersonFacts]) -> list[ServiceFacts]:
    touched = {
        service_id
        for person in people
        for service_id, booking in person.bookings.items()
        if booking.admission is not booking.seen
    }
    return [one for one in facts.services.values() if one.id in touched or one.capacity != one.seen_capacity]


def _seen_event(facts: Facts, event: EventFacts, *, in_order: bool) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "updated_at": event.updated_at,
        "services": [*map(str, event.offered)] if event.id in facts.leaned_on else None,
        "sequence": event.availability_sequence if in_order else None,
    }


def _seen_person(person: PersonFacts) -> dict[str, Any]:
    places = (person.registration, *person.bookings.values())
    return {
        "event_id": str(person.event_id),
        "user_id": str(person.user_id),
        "admission": person.registration.seen,
        "entry": person.entry if any(one.has_come for one in places) else None,
        "bookings": {str(id): one.seen for id, one in person.bookings.items() if one.seen} if person.bookings else None,
    }
