"""The sweep of past events: `event.completed` once, and one-off events into the archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.sql.elements import ColumnElement

from database import Database, UnitOfWork
from models import DomainEvent, Event, EventStatus, is_over, utcnow
from resolvers.events.lifecycle import EventArchived, day_is_over, withdraw_from_review
from settings import Settings

CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class EventCompleted(DomainEvent):
    name: ClassVar[str] = "event.completed"
    subject_type: ClassVar[str] = "Event"


async def complete_ended(database: Database, _settings: Settings) -> int:
    """Announce the end of each event that took place. Its row remembers, so it is announced once."""
    total = 0
    while True:
        async with database.writing() as uow:
            ended = await _locked(
                uow,
                Event.completed_at.is_(None),
                Event.deleted_at.is_(None),
                is_over(Event.ends_at, func.now()),
                Event.status.in_((EventStatus.PUBLISHED, EventStatus.ARCHIVED)),
            )
            for event in ended:
                event.completed_at = utcnow()
                uow.record(EventCompleted(subject_id=event.id))
        total += len(ended)
        if len(ended) < CHUNK:
            return total


async def archive_past(database: Database, _settings: Settings) -> int:
    """Archive published events whose last day is over where they took place."""
    total = 0
    while True:
        async with database.writing() as uow:
            past = await _locked(
                uow,
                Event.status == EventStatus.PUBLISHED,
                day_is_over(func.now()),
            )
            await withdraw_from_review(uow, *past)
            for event in past:
                event.status, event.archived_at = EventStatus.ARCHIVED, utcnow()
                event.version += 1
                uow.record(EventArchived(subject_id=event.id))
        total += len(past)
        if len(past) < CHUNK:
            return total


async def _locked(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> list[Event]:
    """Lock some events. Those that someone is changing wait for the next run."""
    found = await uow.session.scalars(
        select(Event).where(*conditions).order_by(Event.ends_at).limit(CHUNK).with_for_update(skip_locked=True)
    )
    return list(found)
