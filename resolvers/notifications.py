"""Notices to people: rows made in the transaction of what caused them (S0-75 … S0-81)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from database import ONE_STATEMENT, UnitOfWork
from models import (
    Base,
    Channel,
    Event,
    Inbox,
    Notification,
    NotificationPreference,
    NotificationType,
    StreamEvent,
    User,
    uuid7,
)
from realtime.streams import inbox_stream


@dataclass(frozen=True, kw_only=True)
class NotificationSent(StreamEvent):
    name: ClassVar[str] = "notification.sent"
    subject_type: ClassVar[str] = "Notification"
    has_job: ClassVar[bool] = True
    user_id: UUID
    type: str


@dataclass(frozen=True, kw_only=True)
class Notice:
    """The same news for several people.

    `params` fill the words of its type (`notification_words.Wording`); the subject's name and time and the person's
    name are added here. The person is the one whose `user_id` is among the parameters, else the actor.
    """

    recipients: Iterable[UUID]
    type: NotificationType
    subject: Base | None = None
    actor_id: UUID | None = None
    """Who caused it: never told about it themself."""
    params: Mapping[str, Any] = field(default_factory=dict)


async def notify(
    uow: UnitOfWork,
    recipients: Iterable[UUID],
    type: NotificationType,
    *,
    subject: Base | None = None,
    actor_id: UUID | None = None,
    **params: Any,
) -> None:
    """One notice for each recipient, but never for the actor. See `notify_all` for more than one in a unit of work."""
    notice = Notice(recipients=recipients, type=type, subject=subject, actor_id=actor_id, params=params)
    await notify_all(uow, [notice])


async def notify_all(uow: UnitOfWork, notices: Iterable[Notice]) -> None:
    """All notices of a unit of work at once.

    Inboxes are locked in the order of their ids, so two calls in one unit of work could wait for each other with
    those of another. Call it once, after all other locks of the unit of work are taken.
    """
    notices = list(notices)
    addressed = [
        (user_id, notice)
        for notice in notices
        for user_id in sorted(set(notice.recipients))
        if user_id != notice.actor_id
    ]
    if not addressed:
        return
    await uow.session.flush()
    addressed = await _wanted(uow.session, addressed)
    if not addressed:
        return
    names = await _names(uow.session, [notice for _, notice in addressed])
    counts = Counter(user_id for user_id, _ in addressed)
    last = await next_sequences(uow, counts)
    upcoming = {user_id: last[user_id] - counts[user_id] for user_id in counts}
    rows: list[dict[str, Any]] = []
    for user_id, notice in addressed:
        upcoming[user_id] += 1
        rows.append(
            {
                "id": uuid7(),
                "user_id": user_id,
                "sequence": upcoming[user_id],
                "type": notice.type,
                "subject_type": notice.subject.__class__.__name__ if notice.subject is not None else None,
                "subject_id": getattr(notice.subject, "id", None),
                "actor_id": notice.actor_id,
                "params": _subject_facts(notice.subject) | names.get(_person(notice), {}) | dict(notice.params),
            }
        )
    await uow.session.execute(insert(Notification), rows, execution_options=ONE_STATEMENT)
    for row in rows:
        uow.record(
            NotificationSent(
                subject_id=row["id"],
                stream=inbox_stream(row["user_id"]),
                sequence=row["sequence"],
                user_id=row["user_id"],
                type=row["type"].value,
            )
        )


async def next_sequences(uow: UnitOfWork, counts: Mapping[UUID, int]) -> Mapping[UUID, int]:
    """Give each inbox that many numbers, under its row's lock, taken in the order of the ids; the last of them."""
    user_ids = sorted(counts)
    await uow.session.execute(
        select(Inbox.user_id).where(Inbox.user_id.in_(user_ids)).order_by(Inbox.user_id).with_for_update()
    )
    statement = upsert(Inbox).values([{"user_id": one, "last_sequence": counts[one]} for one in user_ids])
    numbered = statement.on_conflict_do_update(
        index_elements=["user_id"], set_={"last_sequence": Inbox.last_sequence + statement.excluded.last_sequence}
    ).returning(Inbox.user_id, Inbox.last_sequence)
    found = await uow.session.execute(numbered)
    return {row.user_id: row.last_sequence for row in found}


async def _wanted(session: AsyncSession, addressed: Sequence[tuple[UUID, Notice]]) -> list[tuple[UUID, Notice]]:
    """Without those who turned the type off: a notification is its record in the app, mail is a copy of it."""
    off = await session.execute(
        select(NotificationPreference.user_id, NotificationPreference.type).where(
            NotificationPreference.user_id.in_({user_id for user_id, _ in addressed}),
            NotificationPreference.channel == Channel.IN_APP,
            NotificationPreference.is_enabled.is_(False),
        )
    )
    unwanted = {(user_id, type) for user_id, type in off}
    return [(user_id, notice) for user_id, notice in addressed if (user_id, notice.type) not in unwanted]


def _person(notice: Notice) -> UUID | None:
    named = notice.params.get("user_id")
    return UUID(str(named)) if named else notice.actor_id


async def _names(session: AsyncSession, notices: Iterable[Notice]) -> dict[UUID | None, dict[str, Any]]:
    people = {person for notice in notices if (person := _person(notice))}
    if not people:
        return {}
    found = await session.execute(select(User.id, User.display_name).where(User.id.in_(people)))
    return {user_id: {"person": display_name} for user_id, display_name in found}


def _subject_facts(subject: Base | None) -> dict[str, Any]:
    """What the words say of the subject. Kept with the notice, so that reading it loads nothing."""
    if isinstance(subject, Event):
        return {
            "name": subject.title,
            "starts_at": subject.starts_at.isoformat(),
            "time_zone": subject.time_zone,
        }
    return {"name": getattr(subject, "name", None) or getattr(subject, "title", None)}
