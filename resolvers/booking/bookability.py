"""Whether a place can be taken or given back, and if not, why. Pure: facts in, an answer out.

What clients read (`viewerRegistrationState`, `viewerBookingState`, `viewerCan`) and what mutations obey (`changes.py`)
is answered by the same functions. The database counts what is taken by itself and refuses an oversell; the rules here
give the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Protocol

from errors import ErrorCode, UserError, _, _n
from models import (
    HOLDING,
    Admission,
    EventStatus,
    has_begun,
    is_over,
)
from resolvers.core.time_zones import zone_of


class Full(UserError):
    code = ErrorCode.FULL
    message = _("No places are left: {taken} of {capacity} are taken.")


class Closed(UserError):
    """Because it is over, and so nothing about places changes any more. Subclasses have the other causes."""

    code = ErrorCode.CLOSED
    message = _("This ended on {closes_at}. Registrations can no longer be changed.")


class AlreadyStarted(Closed):
    message = _("Booking is closed: this began on {closes_at}.")


class EventIsCancelled(Closed):
    message = _("Booking is closed: the event is cancelled.")


class ServiceIsCancelled(Closed):
    message = _("Booking is closed: the service is cancelled.")


class NotPublished(Closed):
    message = _("Booking is closed: the status of the event is “{status}”.")


class NotOpenYet(UserError):
    code = ErrorCode.NOT_OPEN_YET
    message = _("Booking opens on {opens_at}.")


class AlreadyRegistered(UserError):
    code = ErrorCode.ALREADY_REGISTERED
    message = _("You are already registered for this event.")


class AlreadyBooked(UserError):
    code = ErrorCode.ALREADY_BOOKED
    message = _("This service is already booked.")


class BookServicesInstead(UserError):
    code = ErrorCode.BOOK_SERVICES_INSTEAD
    message = _("To take part in this event, book one of its services.")


class Restricted(UserError):
    code = ErrorCode.RESTRICTED
    message = _("Registration for this event is blocked.")


class MembersOnly(UserError):
    code = ErrorCode.MEMBERS_ONLY
    message = _("This event is only for members of its club.")


class NotRegistered(UserError):
    code = ErrorCode.NOT_REGISTERED
    message = _("There is no active registration to cancel.")


class NotBooked(UserError):
    code = ErrorCode.NOT_BOOKED
    message = _("This booking is already cancelled.")


class CapacityExceedsEvent(UserError):
    code = ErrorCode.CAPACITY_EXCEEDS_EVENT
    message = _("A service cannot have more places than its event.")


class CapacityNeeded(UserError):
    code = ErrorCode.REQUIRED
    message = _("An event with services needs a capacity.")


class CapacityBelowTaken(UserError):
    code = ErrorCode.CAPACITY_BELOW_TAKEN
    message = _n(
        "The capacity cannot go below the {taken} place that is taken.",
        "The capacity cannot go below the {taken} places that are taken.",
        by="taken",
    )


class BookableState(Enum):
    """What someone may do now at an event or a service, or why not."""

    OPEN = "OPEN"
    FULL = "FULL"
    NOT_OPEN_YET = "NOT_OPEN_YET"
    CLOSED = "CLOSED"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    ALREADY_BOOKED = "ALREADY_BOOKED"
    BOOK_SERVICES_INSTEAD = "BOOK_SERVICES_INSTEAD"
    MEMBERS_ONLY = "MEMBERS_ONLY"
    RESTRICTED = "RESTRICTED"
    SIGN_IN_FIRST = "SIGN_IN_FIRST"


REFUSALS: dict[BookableState, type[UserError]] = {
    BookableState.FULL: Full,
    BookableState.NOT_OPEN_YET: NotOpenYet,
    BookableState.CLOSED: Closed,
    BookableState.ALREADY_REGISTERED: AlreadyRegistered,
    BookableState.ALREADY_BOOKED: AlreadyBooked,
    BookableState.BOOK_SERVICES_INSTEAD: BookServicesInstead,
    BookableState.MEMBERS_ONLY: MembersOnly,
    BookableState.RESTRICTED: Restricted,
}


@dataclass(frozen=True)
class BookabilityResult:
    """The answer of `registration_standing` and `booking_standing`: shown to clients, and obeyed by the mutations."""

    code: BookableState
    opens_at: datetime | None = None
    """When booking opens or has opened; null where there is no window."""
    taken: int | None = None
    capacity: int | None = None
    cause: type[Closed] | None = None
    """Why it is closed."""
    closed_at: datetime | None = None
    """When it stopped to be possible, where that is why."""
    status: EventStatus | None = None
    """The status of the event or service, if that is the reason."""
    time_zone: str | None = None
    """The time zone of the event, if a time is given."""

    def refusal(self, *path: str) -> UserError | None:
        """Return the error that says so, or null where a place may be taken."""
        if self.code not in REFUSALS:
            return None
        refusal = REFUSALS[self.code]
        if refusal is NotOpenYet:
            return NotOpenYet(path=path, opens_at=self.opens_at, time_zone=self.time_zone)
        if self.cause is not None:
            return self.cause(path=path, closes_at=self.closed_at, time_zone=self.time_zone, status=self.status)
        return refusal(path=path, taken=self.taken, capacity=self.capacity)


def opens_at(event: EventLike, window_days: int | None) -> datetime | None:
    """When booking opens: local midnight of the event's date minus the window; null means it always was.

    Both days count. Where clocks skip that midnight, the day begins with the moment of the change, and so does
    booking (the offset before the change, which `fold=0` means, gives just that moment). Where midnight comes twice,
    the first one counts.
    """
    if window_days is None:
        return None
    zone = zone_of(event.time_zone)
    day = event.starts_at.astimezone(zone).date() - timedelta(days=window_days)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return midnight.astimezone(UTC).astimezone(zone)


class EventLike(Protocol):
    """An event, or what is known of it."""

    @property
    def status(self) -> EventStatus: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def capacity(self) -> int | None: ...
    @property
    def taken(self) -> int: ...


class ServiceLike(Protocol):
    """A service, or what is known of it."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def capacity(self) -> int: ...
    @property
    def taken(self) -> int: ...
    @property
    def window_days(self) -> int | None: ...
    @property
    def is_cancelled(self) -> bool: ...


