"""The live stream of an event's free places."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Uuid,
    any_,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.dml import ReturningInsert

from auth.viewer import Viewer, still_stands
from database import Database, RecordedEvents, UnitOfWork, stream_of
from errors import NotFound
from models import (
    AvailabilityChange,
    Event,
    Service,
    StreamEvent,
    utcnow,
)
from realtime.streams import BATCH, Bounds, Reading, Stream, StreamEnded, availability_stream
from resolvers.core.stream_access import OPEN_TO_ALL, StreamAccess


class AvailabilityStream(Stream[AvailabilityChange]):
    """Changes after a cursor, or from now on. Hidden where the event is hidden from the viewer."""

    __slots__ = ("_access", "_database", "_viewer")

    def __init__(
        self, database: Database, access: StreamAccess, viewer: Viewer, *, event_id: UUID, after: str | None
    ) -> None:
        super().__init__(
            availability_stream(event_id),
            event_id,
            user_id=viewer.id,
            expires_at=viewer.expires_at,
            after=after,
            seen_by=(event_id,),
        )
        self._database = database
        self._access = access
        self._viewer = viewer

    async def bounds(self) -> Bounds:
        place = await self._access.event(self.owner_id, self._viewer)
        if place is None:
            raise NotFound
        if not still_stands(self._viewer, place.role):
            raise StreamEnded
        if place.club_id is not None:
            self.seen_by = (self.owner_id, place.club_id)
        return Bounds(floor=place.head if place.oldest is None else place.oldest - 1, head=place.head)

    async def which_allowed(self, streams: Sequence[Stream[AvailabilityChange]]) -> Sequence[bool]:
        viewers = [one._viewer for one in streams if isinstance(one, AvailabilityStream)]
        places = await asyncio.gather(*(self._access.event(self.owner_id, viewer) for viewer in viewers))
        return [
            place is not None and still_stands(viewer, place.role)
            for viewer, place in zip(viewers, places, strict=True)
        ]

    async def sees_after(self, reading: Reading[AvailabilityChange]) -> int | None:
        # All who see the event see the same entries.
        if not reading.is_open and not await self.is_allowed():
            raise StreamEnded
        return 0

    async def read(self, sequence: int) -> Reading[AvailabilityChange]:
        async with self._database.reading() as session:
            found = await session.execute(
                select(AvailabilityChange, OPEN_TO_ALL)
                .join(Event, Event.id == AvailabilityChange.event_id)
                .where(AvailabilityChange.event_id == self.owner_id, AvailabilityChange.sequence > sequence)
                .order_by(AvailabilityChange.sequence)
                .limit(BATCH)
            )
            rows = found.all()
        return Reading([change for change, _ in rows], is_open=not rows or rows[0][1])


@dataclass(frozen=True, kw_only=True)
class AvailabilityChanged(StreamEvent):
    name: ClassVar[str] = "event.availability.changed"
    subject_type: ClassVar[str] = "Event"
    taken: int
    capacity: int | None


async def announce(uow: UnitOfWork, event: Event) -> None:
    """Add an entry to the event's availability stream, with the event locked and all its changes made."""
    await announce_all(uow, [event])


async def announce_all(uow: UnitOfWork, events: Iterable[Event]) -> None:
    """`announce` for several locked events, in one statement."""
    await uow.session.flush()
    changed = {event.id: event for event in events}
    written = await uow.session.execute(ANNOUNCE, {"changed_ids": sorted(changed), "now": utcnow()})
    for event_id, sequence, capacity, taken in written:
        for name, value in (("availability_sequence", sequence), ("taken", taken)):
            set_committed_value(changed[event_id], name, value)
        uow.record(
            AvailabilityChanged(
                subject_id=event_id,
                stream=availability_stream(event_id),
                sequence=sequence,
                taken=taken,
                capacity=capacity,
            )
        )


def announcing(is_changed: ColumnElement[bool], *, now: Any) -> ReturningInsert[UUID, int, int | None, int]:
    """Take the next number of each locked event, and write the entries. `change_places` does so for what it changes."""
    numbered = (
        update(Event.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(is_changed)
        .values(availability_sequence=Event.availability_sequence + 1, updated_at=Event.updated_at)
        .returning(Event.id, Event.availability_sequence, Event.capacity, Event.taken)
        .cte("numbered")
    )
    places = func.jsonb_build_object(
        "id", Service.id, "capacity", Service.capacity, "taken", Service.taken,
        "cancelled", Service.cancelled_at.is_not(None),
    )  # fmt: skip
    services = (
        select(func.coalesce(func.jsonb_agg(aggregate_order_by(places, Service.starts_at, Service.id)), text("'[]'")))
        .where(Service.event_id == numbered.c.id, Service.deleted_at.is_(None))
        .scalar_subquery()
    )
    entry = AvailabilityChange
    return (
        insert(AvailabilityChange.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .from_select(
            ["event_id", "sequence", "capacity", "taken", "services", "occurred_at"], select(*numbered.c, services, now)
        )
        .returning(entry.event_id, entry.sequence, entry.capacity, entry.taken)
    )


def announced(entry: CTE) -> RecordedEvents:
    """Return the events of entries that `announcing` has written."""
    values = {
        "subject_id": entry.c.event_id,
        "stream": stream_of(availability_stream, entry.c.event_id),
        "sequence": entry.c.sequence,
        "taken": entry.c.taken,
        "capacity": entry.c.capacity,
    }
    return RecordedEvents(AvailabilityChanged, entry, values)


ANNOUNCE = announcing(
    Event.id == any_(bindparam("changed_ids", type_=ARRAY(Uuid))),
    now=bindparam("now", type_=AvailabilityChange.occurred_at.type),
)
