"""What an event may look like. Creating and editing check with the same functions, which gather all problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TypedDict
from uuid import UUID

from sqlalchemy import select

from auth.viewer import Viewer
from auth.visibility import users_visible_to
from database import UnitOfWork
from errors import ErrorCode, NotFound, OutsideKnownTime, TooMany, UserError, _, _n, check_range
from models import Event, EventCategory, EventVisibility, Service, ServiceType, User, utcnow
from resolvers import venues
from resolvers.currencies import DIGITS, MOST_DIGITS

MOST_SERVICES = 100
"""Services that one event may have, cancelled ones counted."""
MOST_PLACES = 1_000_000
MOST_WINDOW_DAYS = 3650
check_places = partial(check_range, minimum=1, maximum=MOST_PLACES)
check_window = partial(check_range, minimum=0, maximum=MOST_WINDOW_DAYS)
HIGHEST_PRICE = Decimal("99999999.99")
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class EventInPast(UserError):
    code = ErrorCode.EVENT_IN_PAST
    message = _("The event would be over already.")


class TimeNeedsOffset(UserError):
    code = ErrorCode.INVALID
    message = _("A time needs its offset from UTC, such as +03:00.")


class EndsBeforeStart(UserError):
    code = ErrorCode.INVALID
    message = _("The end comes before the start.")


class OutsideEvent(UserError):
    code = ErrorCode.OUTSIDE_EVENT
    message = _("A service lies within its event, from {starts_at} to {ends_at}.")


class ServicesWouldLieOutside(UserError):
    code = ErrorCode.OUTSIDE_EVENT
    message = _n(
        "{count} service of the event would lie outside of it. Move it along with the event or change it first.",
        "{count} services of the event would lie outside of it. Move them along with it or change them first.",
        by="count",
    )


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


class InvalidPrice(UserError):
    code = ErrorCode.INVALID
    message = _("A price is between 0 and {maximum_amount}, with two decimals at most.")


class TooManyDigits(UserError):
    code = ErrorCode.INVALID
    message = _n(
        "In this currency at most {maximum} digit after the point.",
        "In this currency at most {maximum} digits after the point.",
        by="maximum",
    )


class NotWhole(UserError):
    code = ErrorCode.INVALID
    message = _("In this currency a price is a whole number.")


class InvalidCurrency(UserError):
    code = ErrorCode.INVALID
    message = _("A currency is a code of ISO 4217 that is in use, such as RUB.")


@dataclass(frozen=True, kw_only=True)
class Price:
    amount: Decimal
    currency: str

    @classmethod
    def of(cls, event: Event) -> Price:
        return cls(amount=event.price_amount, currency=event.price_currency)

    @classmethod
    def read(cls, kept: Mapping[str, str]) -> Price:
        """What `kept` has written."""
        return cls(amount=Decimal(kept["amount"]), currency=kept["currency"])

    def kept(self) -> dict[str, str]:
        """As it is kept in JSON."""
        return {"amount": str(self.amount), "currency": self.currency}


@dataclass(frozen=True, kw_only=True)
class NewService:
    """A service to be. Capacity and window come from its type unless given; `always_open` asks for no window."""

    service_type_id: UUID
    starts_at: datetime
    ends_at: datetime
    capacity: int | None = None
    window_days: int | None = None
    always_open: bool = False
    staff_person_id: UUID | None = None


class EventChanges(TypedDict, total=False):
    """What is absent stays as it is; null is a value where the type has it."""

    title: str
    description: str | None
    category_id: UUID
    interest_ids: list[UUID]
    visibility: EventVisibility
    starts_at: datetime
    ends_at: datetime
    capacity: int | None
    price: Price
    venue_id: UUID
    new_venue: venues.NewVenue


def check_times(
    problems: list[UserError],
    starts_at: datetime | None,
    ends_at: datetime | None,
    *path: str,
    unchanged: bool = False,
) -> bool:
    """Whether both times are usable: known instants, in order, and not altogether past unless they are as before. One
    that is null is not there, or is wrong by itself.
    """
    start = _known(problems, starts_at, *path, "startsAt")
    end = _known(problems, ends_at, *path, "endsAt")
    is_ordered = start is not None and end is not None and start <= end
    if start is not None and end is not None and not is_ordered:
        problems.append(EndsBeforeStart(path=(*path, "endsAt")))
    if not unchanged and end is not None and end <= utcnow():
        problems.append(EventInPast(path=(*path, "endsAt")))
    return is_ordered


def _known(problems: list[UserError], moment: datetime | None, *path: str) -> datetime | None:
    return moment if moment is not None and check_moment(problems, moment, *path) else None


def check_moment(problems: list[UserError], moment: datetime, *path: str) -> bool:
    """Whether it is an instant, and one that calendars know."""
    if moment.tzinfo is None:
        problems.append(TimeNeedsOffset(path=path))
    elif not EARLIEST <= moment <= LATEST:
        problems.append(OutsideKnownTime(path=path, earliest=EARLIEST, latest=LATEST))
    else:
        return True
    return False


def in_utc(moment: datetime) -> datetime:
    """As the database gives it back, so that an answer does not depend on when it was read."""
    return moment.astimezone(UTC)


def check_amount(problems: list[UserError], amount: Decimal, *path: str) -> bool:
    """Whether it is an amount that is kept exactly."""
    if amount.is_finite() and 0 <= amount <= HIGHEST_PRICE and amount == round(amount, MOST_DIGITS):
        return True
    problems.append(InvalidPrice(path=path, maximum_amount=HIGHEST_PRICE))
    return False


def check_currency(problems: list[UserError], currency: str, *path: str) -> bool:
    if currency in DIGITS:
        return True
    problems.append(InvalidCurrency(path=path))
    return False


def check_digits(problems: list[UserError], price: Price, *path: str) -> None:
    """Of an amount and a currency that are right by themselves."""
    digits = DIGITS[price.currency]
    if price.amount != round(price.amount, digits):
        kind = TooManyDigits if digits else NotWhole
        problems.append(kind(path=(*path, "amount"), maximum=digits))


def check_price(problems: list[UserError], price: Price, *path: str) -> None:
    is_amount = check_amount(problems, price.amount, *path, "amount")
    if check_currency(problems, price.currency, *path, "currency") and is_amount:
        check_digits(problems, price, *path)


async def check_category(uow: UnitOfWork, problems: list[UserError], category_id: UUID) -> None:
    if await uow.session.get(EventCategory, category_id) is None:
        problems.append(NotFound(path=("categoryId",)))


@dataclass(frozen=True)
class EventFrame:
    """What a service has to fit into."""

    starts_at: datetime
    ends_at: datetime
    capacity: int | None
    time_zone: str | None = None

    @classmethod
    def of(cls, event: Event) -> EventFrame:
        return cls(event.starts_at, event.ends_at, event.capacity, event.time_zone)


def check_within(
    problems: list[UserError], frame: EventFrame, starts_at: datetime, ends_at: datetime, *path: str
) -> None:
    """A service lies inside its event: each end that does not is named."""
    for name, moment in (("startsAt", starts_at), ("endsAt", ends_at)):
        if not frame.starts_at <= moment <= frame.ends_at:
            problems.append(
                OutsideEvent(
                    path=(*path, name),
                    starts_at=frame.starts_at,
                    ends_at=frame.ends_at,
                    time_zone=frame.time_zone,
                )
            )


def check_service_capacity(problems: list[UserError], frame: EventFrame, capacity: int, *path: str) -> None:
    if check_places(problems, capacity, *path) and frame.capacity is not None and capacity > frame.capacity:
        problems.append(CapacityExceedsEvent(path=path, capacity=frame.capacity))


async def build_services(
    uow: UnitOfWork,
    viewer: Viewer,
    problems: list[UserError],
    wanted: Sequence[NewService],
    *path: str,
    frame: EventFrame | None,
    already: int = 0,
) -> list[Service]:
    """Rows for the wanted services, not added to the session yet. Under `path` each has its position, if any.

    A null frame means that the times of the event are wrong themselves: then services are not held against them.
    """
    if len(wanted) + already > MOST_SERVICES:
        problems.append(TooMany(path=path or (), maximum=MOST_SERVICES))
        return []
    types = await _types(uow, wanted)
    people = await _people(uow, viewer, wanted)
    built = []
    for position, one in enumerate(wanted):
        under = (*path, str(position)) if path else ()
        service = _build(problems, one, types.get(one.service_type_id), under, frame)
        if one.staff_person_id is not None and one.staff_person_id not in people:
            problems.append(NotFound(path=(*under, "staffPersonId")))
        if service is not None:
            built.append(service)
    return built


async def _types(uow: UnitOfWork, wanted: Sequence[NewService]) -> dict[UUID, ServiceType]:
    if not wanted:
        return {}
    asked = {one.service_type_id for one in wanted}
    return {row.id: row for row in await uow.session.scalars(select(ServiceType).where(ServiceType.id.in_(asked)))}


async def _people(uow: UnitOfWork, viewer: Viewer, wanted: Sequence[NewService]) -> set[UUID]:
    asked = {one.staff_person_id for one in wanted if one.staff_person_id is not None}
    if not asked:
        return set()
    return set(await uow.session.scalars(users_visible_to(viewer).where(User.id.in_(asked)).with_only_columns(User.id)))


def _build(
    problems: list[UserError],
    wanted: NewService,
    type: ServiceType | None,
    under: tuple[str, ...],
    frame: EventFrame | None,
) -> Service | None:
    """The row, or null with its problems gathered."""
    if check_times(problems, wanted.starts_at, wanted.ends_at, *under, unchanged=True) and frame is not None:
        check_within(problems, frame, wanted.starts_at, wanted.ends_at, *under)
    check_window(problems, wanted.window_days, *under, "windowDays")
    if type is None:
        problems.append(NotFound(path=(*under, "serviceTypeId")))
        return None
    capacity = type.default_capacity if wanted.capacity is None else wanted.capacity
    limits = frame or EventFrame(wanted.starts_at, wanted.ends_at, None)
    check_service_capacity(problems, limits, capacity, *under, "capacity")
    window_days = type.default_window_days if wanted.window_days is None else wanted.window_days
    return Service(
        service_type_id=type.id,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        capacity=capacity,
        window_days=None if wanted.always_open else window_days,
        staff_person_id=wanted.staff_person_id,
    )
