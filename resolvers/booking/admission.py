"""The one way to change places: who has one at an event or a service, and how many there are.

`change` looks without a lock, decides (`changes.py`, by the rules of `bookability.py`), and writes by one call of
`database/functions/change_places.sql` what still is as it was seen. All that is intended happens, or nothing.
Where something has changed in between it looks again, under the locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache, partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Select,
    Text,
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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from auth.viewer import Viewer
from auth.visibility.events import events_visible_to
from database import Contended, UnitOfWork, Writing
from database.rows import row_class
from dataloaders.booking.registrations import entry
from dataloaders.core.rule_statements import Statement
from dataloaders.core.selects import columns_of
from errors import refuse
from models import HOLDING, Admission, Attendance, Booking, DomainEvent, Event, Registration, Service, utcnow
from realtime.streams import availability_stream
from resolvers.booking.availability import AvailabilityChanged
from resolvers.booking.bookability import BookableState
from resolvers.booking.changes import (
    Clear,
    EventFacts,
    Facts,
    LetBack,
    PersonFacts,
    PlaceChange,
    PlaceFacts,
    Register,
    ServiceFacts,
)
from resolvers.chat import members


@dataclass(frozen=True, kw_only=True)
class RegistrationCreated(DomainEvent):
    name: ClassVar[str] = "event.registration.created"
    subject_type: ClassVar[str] = "Registration"
    event_id: UUID
    user_id: UUID
    recorded_by_id: UUID


@dataclass(frozen=True, kw_only=True)
class BookingCreated(DomainEvent):
    name: ClassVar[str] = "service.booking.created"
    subject_type: ClassVar[str] = "Booking"
    service_id: UUID
    user_id: UUID
    recorded_by_id: UUID


@dataclass(frozen=True, kw_only=True)
class RegistrationCancelled(DomainEvent):
    name: ClassVar[str] = "event.registration.cancelled"
    subject_type: ClassVar[str] = "Registration"
    event_id: UUID
    user_id: UUID
    cancelled_by_id: UUID


@dataclass(frozen=True, kw_only=True)
class BookingCancelled(DomainEvent):
    name: ClassVar[str] = "service.booking.cancelled"
    subject_type: ClassVar[str] = "Booking"
    service_id: UUID
    user_id: UUID
    cancelled_by_id: UUID


# Looking.


class Sight(Enum):
    """Which events a look shows."""

    VISIBLE = "VISIBLE"
    """Those that the viewer sees: of a change that they ask for."""
    ALL = "ALL"
    """Those that the rule has found, and locked, itself."""


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
    """Those who are asked for, with their registration, what the club says to them, and their bookings."""
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
    """What a look has found."""
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
        entry=BookableState(entry),
        bookings={UUID(service_id): _place(id, held) for service_id, id, held in bookings or ()},
    )


def _place(id: str | None, admission: str | None) -> PlaceFacts:
    return PlaceFacts(id=UUID(id) if id else None, seen=Admission(admission) if admission else None)


# Writing.

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
    """The call of `change_places`, as a part of a statement."""
    seen, wanted = (bindparam(name, type_=JSONB()) for name in ("seen", "wanted"))
    call = func.change_places(seen, wanted, MOMENT)
    rows = call.table_valued(*(column(name, type_) for name, type_ in CHANGED.items()), name="places")
    return select(*rows.c).cte("changed")


def _write(_viewer: Viewer) -> Select[Any]:
    return select(*changed_places().c)


WRITE = {rows: Statement(_write, given=PARAMETERS, rows=row_class(rows)) for rows in (Registration, Booking)}
"""By the rows that the caller wants: the others come as the same ones."""


def _lock(_viewer: Viewer) -> Select[Any]:
    chosen = Event.id == any_(bindparam("event_ids", type_=ARRAY(Uuid)))
    return select(Event.id).where(chosen).order_by(Event.id).with_for_update(key_share=True)


LOCK = Statement(_lock, given=("event_ids",))


def values_of(facts: Facts, *, recorded_by_id: UUID, is_locked: bool, in_order: bool) -> dict[str, Any]:
    """What `change_places` is given. Under the lock nobody else changes places, so no person is compared."""
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


# Changing.


@dataclass(frozen=True)
class Changed:
    """What was changed. `facts` are those after it, `rows` as `change_places` answers them."""

    facts: Facts
    rows: Sequence[Any]

    def registration_of(self, event_id: UUID, user_id: UUID) -> Any:
        """The row, if it changed."""
        return self._row("registration", event_id=event_id, user_id=user_id)

    def booking_of(self, service_id: UUID, user_id: UUID) -> Any:
        return self._row("booking", service_id=service_id, user_id=user_id)

    @property
    def entries(self) -> list[Any]:
        """New entries of the events' availability streams."""
        return [one for one in self.rows if one["kind"] == "entry"]

    def _row(self, kind: str, **key: UUID) -> Any:
        found = (one for one in self.rows if one["kind"] == kind and all(one[name] == key[name] for name in key))
        return next(found, None)

    @property
    def people(self) -> Iterable[PersonFacts]:
        return self.facts.people.values()

    @property
    def gone(self) -> dict[UUID, list[UUID]]:
        """Who has lost their place at which event, or waits for one no more."""
        found: dict[UUID, list[UUID]] = {}
        for one in self.people:
            if one.registration.has_ended:
                found.setdefault(one.event_id, []).append(one.user_id)
        return found


