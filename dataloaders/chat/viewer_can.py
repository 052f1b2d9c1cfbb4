"""The columns that `viewerCan` needs from the database, for many rows at once."""

from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, literal, select

from auth.fellowship import others_written_to
from auth.viewer import Viewer
from auth.visibility.chat import messages_visible_to
from auth.visibility.events import is_deleted
from dataloaders.chat.reading import unread
from dataloaders.core.declarations import value
from models import (
    Chat,
    ChatKind,
    ChatMember,
    Event,
    Message,
)


class Writability(Enum):
    """Whether a member may write to a chat, and why not."""

    OPEN = "OPEN"
    RECORD = "RECORD"
    """Its event was deleted."""
    READ_ONLY = "READ_ONLY"
    """It is one of two people, of whom this one may not write to the other any more."""


def writability(viewer: Viewer, *, needs_fellowship: bool) -> ColumnElement[str]:
    """In SQL, the `Writability` of a chat, for whoever is a member of it.

    `needs_fellowship` says whether two who write to each other have to share something.
    """
    other = others_written_to(viewer, needs_fellowship=needs_fellowship).correlate(Chat).exists()
    return case(
        (and_(Chat.event_id.is_not(None), is_deleted(Event, Chat.event_id)), literal(Writability.RECORD.value)),
        (and_(Chat.kind == ChatKind.DIRECT, ~other), literal(Writability.READ_ONLY.value)),
        else_=literal(Writability.OPEN.value),
    )


def column_of(*, needs_fellowship: bool) -> str:
    return "to_fellows" if needs_fellowship else "to_anyone"


def writing_to(viewer: Viewer) -> list[Any]:
    """Select the `Writability` of a chat by each of the two settings, under the names of `column_of`."""
    return [
        writability(viewer, needs_fellowship=needed).label(column_of(needs_fellowship=needed))
        for needed in (True, False)
    ]


def in_chats(viewer: Viewer) -> Select[Any]:
    """For who is or was in it."""
    return (
        select(
            ChatMember.chat_id,
            ChatMember.left_at.is_(None).label("is_present"),
            (unread() > 0).label("has_unread"),
            *writing_to(viewer),
        )
        .join(Chat, Chat.id == ChatMember.chat_id)
        .where(ChatMember.user_id == viewer.id)
    )


def unread_messages(viewer: Viewer) -> Any:
    """Whether those that one sees lie beyond one's read marker."""
    marker = select(ChatMember.read_sequence).where(
        ChatMember.chat_id == Message.chat_id, ChatMember.user_id == viewer.id
    )
    is_unread = Message.sequence > marker.correlate_except(ChatMember).scalar_subquery()
    return messages_visible_to(viewer).with_only_columns(Message.id, is_unread)


by_chat_id = value(key=ChatMember.chat_id, select=in_chats)
is_unread_by_message_id = value(key=Message.id, select=unread_messages, default=False)
