"""Looking at events, services and people before places change: one statement without locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    column,
    func,
    or_,
    select,
    text,
    union,
)

from auth.viewer import Viewer
from auth.visibility.events import events_visible_to
from database.rows import row_class
from dataloaders.booking.registrations import entry
from dataloaders.core.rule_statements import Statement
from dataloaders.core.selects import columns_of
from models import HOLDING, Admission, Booking, Event, Registration, Service
from resolvers.booking.bookability import BookableState
from resolvers.booking.changes import (
    EventFacts,
    Facts,
    PersonFacts,
    PlaceFacts,
    ServiceFacts,
)


class Sight(Enum):
    """Which events a look shows."""

    VISIBLE = "VISIBLE"
    """Events that the viewer may see, for changes that they ask for."""
    ALL = "ALL"
    """Any events, for rules that have found and locked them themselves."""


@dataclass(frozen=True)
class Scope:
    """What a look has to bring, as its statement depends on it."""

    sight: Sight
    has_services: bool
    """Whether services and bookings matter, or the event alone."""
    clears: bool
    """Whether people are found by what they have booked."""


LOOKED_AT = (
    "id", "title", "status", "time_zone", "starts_at", "ends_at", "capacity", "taken", "updated_at", "price_amount",
    "price_currency", "availability_sequence",
)  # fmt: skip


def looking(viewer: Viewer, scope: Scope, *more: Any) -> Select[Any]:
    """Select a row for each event: what rules ask of it, of its services, and of some people there. No lock is taken.

    `more` are further columns, for the news of a change.
    """
    columns = [*columns_of(Event, LOOKED_AT), _offered().label("offered"), _people(scope).label("people"), *more]
    if scope.has_services:
        columns.append(_services(viewer, scope).label("services"))
    chosen = Event.id == any_(bindparam("event_ids", type_=ARRAY(Uuid)))
    if scope.has_services:
        asked = select(Service.event_id).where(Service.id == any_(bindparam("service_ids", type_=ARRAY(Uuid))))
        chosen = or_(chosen, Event.id.in_(asked))
    events = events_visible_to(viewer) if scope.sight is Sight.VISIBLE else select(Event)
    return events.where(chosen).with_only_columns(*columns)


GIVEN = ("event_ids", "service_ids", "user_ids")
"""Parameters of a look."""


def _offered() -> Any:
    found = select(Service.id).where(Service.event_id == Event.id, Service.cancelled_at.is_(None)).order_by(Service.id)
    return func.array(found.correlate(Event).scalar_subquery(), type_=ARRAY(Uuid))


def _services(viewer: Viewer, scope: Scope) -> Any:
    """All services of the event; where somebody asks for them, those that were not deleted."""
    one = func.jsonb_build_array(
        Service.id, Service.service_type_id, Service.starts_at, Service.ends_at, Service.capacity, Service.taken,
        Service.window_days, Service.cancelled_at.is_not(None), Service.updated_at,
    )  # fmt: skip
    there = [Service.deleted_at.is_(None)] if scope.sight is Sight.VISIBLE else []
    found = select(func.jsonb_agg(one)).where(Service.event_id == Event.id, *there)
    return func.coalesce(found.correlate(Event).scalar_subquery(), text("'[]'"))


def _people(scope: Scope) -> Any:
    """Select the people that changes are about, with registration, admission by the club, and bookings."""
    given = func.unnest(bindparam("user_ids", type_=ARRAY(Uuid))).table_valued(column("id", Uuid()))
    person: Any = given.render_derived(name="person")
    if scope.clears:
        booked = select(Booking.user_id.label("id")).where(
            Booking.event_id == Event.id,
            Booking.service_id == any_(bindparam("service_ids", type_=ARRAY(Uuid))),
            Booking.admission.in_(HOLDING),
        )
        person = union(select(person.c.id), booked.correlate(Event)).subquery("person")
    parts = [person.c.id, Registration.id, Registration.admission, entry(person.c.id)]
    if scope.has_services:
        parts.append(_bookings(person))
    own = and_(Registration.event_id == Event.id, Registration.user_id == person.c.id)
    found = select(func.jsonb_agg(func.jsonb_build_array(*parts))).select_from(person).outerjoin(Registration, own)
    return func.coalesce(found.correlate(Event).scalar_subquery(), text("'[]'"))


def _bookings(person: Any) -> Any:
    one = func.jsonb_build_array(Booking.service_id, Booking.id, Booking.admission)
    found = select(func.jsonb_agg(one)).where(Booking.event_id == Event.id, Booking.user_id == person.c.id)
    return found.correlate(Event, person).scalar_subquery()


@cache
def look_for(scope: Scope) -> Statement:
    return Statement(partial(looking, scope=scope), given=GIVEN, rows=row_class(Event))


def facts_of(rows: Iterable[Any]) -> Facts:
    """Return what a look has found."""
    events, services, people = [], [], []
    for row in rows:
        events.append(
            EventFacts(
                id=row.id,
                status=row.status,
                time_zone=row.time_zone,
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                capacity=row.capacity,
                taken=row.taken,
                updated_at=row.updated_at,
                availability_sequence=row.availability_sequence,
                offered=row["offered"],
                row=row,
            )
        )
        services += [_service(row.id, one) for one in row.get("services", ())]
        people += [_person(row.id, *one) for one in row["people"]]
    return Facts(events, services, people)


def _service(event_id: UUID, found: Sequence[Any]) -> ServiceFacts:
    id, type_id, starts_at, ends_at, capacity, taken, window_days, is_cancelled, updated_at = found
    return ServiceFacts(
        id=UUID(id),
        event_id=event_id,
        service_type_id=UUID(type_id),
        starts_at=datetime.fromisoformat(starts_at),
        ends_at=datetime.fromisoformat(ends_at),
        capacity=capacity,
        taken=taken,
        window_days=window_days,
        is_cancelled=is_cancelled,
        updated_at=datetime.fromisoformat(updated_at),
    )


def _person(
    event_id: UUID,
    user_id: str,
    registration_id: str | None,
    admission: str | None,
    entry: str,
    bookings: Sequence[Sequence[str]] | None = None,
) -> PersonFacts:
    return PersonFacts(
        event_id=event_id,
        user_id=UUID(user_id),
        registration=_place(registration_id, admission),
        entry=STATES[entry],
        bookings={UUID(service_id): _place(id, held) for service_id, id, held in bookings or ()},
    )


def _place(id: str | None, admission: str | None) -> PlaceFacts:
    return PlaceFacts(id=UUID(id) if id else None, seen=ADMISSIONS[admission] if admission else None)


STATES = {one.value: one for one in BookableState}
ADMISSIONS = {one.value: one for one in Admission}
"""Found in a tenth of the time of `Admission(…)`, for thousands of places."""