@dataclass(frozen=True)
class InOneStatement:
    """Statements of a rule that writes all its news together with the places. See `looking` and `changed_places`."""

    look: Statement
    write: Statement
    values: Callable[[Facts], Mapping[str, Any]]
    """Further parameters of `write`."""


async def change(
    uow: Writing,
    viewer: Viewer,
    changes: Sequence[PlaceChange],
    *,
    actor_id: UUID,
    sight: Sight = Sight.VISIBLE,
    is_locked: bool = False,
    in_order: bool = False,
    statements: InOneStatement | None = None,
    answers: type[Any] = Registration,
) -> Changed:
    """Carry out the changes, all or none. Raises everything that stands against them.

    `actor_id` is who is recorded to have made them. With `is_locked` the caller holds the locks of the events. Where it
    matters in which order places are given, as to those who wait for one, `in_order` compares the last number of the
    availability streams. Rows come as `answers`.
    """
    scope = Scope(sight, any(map(needs_services, changes)), any(isinstance(one, Clear) for one in changes))
    look = statements.look if statements else look_for(scope)
    write = statements.write if statements else WRITE[answers]
    asked = _asked(changes)

    async def attempt(held: Writing, *, is_locked: bool) -> tuple[Facts, Sequence[Any] | None]:
        facts = facts_of(await held.read(look.bind(viewer, **asked)))
        now = utcnow()
        if len(refusals := facts.decide(changes, now)) == 1:
            raise refusals[0]
        refuse(refusals)
        values = values_of(facts, recorded_by_id=actor_id, is_locked=is_locked, in_order=in_order)
        if not any(values["wanted"].values()):
            return facts, ()
        more = statements.values(facts) if statements else {}
        writing = write.bind(viewer, **values, moment=now, **more)
        return facts, await held.write(writing, unless=None if is_locked else FULL) or None

    facts, rows = await attempt(uow, is_locked=is_locked)
    if rows is None and not is_locked:
        async with uow.locked(LOCK.bind(viewer, event_ids=list(facts.events))) as held:
            facts, rows = await attempt(held, is_locked=True)
    if rows is None:
        raise Contended
    return Changed(facts, rows)


def needs_services(change: PlaceChange) -> bool:
    return not isinstance(change, Register | LetBack)


def _asked(changes: Sequence[PlaceChange]) -> dict[str, list[UUID]]:
    """Parameters of a look: events, services and people of some changes."""
    return {
        f"{name}s": list(dict.fromkeys(id for one in changes if (id := getattr(one, name, None))))
        for name in ("event_id", "service_id", "user_id")
    }


