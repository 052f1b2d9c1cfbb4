"""Sending a message by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from auth.viewer import Viewer
from database import RECORDING, RecordedEvents, recording, stream_of
from database.rows import attributes, row_class
from dataloaders.chat.viewer_can import Writability, writability, writing_to
from dataloaders.core.rule_statements import Statement
from dataloaders.core.selects import columns_of
from models import (
    Broadcast,
    Chat,
    ChatMember,
    Club,
    Event,
    Message,
    Notification,
    NotificationType,
    StreamEvent,
    utcnow,
    uuid7_among,
)
from realtime.streams import chat_stream
from resolvers.chat.news import AWAY, SEQUENCE
from resolvers.notifications.notification_writing import ADDRESSED, inserted_notifications, notification_events
from translations import one_line

LONGEST_EXCERPT = 140


@dataclass(frozen=True, kw_only=True)
class MessageSent(StreamEvent):
    name: ClassVar[str] = "chat.message.sent"
    subject_type: ClassVar[str] = "Message"
    chat_id: UUID
    author_id: UUID


def _standing(viewer: Viewer) -> Select[Any]:
    """For a member, the kind of the chat and what they sent under this `client_message_id`."""
    return (
        select(
            *columns_of(Message, attributes(Message)),
            *writing_to(viewer),
        )
        .select_from(ChatMember)
        .join(Chat, Chat.id == ChatMember.chat_id)
        .outerjoin(Message, _own_message(viewer))
        .where(ChatMember.chat_id == _chat_id(), ChatMember.user_id == viewer.id, ChatMember.left_at.is_(None))
    )


def _chat_id() -> Any:
    # SQLAlchemy would set a column that is named like a parameter.
    return bindparam("within_id", type_=Uuid())


def _own_message(viewer: Viewer) -> ColumnElement[bool]:
    client_message_id = bindparam("client_id", type_=Text())
    return and_(
        Message.chat_id == ChatMember.chat_id,
        Message.author_id == viewer.id,
        Message.client_message_id == client_message_id,
    )


def _send(viewer: Viewer, *, needs_fellowship: bool) -> Select[Any]:
    """Write the next message of a chat, its author's marker, notices to members who are away, and the domain events.

    In the order of locks: that of the chat, so that commit order is sequence order, without holes; that of the
    membership, which makes it the one of now; those of members who are told; those of their inboxes. Who is away is
    asked under the chat's lock, so that two messages at once tell nobody twice.
    """
    now = literal(utcnow())
    author = _author(viewer, _room(viewer, needs_fellowship=needs_fellowship))
    numbered = (
        update(Chat.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(Chat.id == author.c.chat_id)
        .values(last_sequence=Chat.last_sequence + 1, last_message_at=now)
        .returning(Chat.id, Chat.title, Chat.event_id, Chat.club_id, Chat.last_sequence)
        .cte("numbered")
    )
    marked = (
        update(ChatMember.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(ChatMember.chat_id == numbered.c.id, ChatMember.user_id == viewer.id)
        .values(read_sequence=numbered.c.last_sequence)
    )
    values = {
        "id": bindparam("new_id", type_=Uuid()),
        "chat_id": numbered.c.id,
        "sequence": numbered.c.last_sequence,
        "author_id": literal(viewer.id, Uuid()),
        "body": bindparam("text", type_=Text()),
        "client_message_id": bindparam("client_id", type_=Text()),
        "sent_at": now,
    }
    writing = insert(Message.__table__).from_select(list(values), select(*values.values()))  # type: ignore[arg-type]  # typed as FromClause, is a Table
    message = writing.returning(*Message.__table__.c).cte("message")
    away = _members_to_tell(viewer, numbered)
    told = inserted_notifications(_news(viewer, away), now, has_topics=False)
    event = {"subject_id": message.c.id, "stream": stream_of(chat_stream, message.c.chat_id)}
    event |= {name: message.c[name] for name in ("sequence", "chat_id", "author_id")}
    happened = [RecordedEvents(MessageSent, message, event), notification_events(told)]
    own = [message.c[name] for name in attributes(Message)]
    return select(*own).add_cte(marked.cte("marked"), _told_later(viewer, away, now), *recording(happened))


def _room(viewer: Viewer, *, needs_fellowship: bool) -> CTE:
    """Lock the chat, if a member may write to it."""
    is_open = writability(viewer, needs_fellowship=needs_fellowship) == Writability.OPEN.value
    return select(Chat.id).where(Chat.id == _chat_id(), is_open).with_for_update(key_share=True, of=Chat).cte("room")


def _author(viewer: Viewer, room: CTE) -> CTE:
    """Lock the membership of the author, unless the message was sent before."""
    sent_before = exists(select(Message.id).where(_own_message(viewer)).correlate(ChatMember))
    return (
        select(ChatMember.chat_id)
        .join(room, room.c.id == ChatMember.chat_id)
        .where(ChatMember.user_id == viewer.id, ChatMember.left_at.is_(None), ~sent_before)
        .with_for_update(key_share=True, of=ChatMember)
        .cte("author")
    )


def _members_to_tell(viewer: Viewer, numbered: CTE) -> CTE:
    """Select the members who are told at once, or one row without a person where they are told later."""
    author, most = literal(viewer.id, Uuid()), bindparam("most", type_=Integer())
    found = func.chat_members_to_tell(numbered.c.id, author, most).table_valued(column("user_id", Uuid()))
    found = found.render_derived(name="found")
    return select(*numbered.c, found.c.user_id).select_from(numbered, found).cte("away").prefix_with("MATERIALIZED")


def _news(viewer: Viewer, away: CTE) -> FromClause:
    """Return a notice for each member who is away."""
    values = {
        "id": uuid7_among(bindparam("batch", type_=Uuid()), func.row_number().over()),
        "user_id": away.c.user_id,
        "type": literal(NotificationType.NEW_MESSAGE, Notification.type.type),
        "subject_type": literal("Chat"),
        "subject_id": away.c.id,
        "actor_id": literal(viewer.id, Uuid()),
        "person_id": literal(viewer.id, Uuid()),
        "params": _params(away),
        "topic": null(),
        "repeats": null(),
        "withdraws": null(),
        "position": literal(1),
    }
    assert values.keys() == ADDRESSED.keys()
    columns = [value.label(name) for name, value in values.items()]
    return select(*columns).select_from(away).where(away.c.user_id.is_not(None)).subquery("listed")


def _told_later(viewer: Viewer, away: CTE, now: Any) -> CTE:
    """Leave it to workers to tell the members who are away, where these are many (`resolvers/chat/news.py`)."""
    author = literal(viewer.id, Uuid())
    notice = {
        "type": literal(NotificationType.NEW_MESSAGE.value),
        "subject_type": literal("Chat"),
        "subject_id": away.c.id,
        "actor_id": author,
        "person_id": author,
        "params": _params(away),
        "topic": null(),
        "is_of_each": false(),
        "is_quiet": false(),
        "withdraws": null(),
        SEQUENCE: away.c.last_sequence,
    }
    template = func.jsonb_build_object(*(part for name, value in notice.items() for part in (literal(name), value)))
    rows = select(away.c.id, literal(AWAY), template, now).where(away.c.user_id.is_(None))
    columns = ["object_id", "audience", "notice", "created_at"]
    return insert(Broadcast.__table__).from_select(columns, rows, include_defaults=False).cte("told_later")  # type: ignore[arg-type]  # typed as FromClause, is a Table


def _params(away: CTE) -> ColumnElement[Any]:
    excerpt = bindparam("excerpt", type_=Text())
    return func.jsonb_build_object(literal("name"), _name_of(away), literal("text"), excerpt, type_=JSONB)


def _name_of(chat: CTE) -> ColumnElement[str]:
    """Return the title, or the name of the chat's event or club; null for a DIRECT chat."""
    event = select(Event.title).where(Event.id == chat.c.event_id).scalar_subquery()
    club = select(Club.name).where(Club.id == chat.c.club_id).scalar_subquery()
    return func.coalesce(chat.c.title, event, club)


def excerpt_of(body: str) -> str:
    """Return the first line of a message, for notices to members who are away."""
    return one_line(body.strip().partition("\n")[0], most=LONGEST_EXCERPT)


STANDING = Statement(_standing, given=("within_id", "client_id"), rows=row_class(Message))
SEND = {
    needs_fellowship: Statement(
        partial(_send, needs_fellowship=needs_fellowship),
        given=("within_id", "client_id", "new_id", "text", "excerpt", "most", *RECORDING),
        rows=row_class(Message),
    )
    for needs_fellowship in (True, False)
}
"""The statement, by whether two people who write to each other must share a club or an event."""
