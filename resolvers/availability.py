"""The live stream of an event's free places."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from auth.viewer import Viewer, viewer_still_valid, viewers_still_valid
from auth.visibility import events_visible_to
from database import Database
from errors import NotFound
from models import AvailabilityChange, Event
from realtime.hub import Hub
from realtime.streams import BATCH, Bounds, Reading, Stream, StreamEnded, availability_stream


class AvailabilityStream(Stream[AvailabilityChange]):
    """Changes after a cursor, or from now on. Hidden where the event is hidden from the viewer."""

    __slots__ = ("_database", "_hub", "_viewer")

    def __init__(self, database: Database, hub: Hub, viewer: Viewer, *, event_id: UUID, after: str | None) -> None:
        super().__init__(
            availability_stream(event_id), event_id, user_id=viewer.id, expires_at=viewer.expires_at, after=after
        )
        self._database = database
        self._hub = hub
        self._viewer = viewer

    async def bounds(self) -> Bounds:
        if not await viewer_still_valid(self._database, self._viewer):
            raise StreamEnded
        oldest = (
            select(func.min(AvailabilityChange.sequence))
            .where(AvailabilityChange.event_id == self.owner_id)
            .scalar_subquery()
        )
        async with self._database.reading() as session:
            found = await session.execute(
                events_visible_to(self._viewer)
                .where(Event.id == self.owner_id)
                .with_only_columns(Event.availability_sequence, oldest)
            )
            row = found.one_or_none()
        if row is None:
            raise NotFound
        head, first = row
        return Bounds(floor=head if first is None else first - 1, head=head)

    async def which_allowed(self, streams: Sequence[Stream[AvailabilityChange]]) -> Sequence[bool]:
        """One statement for all sessions. Whether the event is visible is asked for each user, and once for guests."""
        viewers = [one._viewer for one in streams if isinstance(one, AvailabilityStream)]
        sees: dict[UUID | None, bool] = {}
        valid = await viewers_still_valid(self._database, viewers)
        async with self._database.reading() as session:
            for viewer, is_valid in zip(viewers, valid, strict=True):
                if is_valid and viewer.id not in sees:
                    visible = events_visible_to(viewer).where(Event.id == self.owner_id).with_only_columns(Event.id)
                    sees[viewer.id] = await session.scalar(visible) is not None
        return [is_valid and sees[viewer.id] for viewer, is_valid in zip(viewers, valid, strict=True)]

    async def fetch(self, sequence: int) -> Sequence[AvailabilityChange]:
        # All who see the event see the same entries, so those who follow it from this process read each once.
        return await self._hub.once(self.channel, sequence, lambda: _read(self._database, self.owner_id, sequence))

    async def read(self, sequence: int) -> Reading[AvailabilityChange]:
        return Reading(await self.fetch(sequence))


async def _read(database: Database, event_id: UUID, sequence: int) -> Sequence[AvailabilityChange]:
    async with database.reading() as session:
        found = await session.scalars(
            select(AvailabilityChange)
            .where(AvailabilityChange.event_id == event_id, AvailabilityChange.sequence > sequence)
            .order_by(AvailabilityChange.sequence)
            .limit(BATCH)
        )
        return found.all()
