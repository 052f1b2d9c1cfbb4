"""Checks of what people enter about events. Creating and editing use the same functions, which gather all problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypedDict
from uuid import UUID

from sqlalchemy import select

from auth.viewer import Viewer
from auth.visibility.people import users_visible_to
from database import UnitOfWork
from errors import ErrorCode, NotFound, TooMany, UserError, _, _n, check_range
from models import Event, EventCategory, EventVisibility, Service, ServiceType, User, is_over, utcnow
from resolvers.booking.bookability import CapacityExceedsEvent
from resolvers.core.moments import check_moment
from resolvers.core.money import Price
from resolvers.events import venues

MOST_SERVICES = 100
"""Services that one event may have, cancelled ones counted."""
MOST_PLACES = 1_000_000
MOST_WINDOW_DAYS = 3650
check_places = partial(check_range, minimum=1, maximum=MOST_PLACES)
check_window = partial(check_range, minimum=0, maximum=MOST_WINDOW_DAYS)


class EventInPast(UserError):
    code = ErrorCode.EVENT_IN_PAST
    message = _("The event would already be over.")


class EndsBeforeStart(UserError):
    code = ErrorCode.INVALID
    message = _("The end comes before the start.")


class OutsideEvent(UserError):
    code = ErrorCode.OUTSIDE_EVENT
    message = _("A service must be within its event, from {starts_at} to {ends_at}.")


class ServicesWouldLieOutside(UserError):
    code = ErrorCode.OUTSIDE_EVENT
    message = _n(
        "{count} service of the event would lie outside of it. Move it along with the event or change it first.",
        "{count} services of the event would lie outside of it. Move them along with it or change them first.",
        by="count",
    )


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
    """The changes of an event. A key that is absent stays as it is; null is a value where the type has it."""

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
    if not unchanged and end is not None and is_over(end, utcnow()):
        problems.append(EventInPast(path=(*path, "endsAt")))
    return is_ordered


def _known(problems: list[UserError], moment: datetime | None, *path: str) -> datetime | None:
    return moment if moment is not None and check_moment(problems, moment, *path) else None


async def check_category(uow: UnitOfWork, problems: list[UserError], category_id: UUID) -> None:
    if await uow.session.get(EventCategory, category_id) is None:
        problems.append(NotFound(path=("categoryId",)))


@dataclass(frozen=True)
class EventFrame:
    """The limits that an event sets to its services."""

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
    """Check that a service lies inside its event. Start and end are reported one by one."""
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
    """Return the row, or null with its problems gathered."""
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
