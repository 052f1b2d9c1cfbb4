"""Notices to people: rows made in the transaction of what caused them (S0-75 … S0-81)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from database import UnitOfWork
from models import Base, Inbox, Notification, NotificationType, StreamEvent, uuid7
from realtime.streams import inbox_stream


@dataclass(frozen=True, kw_only=True)
class NotificationSent(StreamEvent):
    name: ClassVar[str] = "notification.sent"
    subject_type: ClassVar[str] = "Notification"
    has_job: ClassVar[bool] = True
    user_id: UUID
    type: str


async def notify(
    uow: UnitOfWork,
    recipients: Iterable[UUID],
    type: NotificationType,
    *,
    subject: Base | None = None,
    actor_id: UUID | None = None,
    **params: Any,
) -> None:
    """One notice for each recipient, but never for the actor. `params` fill the words of its type.

    Inboxes are locked in the order of their ids; call it after all other locks of the unit of work are taken.
    """
    chosen = sorted({recipient for recipient in recipients if recipient != actor_id})
    if not chosen:
        return
    await uow.session.flush()
    sequences = await next_sequences(uow, chosen)
    rows: list[dict[str, Any]] = [
        {
            "id": uuid7(),
            "user_id": user_id,
            "sequence": sequences[user_id],
            "type": type,
            "subject_type": subject.__class__.__name__ if subject is not None else None,
            "subject_id": getattr(subject, "id", None),
            "actor_id": actor_id,
            "params": params,
        }
        for user_id in chosen
    ]
    await uow.session.execute(insert(Notification), rows)
    for row in rows:
        uow.record(
            NotificationSent(
                subject_id=row["id"],
                stream=inbox_stream(row["user_id"]),
                sequence=row["sequence"],
                user_id=row["user_id"],
                type=type.value,
            )
        )


async def next_sequences(uow: UnitOfWork, user_ids: list[UUID]) -> Mapping[UUID, int]:
    """The next number of each inbox, given out under its row's lock, which is taken in the order of the ids."""
    await uow.session.execute(
        select(Inbox.user_id).where(Inbox.user_id.in_(user_ids)).order_by(Inbox.user_id).with_for_update()
    )
    statement = upsert(Inbox).values([{"user_id": user_id, "last_sequence": 1} for user_id in user_ids])
    numbered = statement.on_conflict_do_update(
        index_elements=["user_id"], set_={"last_sequence": Inbox.last_sequence + 1}
    ).returning(Inbox.user_id, Inbox.last_sequence)
    found = await uow.session.execute(numbered)
    return {row.user_id: row.last_sequence for row in found}
