"""The live stream of an event's free places."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from uuid import UUID

from sqlalchemy import func, select

from auth.viewer import Viewer, viewer_still_valid
from auth.visibility import events_visible_to
from database import Database
from errors import NotFound
from models import AvailabilityChange, Event
from realtime import cursors
from realtime.hub import Hub
from realtime.streams import BATCH, Guard, Resync, availability_stream, follow


async def changes(
    database: Database, hub: Hub, viewer: Viewer, *, event_id: UUID, after: str | None
) -> AsyncGenerator[AvailabilityChange | Resync, None]:
    """Changes after a cursor, or from now on. Raises `NotFound` where the event is hidden from the viewer."""

    async def is_allowed() -> bool:
        async with database.reading() as session:
            if not await viewer_still_valid(session, viewer):
                return False
            visible = events_visible_to(viewer).where(Event.id == event_id).with_only_columns(Event.id)
            return await session.scalar(visible) is not None

    async def fetch(sequence: int) -> Sequence[AvailabilityChange]:
        async with database.reading() as session:
            found = await session.scalars(
                select(AvailabilityChange)
                .where(AvailabilityChange.event_id == event_id, AvailabilityChange.sequence > sequence)
                .order_by(AvailabilityChange.sequence)
                .limit(BATCH)
            )
            return found.all()

    start = cursors.decode(after, event_id) if after is not None else None
    async with database.reading() as session:
        visible = events_visible_to(viewer).where(Event.id == event_id)
        event = await session.scalar(visible)
        if event is None:
            raise NotFound
        oldest = await session.scalar(
            select(func.min(AvailabilityChange.sequence)).where(AvailabilityChange.event_id == event_id)
        )
    head = event.availability_sequence
    if start is not None and not (oldest or head + 1) - 1 <= start <= head:
        yield Resync(event_id, head)
        start = head
    guard = Guard(viewer.id, viewer.expires_at, is_allowed)
    entries = follow(hub, availability_stream(event_id), guard, after=head if start is None else start, fetch=fetch)
    async with aclosing(entries):
        async for change in entries:
            yield change
