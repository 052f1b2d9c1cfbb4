"""Services that move along with their event: each keeps its place on the clock of the event's venue.

What an event promises is wall-clock time: "yoga at 11:00" of an event that begins at 10:00 stays an hour after the
start, whatever clock change lies between the old date and the new one, and in whatever zone the new venue is.

- A time that clocks skip becomes the moment of the change, as in `bookability.opens_at`.
- Of a time that comes twice the first one counts, unless it lies before the event's start (for an end: the service's).
- A service that would end before it starts, because it lay across a repeated hour, keeps its length instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from uuid import UUID

from sqlalchemy import select

from database import UnitOfWork
from errors import UserError, _n
from models import Event, Service
from resolvers.booking import locks
from resolvers.booking.service_news import Times
from resolvers.core.time_zones import zone_of
from resolvers.events import states
from resolvers.events.validation import ServicesWouldLieOutside


class ServicesNeedMoreTime(ServicesWouldLieOutside):
    """A refusal instead of `ServicesWouldLieOutside` where the services move along already."""

    message = _n(
        "{count} service of the event would lie outside of it. Let the event end later.",
        "{count} services of the event would lie outside of it. Let the event end later.",
        by="count",
    )


class ServicesTookPlace(ServicesWouldLieOutside):
    """A refusal for services that do not move along, because they took place."""

    message = _n(
        "{count} service that has taken place would lie outside of the event. Leave the time of the event around it.",
        "{count} services that have taken place would lie outside of the event. Leave the time of the event around "
        "them.",
        by="count",
    )


@dataclass(frozen=True)
class Move:
    """From where an event moves to where, by the clocks of its venues."""

    former_zone: tzinfo
    zone: tzinfo
    starts_at: datetime
    shift: timedelta
    """Between the two starts, as clocks on the wall show them."""

    @classmethod
    def of(cls, event: Event, *, starts_at: datetime, time_zone: str) -> Move | None:
        """Null where the event stays where it is, and so do its services."""
        if (starts_at, time_zone) == (event.starts_at, event.time_zone):
            return None
        former_zone, zone = zone_of(event.time_zone), zone_of(time_zone)
        return cls(former_zone, zone, starts_at, _wall(starts_at, zone) - _wall(event.starts_at, former_zone))

    def carried(self, moment: datetime, *, not_before: datetime | None = None) -> datetime:
        """Return the moment that lies as far from the new start as this one lies from the old start."""
        wall = _wall(moment, self.former_zone) + self.shift
        return moment_of(wall, self.zone, not_before=not_before or self.starts_at)

    def times(self, starts_at: datetime, ends_at: datetime) -> Times:
        """Start and end of a service after the move."""
        start = self.carried(starts_at)
        end = self.carried(ends_at, not_before=start)
        return start, end if end >= start else start + (ends_at - starts_at)


async def check(
    uow: UnitOfWork,
    problems: list[UserError],
    event: Event,
    starts_at: datetime,
    ends_at: datetime,
    *,
    move: Move | None,
) -> Mapping[UUID, Times]:
    """Return the new times of the services of a locked event; nothing if they do not move. Services that took place
    stay. If services that are not cancelled would lie outside of the event, that goes to `problems`.
    """
    of_event = (Service.event_id == event.id, Service.deleted_at.is_(None))
    services = (await uow.session.scalars(select(Service).where(*of_event))).all()
    held = [one for one in services if states.service_took_place(event, one)]
    others = [one for one in services if one not in held]
    moved = {one.id: move.times(one.starts_at, one.ends_at) for one in others} if move else {}
    name = "startsAt" if starts_at != event.starts_at else "endsAt"
    if outside := _outside(held, {}, starts_at, ends_at):
        problems.append(ServicesTookPlace(path=(name,), count=outside))
    if outside := _outside(others, moved, starts_at, ends_at):
        problems.append((ServicesNeedMoreTime if move else ServicesWouldLieOutside)(path=(name,), count=outside))
    return moved


def _outside(services: Sequence[Service], moved: Mapping[UUID, Times], starts_at: datetime, ends_at: datetime) -> int:
    """How many would lie outside."""
    planned = [moved.get(one.id, (one.starts_at, one.ends_at)) for one in services if not one.is_cancelled]
    return sum(start < starts_at or end > ends_at for start, end in planned)


async def write(uow: UnitOfWork, moved: Mapping[UUID, Times]) -> dict[UUID, Times]:
    """Give services of a locked event their new times. Answers the former ones of those that moved."""
    former: dict[UUID, Times] = {}
    if not moved:
        return former
    for service in await locks.lock_services(uow, moved.keys()):
        times = (service.starts_at, service.ends_at)
        if times != moved[service.id]:
            former[service.id] = times
            service.starts_at, service.ends_at = moved[service.id]
            service.version += 1
    return former


def moment_of(wall: datetime, zone: tzinfo, *, not_before: datetime) -> datetime:
    """Return the instant, in UTC, at which clocks of the zone show the time `wall`, which has no offset."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if second < first:
        return _change_between(second, first, zone)
    return second if first < not_before <= second else first


def _wall(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _change_between(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the second in which the offset changes. Of two skipped times one lies before it and one after it."""
    former = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if middle.astimezone(zone).utcoffset() == former:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
