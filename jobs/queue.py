"""The way from the outbox into the job queue, and what runs there.

The relay enqueues in its own transaction, so the hop is exactly once. A job carries the id of its event and nothing
else; it may run twice, and has its effect once, because what was done is written down (`HandledEvent`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from database import Database, UnitOfWork
from integrations.mail import TIMEOUT, Mail, Mailer
from jobs.handlers import HANDLERS
from jobs.mail_limits import is_repeat
from models import HandledEvent, MailDelivery, OutboxEvent
from settings import Settings


async def to_jobs(connection: asyncpg.Connection, events: Sequence[OutboxEvent]) -> None:
    """Consume events for the queue `jobs`: one job for each event, named after it."""
    queries = Queries(AsyncpgDriver(connection))
    keys = [str(event.id) for event in events]
    await queries.enqueue(
        [event.name for event in events],
        [key.encode() for key in keys],
        [0] * len(keys),
        dedupe_key=list(keys),
        on_conflict="skip",
    )


CLAIM = timedelta(seconds=TIMEOUT + 5)
"""Longer than sending a mail may take."""


class MailAlreadyClaimed(Exception):
    """Another worker is about to send this mail, or was until it died."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"claimed for {seconds:.1f} s")


@dataclass
class MailCollector:
    """In the place of a mailer while a handler runs: its mails are sent once their claim is committed."""

    mails: list[Mail] = field(default_factory=list)

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)

    async def check(self) -> str:
        return "collects"


async def handle(database: Database, mailer: Mailer, settings: Settings, event_id: UUID) -> bool:
    """Do what an event asks for, once. False where it was done before, or is no longer known.

    A mail is claimed, sent and then marked as sent. It is sent twice only where we die, or lose the database, between
    the moment that its server has taken it and our mark; both have one Message-ID then. Raises `MailAlreadyClaimed`.
    """
    mails = await _prepare(database, settings, event_id)
    if mails is None:
        return False
    try:
        for mail in mails:
            await mailer.send(mail)
    except BaseException:
        if mails:
            await asyncio.shield(_release(database, event_id))
        raise
    if mails:
        await _mark_sent(database, event_id)
    return True


async def _prepare(database: Database, settings: Settings, event_id: UUID) -> list[Mail] | None:
    """Run the handler and claim its mails, in one transaction; null where there is nothing left to do."""
    collecting = MailCollector()
    async with database.writing() as uow:
        event = await uow.session.get(OutboxEvent, event_id)
        attempt = await _claim(uow, event_id) if event is not None else 0
        if event is None or not attempt:
            return None
        token = is_repeat.set(attempt > 1)
        try:
            await HANDLERS[event.name](uow, collecting, settings, event)
        finally:
            is_repeat.reset(token)
        if not collecting.mails:
            uow.session.add(HandledEvent(event_id=event_id))
    return collecting.mails


async def _claim(uow: UnitOfWork, event_id: UUID) -> int:
    """Keep everybody else from the event for a while. The number of the attempt, or 0 where it is done.

    A parallel run of the same job waits here until this one has committed. Raises `MailAlreadyClaimed`.
    """
    now = func.clock_timestamp()
    claiming = insert(MailDelivery).values(event_id=event_id, claimed_until=now + CLAIM)
    claiming = claiming.on_conflict_do_update(
        index_elements=["event_id"],
        set_={"claimed_until": claiming.excluded.claimed_until, "attempts": MailDelivery.attempts + 1},
        where=MailDelivery.claimed_until <= now,
    )
    attempt = await uow.session.scalar(claiming.returning(MailDelivery.attempts))
    # Looked at only now: whoever had it before may have done it while we waited.
    if await uow.session.scalar(select(HandledEvent.event_id).where(HandledEvent.event_id == event_id)) is not None:
        return 0
    if attempt is None:
        left = func.extract("epoch", MailDelivery.claimed_until - now)
        seconds = await uow.session.scalar(select(left).where(MailDelivery.event_id == event_id))
        raise MailAlreadyClaimed(max(float(seconds or 0), 0.5))
    return int(attempt)


async def _release(database: Database, event_id: UUID) -> None:
    """Let the next attempt begin at once. Where that fails, the claim ends by itself."""
    with suppress(Exception):
        async with database.writing() as uow:
            await uow.session.execute(
                update(MailDelivery)
                .where(MailDelivery.event_id == event_id)
                .values(claimed_until=func.clock_timestamp())
            )


async def _mark_sent(database: Database, event_id: UUID) -> None:
    async with database.writing() as uow:
        await uow.session.execute(
            update(MailDelivery).where(MailDelivery.event_id == event_id).values(sent_at=func.clock_timestamp())
        )
        await uow.session.execute(insert(HandledEvent).values(event_id=event_id).on_conflict_do_nothing())