async def change_and_record(
    uow: UnitOfWork,
    viewer: Viewer,
    changes: Sequence[PlaceChange],
    *,
    actor_id: UUID,
    moves_chats: bool = True,
    **how: Any,
) -> Changed:
    """As `change`, in a unit of work: what has happened is recorded, and people come into the chats of the events or
    leave them. Notices are left to the caller, who takes the locks of inboxes last.
    """
    changed = await change(uow, viewer, changes, actor_id=actor_id, **how)
    _record(uow, changed, actor_id=actor_id)
    _bring_up_to_date(uow, changed)
    if moves_chats:
        came = [(one.event_id, one.user_id) for one in changed.people if one.registration.has_come]
        await members.join_event_chats(uow, came)
        for event_id, people in changed.gone.items():
            await members.leave_event_chats(uow, event_id, people)
    return changed


async def change_under_lock(
    uow: UnitOfWork, viewer: Viewer, changes: Sequence[PlaceChange], *, actor_id: UUID, **how: Any
) -> Changed:
    """As `change_and_record`, at events that the rule has found and locked itself."""
    return await change_and_record(uow, viewer, changes, actor_id=actor_id, sight=Sight.ALL, is_locked=True, **how)


def _record(uow: UnitOfWork, changed: Changed, *, actor_id: UUID) -> None:
    people = sorted(changed.people, key=lambda one: (one.event_id, one.user_id))
    for one in people:
        if one.registration.has_come:
            uow.record(
                RegistrationCreated(
                    subject_id=_id_of(one.registration),
                    event_id=one.event_id,
                    user_id=one.user_id,
                    recorded_by_id=actor_id,
                )
            )
    bookings = sorted(
        ((service_id, one.user_id, booking) for one in people for service_id, booking in one.bookings.items()),
        key=lambda found: found[:2],
    )
    for service_id, user_id, booking in bookings:
        if booking.has_come:
            uow.record(
                BookingCreated(
                    subject_id=_id_of(booking), service_id=service_id, user_id=user_id, recorded_by_id=actor_id
                )
            )
    for id, service_id, user_id in sorted((_id_of(one), *key) for *key, one in bookings if one.has_ended):
        uow.record(BookingCancelled(subject_id=id, service_id=service_id, user_id=user_id, cancelled_by_id=actor_id))
    ended = [one for one in people if one.registration.has_ended]
    for id, event_id, user_id in sorted((_id_of(one.registration), one.event_id, one.user_id) for one in ended):
        uow.record(RegistrationCancelled(subject_id=id, event_id=event_id, user_id=user_id, cancelled_by_id=actor_id))
    for told in sorted(changed.entries, key=lambda one: one["id"]):
        uow.record(
            AvailabilityChanged(
                subject_id=told["id"],
                stream=availability_stream(told["id"]),
                sequence=told["sequence"],
                taken=told["taken"],
                capacity=told["capacity"],
            )
        )


def _id_of(place: PlaceFacts) -> UUID:
    if place.id is None:
        raise TypeError("a place that changed has no row")
    return place.id


def _bring_up_to_date(uow: UnitOfWork, changed: Changed) -> None:
    """Tell entities that the session holds already what was written past it."""
    for told in changed.entries:
        names = {"availability_sequence": "sequence", "taken": "taken", "capacity": "capacity"}
        _set(uow, Event, told["id"], {name: told[source] for name, source in names.items()})
    for service in changed.facts.services.values():
        if service.capacity != service.seen_capacity:
            _set(uow, Service, service.id, {"capacity": service.capacity})


def _set(uow: UnitOfWork, entity: type[Any], id: UUID, values: Mapping[str, Any]) -> None:
    held = uow.session.identity_map.get(identity_key(entity, id))
    if held is not None:
        for name, value in values.items():
            set_committed_value(held, name, value)