class HasAdmission(Protocol):
    """A registration or a booking, or what is known of it."""

    @property
    def admission(self) -> Any: ...


@dataclass(frozen=True)
class Applicant:
    """What a person is to an event that they ask for a place at."""

    admission: Admission | None = None
    """The admission of their registration, if there is one."""
    entry: BookableState = BookableState.OPEN
    """Whether its club lets them take part: `OPEN`, `MEMBERS_ONLY` or `RESTRICTED`."""

    @classmethod
    def of(cls, row: Any) -> Applicant:
        """From the columns of `dataloaders.booking.registrations.standing_of`; null for who is not signed in."""
        if row is None:
            return cls()
        return cls(row.admission and Admission(row.admission), BookableState(row.entry))

    @property
    def refusal(self) -> BookableState | None:
        """What stands against the person, whatever they ask for. Seeing an event is no right to join it."""
        if self.admission is Admission.REJECTED:
            return BookableState.RESTRICTED
        return None if self.entry is BookableState.OPEN else self.entry


def _closed(
    event: EventLike, service: ServiceLike | None = None, *, opening: datetime | None = None, now: datetime
) -> BookabilityResult:
    """Why no places are given any more at the event or its service. What was cancelled says that first."""
    code, begins = BookableState.CLOSED, (service or event).starts_at
    if event.status is EventStatus.CANCELLED:
        return BookabilityResult(code, opening, cause=EventIsCancelled, status=event.status)
    if service is not None and service.is_cancelled:
        return BookabilityResult(code, opening, cause=ServiceIsCancelled, status=EventStatus.CANCELLED)
    if has_begun(begins, now) and event.status in (EventStatus.PUBLISHED, EventStatus.ARCHIVED):
        return BookabilityResult(code, opening, cause=AlreadyStarted, closed_at=begins, time_zone=event.time_zone)
    return BookabilityResult(code, opening, cause=NotPublished, status=event.status)


