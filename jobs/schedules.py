"""Work that runs on a clock. Each is one or more short transactions, and may run anywhere, twice, or late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, DateTime, String, cast, delete, exists, literal_column, or_, select, table, tuple_

from database import Database
from jobs.events.lifecycle import archive_past, complete_ended
from jobs.privacy import data_exports
from jobs.privacy.account_erasure import delete_due
from models import (
    AttemptCount,
    AvailabilityChange,
    Base,
    IdempotencyKey,
    KnownDevice,
    OneTimeToken,
    OutboxDelivery,
    OutboxEvent,
    ProviderSignIn,
    SecurityNotice,
    Session,
    SignUp,
    utcnow,
)
from resolvers.people.known_devices import KNOWN_FOR
from settings import Settings

CHUNK = 2000
OUTBOX_KEPT = timedelta(days=7)
ENDED_SESSIONS_KEPT = timedelta(days=7)
"""A stolen refresh token of an ended session is still recognised as such for a while."""
SIGN_UPS_KEPT = timedelta(days=2)
"""Its mail may be a day late, and the link in it is good for another."""
SECURITY_NOTICES_KEPT = timedelta(days=90)
LOG_KEPT = timedelta(days=7)

Sweep = Callable[[Database, Settings], Awaitable[int]]
"""Answers how many rows it dealt with."""


async def prune_outbox(database: Database, _settings: Settings) -> int:
    """Events that every consumer has taken and whose jobs are done. Those of failed jobs stay with them."""
    jobs = table("pgqueuer")
    return await _delete(
        database,
        OutboxEvent,
        OutboxEvent.occurred_at < utcnow() - OUTBOX_KEPT,
        ~exists().where(OutboxDelivery.event_id == OutboxEvent.id),
        ~exists()
        .select_from(jobs)
        .where(literal_column("pgqueuer.dedupe_key", String) == cast(OutboxEvent.id, String)),
    )


async def prune_idempotency_keys(database: Database, _settings: Settings) -> int:
    return await _delete(database, IdempotencyKey, IdempotencyKey.created_at < utcnow() - IdempotencyKey.LIFETIME)


async def prune_sign_in(database: Database, _settings: Settings) -> int:
    """Sessions, links, sign-ups, provider sign-ins and counts of attempts that are over."""
    now = utcnow()
    before = now - ENDED_SESSIONS_KEPT
    over: list[tuple[type[Base], ColumnElement[bool]]] = [
        (Session, or_(Session.expires_at < before, Session.ended_at < before)),
        (OneTimeToken, OneTimeToken.expires_at < before),
        (SecurityNotice, SecurityNotice.created_at < now - SECURITY_NOTICES_KEPT),
        (KnownDevice, KnownDevice.last_used_at < now - KNOWN_FOR),
        (SignUp, SignUp.created_at < now - SIGN_UPS_KEPT),
        (ProviderSignIn, ProviderSignIn.expires_at < now),
        (AttemptCount, AttemptCount.window_ends_at < now),
    ]
    return sum([await _delete(database, entity, condition) for entity, condition in over])


async def prune_availability(database: Database, settings: Settings) -> int:
    kept = timedelta(seconds=settings.availability_retention)
    return await _delete(database, AvailabilityChange, AvailabilityChange.occurred_at < utcnow() - kept)


async def prune_job_log(database: Database, _settings: Settings) -> int:
    """pgqueuer keeps a line for each step of each job; failed jobs themselves stay in its queue."""
    log = table("pgqueuer_log")
    async with database.writing() as uow:
        created = literal_column("created", DateTime(timezone=True))
        gone = await uow.session.execute(delete(log).where(created < utcnow() - LOG_KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


async def _delete(database: Database, entity: type[Base], *conditions: ColumnElement[bool]) -> int:
    """Delete in chunks, so that no transaction is long. Rows that someone holds wait for the next time."""
    keys: list[Any] = list(entity.__table__.primary_key)
    total = 0
    while True:
        async with database.writing() as uow:
            chosen = select(*keys).where(*conditions).limit(CHUNK).with_for_update(skip_locked=True, of=entity)
            gone = await uow.session.execute(
                delete(entity).where(tuple_(*keys).in_(chosen)).execution_options(synchronize_session=False)
            )
        deleted = int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
        total += deleted
        if deleted < CHUNK:
            return total


SCHEDULES: dict[str, tuple[str, Sweep]] = {
    "complete_events": ("* * * * *", complete_ended),
    "delete_accounts": ("* * * * *", delete_due),
    "archive_events": ("*/5 * * * *", archive_past),
    "prune_availability": ("7 * * * *", prune_availability),
    "prune_idempotency_keys": ("17 * * * *", prune_idempotency_keys),
    "prune_sign_in": ("27 * * * *", prune_sign_in),
    "expire_data_exports": ("*/10 * * * *", data_exports.expire),
    "prune_outbox": ("37 * * * *", prune_outbox),
    "prune_job_log": ("47 * * * *", prune_job_log),
}
"""Name to cron expression (UTC) and sweep."""
