"""The live stream of an event's free places."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from sqlalchemy import func, select

from auth.viewer import Viewer, viewer_still_valid
from auth.visibility import events_visible_to
from database import Database
from errors import NotFound
from models import AvailabilityChange, Event
from realtime.hub import Hub
from realtime.streams import BATCH, Bounds, Guard, Resync, availability_stream, replay


def changes(
    database: Database, hub: Hub, viewer: Viewer, *, event_id: UUID, after: str | None
) -> AsyncGenerator[AvailabilityChange | Resync, None]:
    """Changes after a cursor, or from now on. Raises `NotFound` where the event is hidden from the viewer."""
    stream = availability_stream(event_id)

    async def bounds() -> Bounds:
        oldest = (
            select(func.min(AvailabilityChange.sequence))
            .where(AvailabilityChange.event_id == event_id)
            .scalar_subquery()
        )
        async with database.reading() as session:
            found = await session.execute(
                events_visible_to(viewer)
                .where(Event.id == event_id)
                .with_only_columns(Event.availability_sequence, oldest)
            )
            row = found.one_or_none()
        if row is None:
            raise NotFound
        head, first = row
        return Bounds(floor=head if first is None else first - 1, head=head)

    async def is_allowed() -> bool:
        async with database.reading() as session:
            if not await viewer_still_valid(session, viewer):
                return False
            visible = events_visible_to(viewer).where(Event.id == event_id).with_only_columns(Event.id)
            return await session.scalar(visible) is not None

    async def fetch(sequence: int) -> Sequence[AvailabilityChange]:
        # All who see the event see the same entries, so those who follow it from this process read each once.
        return await hub.once(stream, sequence, lambda: _read(database, event_id, sequence))

    guard = Guard(viewer.id, viewer.expires_at, is_allowed)
    return replay(hub, stream, guard, owner_id=event_id, after=after, bounds=bounds, fetch=fetch)


async def _read(database: Database, event_id: UUID, sequence: int) -> Sequence[AvailabilityChange]:
    async with database.reading() as session:
        found = await session.scalars(
            select(AvailabilityChange)
            .where(AvailabilityChange.event_id == event_id, AvailabilityChange.sequence > sequence)
            .order_by(AvailabilityChange.sequence)
            .limit(BATCH)
        )
        return found.all()