def registration_standing(
    event: EventLike, known: Applicant, *, offers_services: bool, is_guest: bool = False, now: datetime
) -> BookabilityResult:
    """Whether such a person may register for the event directly."""
    if holds(known):
        return BookabilityResult(BookableState.ALREADY_REGISTERED)
    if known.refusal is not None:
        return BookabilityResult(known.refusal)
    if event.status is not EventStatus.PUBLISHED:
        return _closed(event, now=now)
    if offers_services:
        return BookabilityResult(BookableState.BOOK_SERVICES_INSTEAD)
    if has_begun(event.starts_at, now):
        return _closed(event, now=now)
    if event.capacity is not None and event.taken >= event.capacity:
        return BookabilityResult(BookableState.FULL, taken=event.taken, capacity=event.capacity)
    return BookabilityResult(BookableState.SIGN_IN_FIRST if is_guest else BookableState.OPEN)


def booking_standing(
    event: EventLike,
    service: ServiceLike,
    *,
    known: Applicant,
    booking: HasAdmission | None,
    is_guest: bool = False,
    now: datetime,
) -> BookabilityResult:
    """Whether such a person, with this booking, may book the service.

    The event's capacity counts people, so it matters only to who is not registered yet. A service is bookable until
    it starts itself: an event may have begun hours before.
    """
    opening = opens_at(event, service.window_days)
    if holds(booking):
        return BookabilityResult(BookableState.ALREADY_BOOKED, opening)
    if known.refusal is not None:
        return BookabilityResult(known.refusal, opening)
    if event.status is not EventStatus.PUBLISHED or service.is_cancelled or has_begun(service.starts_at, now):
        return _closed(event, service, opening=opening, now=now)
    if opening is not None and now < opening:
        return BookabilityResult(BookableState.NOT_OPEN_YET, opening, time_zone=event.time_zone)
    if service.taken >= service.capacity:
        return BookabilityResult(BookableState.FULL, opening, taken=service.taken, capacity=service.capacity)
    if not holds(known) and event.capacity is not None and event.taken >= event.capacity:
        return BookabilityResult(BookableState.FULL, opening, taken=event.taken, capacity=event.capacity)
    return BookabilityResult(BookableState.SIGN_IN_FIRST if is_guest else BookableState.OPEN, opening)


def holds(row: HasAdmission | None) -> bool:
    return row is not None and row.admission in HOLDING


def refusal_to_leave(event: Any, known: HasAdmission | None, *, now: datetime) -> UserError | None:
    """Return what stands against giving back a place at an event, which is possible until its end."""
    if not holds(known):
        return NotRegistered(path=("eventId",))
    if is_over(event.ends_at, now):
        return Closed(path=("eventId",), closes_at=event.ends_at, time_zone=event.time_zone)
    return None


def refusal_to_unbook(
    booking: HasAdmission | None, *, ends_at: datetime, time_zone: str, now: datetime
) -> UserError | None:
    """As `refusal_to_leave`, of a service; `ends_at` is when that is over."""
    if not holds(booking):
        return NotBooked(path=("bookingId",))
    if is_over(ends_at, now):
        return Closed(path=("bookingId",), closes_at=ends_at, time_zone=time_zone)
    return None


def refusals_of_capacity(event: EventLike, wanted: int | None, offered: Sequence[int], *path: str) -> list[UserError]:
    """Return what stands against a capacity of an event: not below what is taken, not below what one of the services
    offers, and never none where there are services. `offered` are the capacities of those that are not cancelled.
    """
    problems: list[UserError] = []
    if wanted is not None and wanted < event.taken:
        problems.append(CapacityBelowTaken(path=path, taken=event.taken))
    if offered and wanted is None:
        problems.append(CapacityNeeded(path=path))
    elif offered and wanted is not None and wanted < max(offered):
        problems.append(CapacityExceedsEvent(path=path, minimum=max(offered)))
    return problems


def refusals_of_service_capacity(event: EventLike, service: ServiceLike, wanted: int, *path: str) -> list[UserError]:
    """Return what stands against a capacity of a service: not above that of its event, not below what is taken."""
    problems: list[UserError] = []
    if event.capacity is not None and wanted > event.capacity:
        problems.append(CapacityExceedsEvent(path=path, capacity=event.capacity))
    if wanted < service.taken:
        problems.append(CapacityBelowTaken(path=path, taken=service.taken))
    return problems
