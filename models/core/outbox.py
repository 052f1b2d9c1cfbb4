"""Domain events: what happened, written in the transaction that made it happen."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column

from models.core.base import Base, BigInt, CreatedAt, PrimaryKey


@dataclass(frozen=True, kw_only=True)
class DomainEvent:
    """Base of every event. A subclass names itself and its subject; its own fields become the metadata.

    Metadata carries ids and names of changed fields, never secrets and never the values of private fields.
    """

    name: ClassVar[str]
    subject_type: ClassVar[str]
    has_job: ClassVar[bool] = False
    """Work follows outside the transaction: `jobs/handlers.py` has a handler of this name."""

    subject_id: UUID

    @property
    def metadata(self) -> dict[str, Any]:
        own = (f.name for f in fields(self) if f.name not in {"subject_id", "stream", "sequence"})
        return {name: str(v) if isinstance(v := getattr(self, name), UUID) else v for name in own}


@dataclass(frozen=True, kw_only=True)
class StreamEvent(DomainEvent):
    """An event that is also an entry of a live stream, with the number it has there."""

    stream: str
    sequence: int


class OutboxEvent(Base):
    __tablename__ = "outbox"
    __table_args__ = (Index(None, "occurred_at"), Index(None, "subject_type", "subject_id"))

    id: Mapped[PrimaryKey]
    name: Mapped[str] = mapped_column(String(80))
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    occurred_at: Mapped[CreatedAt]
    event_metadata: Mapped[dict[str, Any]] = mapped_column("metadata")
    stream: Mapped[str | None] = mapped_column(String(80))
    sequence: Mapped[BigInt | None]


class OutboxDelivery(Base):
    """An event still owed to a consumer. The row goes when the consumer has taken it."""

    __tablename__ = "outbox_deliveries"
    __table_args__ = (Index(None, "consumer", "due_at", "event_id"),)

    event_id: Mapped[UUID] = mapped_column(ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True)
    consumer: Mapped[str] = mapped_column(String(20), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """The time of writing, not of the transaction's start: whoever waited for a row's lock comes after whoever had it.
    """
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None] = mapped_column(String(500))


class HandledEvent(Base):
    """A job has done what an event asked for. Written in the transaction of the effect: a repeat has none."""

    __tablename__ = "handled_events"

    event_id: Mapped[UUID] = mapped_column(ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True)
    handled_at: Mapped[CreatedAt]


class MailDelivery(Base):
    """A mail that an event asks for, from the moment that somebody is about to send it."""

    __tablename__ = "mail_deliveries"

    event_id: Mapped[UUID] = mapped_column(ForeignKey("outbox.id", ondelete="CASCADE"), primary_key=True)
    claimed_until: Mapped[datetime]
    """Until then whoever has claimed it may be sending it, and nobody else does."""
    attempts: Mapped[int] = mapped_column(default=1, server_default="1")
    sent_at: Mapped[datetime | None]
    """The moment at which the mail server had accepted it."""
