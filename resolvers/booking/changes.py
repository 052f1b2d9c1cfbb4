"""Intended changes of places, and what becomes of them: facts in, facts and refusals out. Nothing is read here.

Each change is judged by the functions of `bookability`, which also answer `viewerRegistrationState` and the like, on
the facts as the changes before it have left them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import singledispatchmethod
from typing import Any
from uuid import UUID

from errors import NotFound, UserError
from models import HOLDING, TAKING_PART, Admission, EventStatus, uuid7
from resolvers.booking import bookability
from resolvers.booking.bookability import Applicant, BookableState, holds

Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlaceChange:
    path: Path = ()
    """The path of the input that asks for it, to which a refusal leads."""


@dataclass(frozen=True, kw_only=True)
class Register(PlaceChange):
    """Take a place at an event without services."""

    event_id: UUID
    user_id: UUID
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Book(PlaceChange):
    """Take a place at a service, and at its event if that is the first one there."""

    service_id: UUID
    user_id: UUID
    event_id: UUID | None = None
    """The event to which the service must belong; null for any."""
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Leave(PlaceChange):
    """Give back a place at an event with all bookings there, as the person or somebody for them asks."""

    event_id: UUID
    user_id: UUID
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class EndPlace(Leave):
    """End whatever somebody holds or waits for at an event, possibly nothing. Never refused."""

    admission: Admission = Admission.CANCELLED
    """What their registration has from now on, if there is one and it ends, or if this is REJECTED."""


@dataclass(frozen=True, kw_only=True)
class LetBack(PlaceChange):
    """Allow somebody who was put out to register again."""

    event_id: UUID
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class Unbook(PlaceChange):
    """Give a place at a service back. The last one at an event takes the registration with it."""

    service_id: UUID
    user_id: UUID
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Clear(PlaceChange):
    """End all bookings of a service, as `Unbook` does. Never refused."""

    service_id: UUID
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class EventCapacity(PlaceChange):
    event_id: UUID
    capacity: int | None


@dataclass(frozen=True, kw_only=True)
class ServiceCapacity(PlaceChange):
    service_id: UUID
    capacity: int


@dataclass(kw_only=True)
class EventFacts:
    """The facts of an event that rules read. `row` has all columns that were read."""

    id: UUID
    status: EventStatus
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    capacity: int | None
    taken: int
    updated_at: datetime
    availability_sequence: int
    offered: list[UUID]
    """Services that are not cancelled."""
    row: Any = None
    seen_capacity: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.seen_capacity = self.capacity

    @property
    def offers_services(self) -> bool:
        return bool(self.offered)


@dataclass(kw_only=True)
class ServiceFacts:
    id: UUID
    event_id: UUID
    service_type_id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int
    taken: int
    window_days: int | None
    is_cancelled: bool
    updated_at: datetime
    seen_capacity: int = field(init=False)

    def __post_init__(self) -> None:
        self.seen_capacity = self.capacity


@dataclass(kw_only=True)
class PlaceFacts:
    """A registration or a booking: as it was seen, as it is now, and what is to be written with it."""

    id: UUID | None
    """Null until there is a row."""
    seen: Admission | None
    admission: Admission | None = field(init=False)
    note: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        self.admission = self.seen

    @property
    def has_come(self) -> bool:
        return self.admission in HOLDING and self.seen not in HOLDING

    @property
    def has_ended(self) -> bool:
        """Whether the person held or waited for it, and does no more."""
        return self.seen in TAKING_PART and self.admission not in TAKING_PART


@dataclass(kw_only=True)
class PersonFacts:
    """What somebody has at one event."""

    event_id: UUID
    user_id: UUID
    registration: PlaceFacts
    entry: BookableState
    bookings: dict[UUID, PlaceFacts]
    """By the service."""

    @property
    def known(self) -> Applicant:
        return Applicant(self.registration.admission, self.entry)

    def booking_of(self, service_id: UUID) -> PlaceFacts:
        return self.bookings.setdefault(service_id, PlaceFacts(id=None, seen=None))


class Facts:
    """What was read, changed step by step. What differs in the end is what there is to write."""

    def __init__(
        self, events: Iterable[EventFacts], services: Iterable[ServiceFacts], people: Iterable[PersonFacts]
    ) -> None:
        self.events = {one.id: one for one in events}
        self.services = {one.id: one for one in services}
        self.people = {(one.event_id, one.user_id): one for one in people}
        self.announced: set[UUID] = set()
        """Events whose places have changed."""
        self.leaned_on: set[UUID] = set()
        """Events at which it mattered what services they offer."""

    def decide(self, changes: Sequence[PlaceChange], now: datetime) -> list[UserError]:
        """Apply the changes, one after another. Answers what stands against them; then nothing is to be written.

        Where something is hidden, that alone is said.
        """
        refusals = [found for one in changes if (found := self.apply(one, now))]
        return [one for one in refusals if isinstance(one, NotFound)] or refusals

    @singledispatchmethod
    def apply(self, change: PlaceChange, now: datetime) -> UserError | None:
        raise TypeError(f"{type(change).__name__} is no change of places")

    @apply.register
    def _register(self, change: Register, now: datetime) -> UserError | None:
        event = self.events.get(change.event_id)
        if event is None:
            return NotFound(path=change.path)
        person = self.people[event.id, change.user_id]
        standing = bookability.registration_standing(
            event, person.known, offers_services=event.offers_services, now=now
        )
        if refusal := standing.refusal(*change.path):
            return refusal
        self.leaned_on.add(event.id)
        self._admit(event, person, change.note)
        return None

    @apply.register
    def _book(self, change: Book, now: datetime) -> UserError | None:
        service = self.services.get(change.service_id)
        if service is None or change.event_id not in (None, service.event_id):
            return NotFound(path=change.path)
        event = self.events[service.event_id]
        person = self.people[event.id, change.user_id]
        booking = person.booking_of(service.id)
        standing = bookability.booking_standing(event, service, known=person.known, booking=booking, now=now)
        if refusal := standing.refusal(*change.path):
            return refusal
        if not holds(person.registration):
            self._admit(event, person)
        booking.id = booking.id or uuid7()
        booking.admission, booking.note = Admission.CONFIRMED, change.note
        service.taken += 1
        self.announced.add(event.id)
        return None

    def _admit(self, event: EventFacts, person: PersonFacts, note: str | None = None) -> None:
        place = person.registration
        place.id = place.id or uuid7()
        place.admission, place.note = Admission.CONFIRMED, note
        event.taken += 1
        self.announced.add(event.id)

    @apply.register
    def _leave(self, change: Leave, now: datetime) -> UserError | None:
        event = self.events.get(change.event_id)
        if event is None:
            return NotFound(path=change.path)
        person = self.people[event.id, change.user_id]
        if refusal := bookability.refusal_to_leave(event, person.registration, now=now):
            return refusal
        self._end_bookings(person, change.reason)
        self._end(person, Admission.CANCELLED, change.reason)
        return None

    @apply.register
    def _put_out(self, change: EndPlace, _now: datetime) -> UserError | None:
        person = self.people[change.event_id, change.user_id]
        self._end_bookings(person, change.reason)
        if person.registration.admission in TAKING_PART:
            self._end(person, change.admission, change.reason)
        elif person.registration.id is not None and change.admission is Admission.REJECTED:
            person.registration.admission, person.registration.reason = change.admission, change.reason
        return None

    @apply.register
    def _let_back(self, change: LetBack, _now: datetime) -> UserError | None:
        place = self.people[change.event_id, change.user_id].registration
        if place.admission is Admission.REJECTED:
            place.admission = Admission.CANCELLED
        return None

    @apply.register
    def _unbook(self, change: Unbook, now: datetime) -> UserError | None:
        service = self.services[change.service_id]
        event = self.events[service.event_id]
        person = self.people[event.id, change.user_id]
        booking = person.booking_of(service.id)
        if refusal := bookability.refusal_to_unbook(
            booking, ends_at=service.ends_at, time_zone=event.time_zone, now=now
        ):
            return refusal
        self._end_booking(person, service.id, change.reason)
        return None

    @apply.register
    def _clear(self, change: Clear, _now: datetime) -> UserError | None:
        event_id = self.services[change.service_id].event_id
        self.announced.add(event_id)
        for person in self.people.values():
            if person.event_id == event_id and holds(person.bookings.get(change.service_id)):
                self._end_booking(person, change.service_id, change.reason)
        return None

    def _end_booking(self, person: PersonFacts, service_id: UUID, reason: str | None) -> None:
        """End a booking. The last one takes the registration with it."""
        self._give_back(person, service_id, reason)
        if not any(map(holds, person.bookings.values())) and holds(person.registration):
            self._end(person, Admission.CANCELLED, reason)

    def _end_bookings(self, person: PersonFacts, reason: str | None) -> None:
        for service_id, booking in person.bookings.items():
            if holds(booking):
                self._give_back(person, service_id, reason)

    def _give_back(self, person: PersonFacts, service_id: UUID, reason: str | None) -> None:
        booking = person.bookings[service_id]
        booking.admission, booking.reason = Admission.CANCELLED, reason
        self.services[service_id].taken -= 1
        self.announced.add(person.event_id)

    def _end(self, person: PersonFacts, admission: Admission, reason: str | None) -> None:
        place = person.registration
        if holds(place):
            self.events[person.event_id].taken -= 1
        place.admission, place.reason = admission, reason
        self.announced.add(person.event_id)

    @apply.register
    def _event_capacity(self, change: EventCapacity, _now: datetime) -> UserError | None:
        event = self.events[change.event_id]
        if event.capacity == change.capacity:
            return None
        offered = [self.services[one].capacity for one in event.offered]
        problems = bookability.refusals_of_capacity(event, change.capacity, offered, *change.path)
        if problems:
            return problems[0]
        self.leaned_on.add(event.id)
        event.capacity = change.capacity
        self.announced.add(event.id)
        return None

    @apply.register
    def _service_capacity(self, change: ServiceCapacity, _now: datetime) -> UserError | None:
        service = self.services[change.service_id]
        event = self.events[service.event_id]
        if service.capacity == change.capacity:
            return None
        problems = bookability.refusals_of_service_capacity(event, service, change.capacity, *change.path)
        if problems:
            return problems[0]
        service.capacity = change.capacity
        self.announced.add(event.id)
        return None
