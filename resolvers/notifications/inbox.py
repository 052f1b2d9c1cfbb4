"""A person's own notifications: reading them, and following them live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CTE, ColumnElement, Select, Uuid, any_, bindparam, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningUpdate

from auth.viewer import Viewer, given_viewer
from auth.visibility.notifications import is_unread_by, notifications_of
from database import Database, RecordedEvents, UnitOfWork, stream_of
from dataloaders.notifications.inbox import number_unread
from errors import NotFound, UserError, refuse
from models import ChatMember, DomainEvent, Inbox, Notification, NotificationType, ReadMark, StreamEvent, utcnow
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
class AllNotificationsRead(StreamEvent):
    """All up to one, which is the subject. It tells the person's other devices as well, as `InboxRead` does."""

    name: ClassVar[str] = "notification.read"
    subject_type: ClassVar[str] = "Notification"
    user_id: UUID
    up_to_sequence: int


@dataclass(frozen=True, kw_only=True)
class InboxRead(StreamEvent):
    """Tells the person's other devices. It is no entry of a durable stream: its number means nothing."""

    name: ClassVar[str] = "inbox.read"
    subject_type: ClassVar[str] = "User"


async def mark_read(uow: UnitOfWork, viewer: Viewer, *, notification_ids: Sequence[UUID]) -> list[Notification]:
    """Return the notifications, in the order of the ids. Raises `NotFound` for each that is not one's own, and marks
    none.
    """
    user_id = viewer.require_user()
    values = {"viewer_id": user_id, "now": utcnow(), "ids": list(notification_ids)}
    marked = (await uow.session.scalars(MARK, values)).all()
    for notification_id in marked:
        uow.record(NotificationRead(subject_id=notification_id, user_id=user_id))
    if marked:
        uow.record(InboxRead(subject_id=user_id, stream=inbox_read_stream(user_id), sequence=0))
    rows = await uow.session.scalars(notifications_of(viewer).where(Notification.id.in_(notification_ids)))
    found = {row.id: row for row in rows}
    problems: list[UserError] = [
        NotFound(path=("ids", str(position))) for position, id in enumerate(notification_ids) if id not in found
    ]
    refuse(problems)
    return [found[id] for id in notification_ids]


async def mark_all_read(uow: UnitOfWork, viewer: Viewer) -> int:
    """Mark as read all that there are now, by one row. Answers how many were unread."""
    user_id = viewer.require_user()
    found = await uow.session.execute(MARK_ALL, {"viewer_id": user_id, "now": utcnow()})
    marked = found.one_or_none()
    if marked is None:
        return 0
    uow.record(
        AllNotificationsRead(
            subject_id=marked.id,
            user_id=user_id,
            up_to_sequence=marked.sequence,
            stream=inbox_read_stream(user_id),
            sequence=0,
        )
    )
    return int(marked.number)


def settling(viewer: Viewer, *narrowed: ColumnElement[bool], now: Any) -> ReturningUpdate[UUID, UUID]:
    """Mark as read what the viewer has seen by itself: no notice of it is needed any more."""
    # Locked in one order, so that two devices marking at once do not wait for each other.
    unread = (
        notifications_of(viewer)
        .where(is_unread_by(viewer), *narrowed)
        .with_only_columns(Notification.id)
        .order_by(Notification.sequence)
        .with_for_update()
    )
    return (
        update(Notification.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(Notification.id.in_(unread.cte("unread").select()))
        .values({Notification.marked_at: now})
        .returning(Notification.id, Notification.user_id)
    )


def have_been_read(settled: CTE) -> list[RecordedEvents]:
    """Return the events of notices that `settling` has marked: one for each, and one for the person's other devices."""
    person = select(settled.c.user_id).distinct().subquery("person")
    stream = stream_of(inbox_read_stream, person.c.user_id)
    return [
        RecordedEvents(NotificationRead, settled, {"subject_id": settled.c.id, "user_id": settled.c.user_id}),
        RecordedEvents(InboxRead, person, {"subject_id": person.c.user_id, "stream": stream, "sequence": literal(0)}),
    ]


def _listening(*of_chats: ColumnElement[bool]) -> ColumnElement[bool]:
    """Let the viewer be told of the next message of chats that they had been told of (`ChatMember.is_told`).

    To be asked for by what follows: memberships are locked before notifications and inboxes, as whoever reads a chat
    or writes to it does.
    """
    own = ChatMember.user_id == given_viewer().id
    told = select(ChatMember.chat_id).where(own, ChatMember.is_told, *of_chats)
    locked = told.order_by(ChatMember.chat_id).with_for_update(key_share=True).cte("locked")
    listening = (
        update(ChatMember.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(own, ChatMember.chat_id.in_(locked.select()))
        .values(is_told=False)
        .returning(ChatMember.chat_id)
        .cte("listening")
    )
    is_done: ColumnElement[bool] = select(func.count()).select_from(listening).scalar_subquery() >= 0
    return is_done


# SQLAlchemy would set a column that is named like a parameter.
NOW = bindparam("now", type_=Notification.created_at.type)


def _marking() -> Select[UUID]:
    viewer, is_meant = given_viewer(), Notification.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
    of_chats = notifications_of(viewer).where(
        is_unread_by(viewer), is_meant, Notification.type == NotificationType.NEW_MESSAGE
    )
    is_of_these = ChatMember.chat_id.in_(of_chats.with_only_columns(Notification.subject_id))
    settled = settling(viewer, is_meant, _listening(is_of_these), now=NOW).cte("settled")
    return select(settled.c.id)


def _marking_all() -> Select[UUID, int, int]:
    """Answer the newest notification, its number, and how many were unread up to it; no row where none was.

    What is written at this moment stays unread: the newest one is that which the statement sees.
    """
    viewer = given_viewer()
    newest = (
        notifications_of(viewer)
        .with_only_columns(
            Notification.id, Notification.user_id, Notification.sequence, number_unread(viewer).label("number")
        )
        .order_by(Notification.sequence.desc())
        .limit(1)
        .cte("newest")
        .prefix_with("MATERIALIZED")
    )
    values = select(newest.c.user_id, newest.c.sequence, newest.c.sequence).where(newest.c.number > 0, _listening())
    columns = ["user_id", "last_sequence", "read_sequence"]
    adding = insert(Inbox).from_select(columns, values, include_defaults=False)
    moved = (
        adding.on_conflict_do_update(
            index_elements=["user_id"],
            set_={"read_sequence": adding.excluded.read_sequence},
            where=Inbox.read_sequence < adding.excluded.read_sequence,
        )
        .returning(Inbox.user_id)
        .cte("moved")
    )
    mark = select(newest.c.user_id, newest.c.sequence, NOW).join(moved, moved.c.user_id == newest.c.user_id)
    marked = insert(ReadMark).from_select(["user_id", "sequence", "read_at"], mark).cte("marked")
    answered = select(newest.c.id, newest.c.sequence, newest.c.number)
    return answered.join(moved, moved.c.user_id == newest.c.user_id).add_cte(marked)


MARK = _marking()
MARK_ALL = _marking_all()


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
    counting = select(number_unread(viewer))
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
