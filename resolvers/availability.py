"""The live stream of an event's free places."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from auth.viewer import Viewer, still_stands
from database import Database
from errors import NotFound
from models import AvailabilityChange, Event
from realtime.hub import Hub
from realtime.streams import BATCH, Bounds, Reading, Stream, StreamEnded, availability_stream
from resolvers.stream_access import OPEN_TO_ALL, StreamAccess


class AvailabilityStream(Stream[AvailabilityChange]):
    """Changes after a cursor, or from now on. Hidden where the event is hidden from the viewer."""

    __slots__ = ("_access", "_database", "_hub", "_viewer")

    def __init__(
        self, database: Database, hub: Hub, access: StreamAccess, viewer: Viewer, *, event_id: UUID, after: str | None
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
        self._hub = hub
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

    async def fetch(self, sequence: int) -> Sequence[AvailabilityChange]:
        reading = await self.read(sequence)
        if not reading.is_open and not await self.is_allowed():
            raise StreamEnded
        return reading.entries

    async def read(self, sequence: int) -> Reading[AvailabilityChange]:
        # All who see the event see the same entries, so those who follow it from this process read each once.
        return await self._hub.once(self.channel, sequence, lambda: _read(self._database, self.owner_id, sequence))


async def _read(database: Database, event_id: UUID, sequence: int) -> Reading[AvailabilityChange]:
    async with database.reading() as session:
        found = await session.execute(
            select(AvailabilityChange, OPEN_TO_ALL)
            .join(Event, Event.id == AvailabilityChange.event_id)
            .where(AvailabilityChange.event_id == event_id, AvailabilityChange.sequence > sequence)
            .order_by(AvailabilityChange.sequence)
            .limit(BATCH)
        )
        rows = found.all()
    return Reading([change for change, _ in rows], is_open=not rows or rows[0][1])
