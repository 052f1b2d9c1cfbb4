"""A person's own notifications: reading them, and following them live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CTE, ColumnElement, Select, Uuid, any_, bindparam, func, literal, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from auth.viewer import Viewer, given_viewer
from auth.visibility.notifications import notifications_of
from database import Database, RecordedEvents, UnitOfWork, stream_of
from errors import NotFound, UserError, refuse
from models import ChatMember, DomainEvent, Inbox, Notification, NotificationType, StreamEvent, utcnow
from realtime.hub import Hub
from realtime.streams import (
    BATCH,
    Bounds,
    Guard,
    Reading,
    Stream,
    StreamEnded,
    access_stream,
    inbox_read_stream,
    inbox_stream,
    pulse,
)
from resolvers.core.stream_access import StreamAccess


@dataclass(frozen=True, kw_only=True)
class NotificationRead(DomainEvent):
    name: ClassVar[str] = "notification.read"
    subject_type: ClassVar[str] = "Notification"
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class InboxRead(StreamEvent):
    """Tells the person's other devices. It is no entry of a durable stream: its number means nothing."""

    name: ClassVar[str] = "inbox.read"
    subject_type: ClassVar[str] = "User"


async def mark_read(uow: UnitOfWork, viewer: Viewer, *, notification_ids: Sequence[UUID]) -> list[Notification]:
    """The notifications, in the order of the ids. Raises `NotFound` for each that is not one's own, and marks none."""
    viewer.require_user()
    await _mark(uow, viewer, MARK, ids=list(notification_ids))
    rows = await uow.session.scalars(notifications_of(viewer).where(Notification.id.in_(notification_ids)))
    found = {row.id: row for row in rows}
    problems: list[UserError] = [
        NotFound(path=("ids", str(position))) for position, id in enumerate(notification_ids) if id not in found
    ]
    refuse(problems)
    return [found[id] for id in notification_ids]


async def mark_all_read(uow: UnitOfWork, viewer: Viewer) -> int:
    """How many were unread."""
    return await _mark(uow, viewer, MARK_ALL)


def settling(viewer: Viewer, *narrowed: ColumnElement[bool], now: Any) -> ReturningUpdate[UUID, UUID]:
    """Mark as read what the viewer has seen by itself: no notice of it is needed any more."""
    # Locked in one order, so that two devices marking at once do not wait for each other.
    unread = (
        notifications_of(viewer)
        .where(Notification.read_at.is_(None), *narrowed)
        .with_only_columns(Notification.id)
        .order_by(Notification.sequence)
        .with_for_update()
    )
    return (
        update(Notification.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(Notification.id.in_(unread.cte("unread").select()))
        .values(read_at=now)
        .returning(Notification.id, Notification.user_id)
    )


def have_been_read(settled: CTE) -> list[RecordedEvents]:
    """The events of notices that `settling` has marked: one for each, and one for the person's other devices."""
    person = select(settled.c.user_id).distinct().subquery("person")
    stream = stream_of(inbox_read_stream, person.c.user_id)
    return [
        RecordedEvents(NotificationRead, settled, {"subject_id": settled.c.id, "user_id": settled.c.user_id}),
        RecordedEvents(InboxRead, person, {"subject_id": person.c.user_id, "stream": stream, "sequence": literal(0)}),
    ]


def _marking(*narrowed: ColumnElement[bool]) -> Select[UUID]:
    """Mark as read, and let the chats among it tell of their next message (`ChatMember.is_told`)."""
    viewer = given_viewer()
    unread = notifications_of(viewer).where(Notification.read_at.is_(None), *narrowed)
    of_chats = unread.where(Notification.type == NotificationType.NEW_MESSAGE).with_only_columns(
        Notification.subject_id
    )
    own = ChatMember.user_id == viewer.id
    told = select(ChatMember.chat_id).where(own, ChatMember.is_told, ChatMember.chat_id.in_(of_chats))
    locked = told.order_by(ChatMember.chat_id).with_for_update(key_share=True).cte("locked")
    waiting = (
        update(ChatMember.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(own, ChatMember.chat_id.in_(locked.select()))
        .values(is_told=False)
        .returning(ChatMember.chat_id)
        .cte("waiting")
    )
    # Counted, so that memberships are locked before notifications, as whoever reads a chat does.
    is_waiting = select(func.count()).select_from(waiting).scalar_subquery() >= 0
    # SQLAlchemy would set a column that is named like a parameter.
    now = bindparam("now", type_=Notification.read_at.type)
    settled = settling(viewer, *narrowed, is_waiting, now=now).cte("settled")
    return select(settled.c.id)


MARK = _marking(Notification.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
MARK_ALL = _marking()


async def _mark(uow: UnitOfWork, viewer: Viewer, statement: Select[UUID], **values: Any) -> int:
    user_id = viewer.require_user()
    marked = await uow.session.scalars(statement, {"viewer_id": user_id, "now": utcnow(), **values})
    read = marked.all()
    for notification_id in read:
        uow.record(NotificationRead(subject_id=notification_id, user_id=user_id))
    if read:
        uow.record(InboxRead(subject_id=user_id, stream=inbox_read_stream(user_id), sequence=0))
    return len(read)


class InboxStream(Stream[Notification]):
    """The viewer's notifications after a cursor, or from now on. All of them are kept, so every own cursor is good."""

    __slots__ = ("_access", "_database", "_viewer")

    shares_readings = False  # a notification that was read is no news

    def __init__(self, database: Database, access: StreamAccess, viewer: Viewer, *, after: str | None) -> None:
        user_id = viewer.require_user()
        super().__init__(inbox_stream(user_id), user_id, user_id=user_id, expires_at=viewer.expires_at, after=after)
        self._access = access
        self._database = database
        self._viewer = viewer

    async def bounds(self) -> Bounds:
        if not await self._access.still_stands(self._viewer):
            raise StreamEnded
        async with self._database.reading() as session:
            head = await session.scalar(select(Inbox.last_sequence).where(Inbox.user_id == self.owner_id))
        return Bounds(floor=0, head=head or 0)

    async def which_allowed(self, streams: Sequence[Stream[Notification]]) -> Sequence[bool]:
        viewers = [one._viewer for one in streams if isinstance(one, InboxStream)]
        return await asyncio.gather(*map(self._access.still_stands, viewers))

    async def read(self, sequence: int) -> Reading[Notification]:
        async with self._database.reading() as session:
            found = await session.scalars(
                notifications_of(self._viewer)
                .where(Notification.sequence > sequence)
                .order_by(Notification.sequence)
                .limit(BATCH)
            )
            return Reading(found.all())


@dataclass(frozen=True)
class Unread:
    unread_count: int


async def unread_counts(
    database: Database, hub: Hub, access: StreamAccess, viewer: Viewer
) -> AsyncGenerator[Unread, None]:
    """How many of the viewer's notifications are unread: now, and after each change."""
    user_id = viewer.require_user()
    counting = notifications_of(viewer).where(Notification.read_at.is_(None)).with_only_columns(func.count())
    guard = Guard((access_stream(user_id),), viewer.expires_at, lambda: access.still_stands(viewer))
    beats = pulse(hub, guard, inbox_stream(user_id), inbox_read_stream(user_id))
    known: int | None = None
    async with aclosing(beats):
        async for _beat in beats:
            async with database.reading() as session:
                count = await session.scalar(counting) or 0
            if count != known:
                yield Unread(count)
            known = count
