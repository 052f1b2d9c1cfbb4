"""The one way to change places: who has one at an event or a service, and how many there are.

`change` looks without a lock (`admission_look.py`), decides (`changes.py`, by the rules of `bookability.py`), and
writes what is still as it was seen (`admission_write.py`), by one call of `database/functions/change_places.sql`. All
that is intended happens, or nothing. Where something has changed in between it looks again, under the locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, bindparam, column, func, select
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from auth.viewer import Viewer
from database import Contended, RecordedEvents, UnitOfWork, Writing, recording, recording_values
from dataloaders.core.rule_statements import Statement
from errors import refuse
from models import DomainEvent, Event, Registration, Service, utcnow
from realtime.streams import availability_stream
from resolvers.booking.admission_look import Scope, Sight, facts_of, look_for
from resolvers.booking.admission_write import FULL, LOCK, WRITE, values_of
from resolvers.booking.availability import AvailabilityChanged
from resolvers.booking.changes import (
    Clear,
    Facts,
    LetBack,
    PersonFacts,
    PlaceChange,
    PlaceFacts,
    Register,
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


@dataclass(frozen=True)
class Changed:
    """What was changed. `facts` are those after it, `rows` as `change_places` answers them."""

    facts: Facts
    rows: Sequence[Any]

    def registration_of(self, event_id: UUID, user_id: UUID) -> Any:
        """Return the row, if it changed."""
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
        """Return the people who lost their place at each event, or no longer wait for one."""
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
    await _record(uow, changed, actor_id=actor_id)
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


FEW = 50
"""Events that are recorded one by one. More are made by PostgreSQL, in a tenth of the time."""


async def _record(uow: UnitOfWork, changed: Changed, *, actor_id: UUID) -> None:
    people = sorted(changed.people, key=lambda one: (one.event_id.int, one.user_id.int))
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
        key=lambda found: (found[0].int, found[1].int),
    )
    for service_id, user_id, booking in bookings:
        if booking.has_come:
            uow.record(
                BookingCreated(
                    subject_id=_id_of(booking), service_id=service_id, user_id=user_id, recorded_by_id=actor_id
                )
            )
    given_back = [(_id_of(one), service_id, user_id) for service_id, user_id, one in bookings if one.has_ended]
    ended = [(_id_of(one.registration), one.event_id, one.user_id) for one in people if one.registration.has_ended]
    for kind, owner, rows in ((BookingCancelled, "service_id", given_back), (RegistrationCancelled, "event_id", ended)):
        if len(rows) > FEW:
            await _record_many(uow, kind, rows, actor_id=actor_id)
            continue
        for id, owner_id, user_id in sorted(rows):
            told = {"subject_id": id, owner: owner_id, "user_id": user_id, "cancelled_by_id": actor_id}
            uow.record(kind(**told))
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


async def _record_many(
    uow: UnitOfWork, kind: type[DomainEvent], rows: Sequence[tuple[UUID, UUID, UUID]], *, actor_id: UUID
) -> None:
    """Record that places with these ids, at an event or a service, of these people have ended."""
    columns = zip(("ids", "owner_ids", "user_ids"), map(list, zip(*rows, strict=True)), strict=True)
    values = {**dict(columns), "actor_id": actor_id, **recording_values(has_sink=uow.has_sink)}
    await uow.session.execute(RECORD[kind], values)


def _recording_of(kind: type[DomainEvent], owner: str) -> Select[Any]:
    given = func.unnest(*(bindparam(name, type_=ARRAY(Uuid)) for name in ("ids", "owner_ids", "user_ids")))
    columns = (column(name, Uuid()) for name in ("id", "owner_id", "user_id"))
    rows = select(given.table_valued(*columns, name="given").render_derived()).cte("ended")
    by = bindparam("actor_id", type_=Uuid())
    values = {"subject_id": rows.c.id, owner: rows.c.owner_id, "user_id": rows.c.user_id, "cancelled_by_id": by}
    return select(func.count()).select_from(rows).add_cte(*recording([RecordedEvents(kind, rows, values)]))


RECORD: dict[type[DomainEvent], Select[Any]] = {
    BookingCancelled: _recording_of(BookingCancelled, "service_id"),
    RegistrationCancelled: _recording_of(RegistrationCancelled, "event_id"),
}


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
