"""The way from the outbox into the job queue, and what runs there.

The relay enqueues in its own transaction, so the hop is exactly once. A job carries the id of its event and nothing
else; it may run twice, and has its effect once, because what it did is written beside the effect (`HandledEvent`).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from sqlalchemy.dialects.postgresql import insert

from database import Database
from integrations.mail import Mailer
from jobs.handlers import HANDLERS
from models import HandledEvent, OutboxEvent
from settings import Settings


async def to_jobs(connection: asyncpg.Connection, events: Sequence[OutboxEvent]) -> None:
    """The relay's consumer `jobs`: one job for each event, named after it."""
    queries = Queries(AsyncpgDriver(connection))
    keys = [str(event.id) for event in events]
    await queries.enqueue(
        [event.name for event in events],
        [key.encode() for key in keys],
        [0] * len(keys),
        dedupe_key=list(keys),
        on_conflict="skip",
    )


async def handle(database: Database, mailer: Mailer, settings: Settings, event_id: UUID) -> bool:
    """Do what an event asks for, once. False where it was done before, or is no longer known."""
    async with database.writing() as uow:
        event = await uow.session.get(OutboxEvent, event_id)
        if event is None:
            return False
        claim = insert(HandledEvent).values(event_id=event_id).on_conflict_do_nothing()
        # A parallel run of the same job waits here until the first one commits or fails.
        if await uow.session.scalar(claim.returning(HandledEvent.event_id)) is None:
            return False
        await HANDLERS[event.name](uow, mailer, settings, event)
    return True
