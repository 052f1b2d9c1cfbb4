"""The columns that `viewerCan` needs from the database, for many rows at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from auth.fellowship import others_written_to
from auth.viewer import Viewer
from auth.visibility.chat import messages_visible_to
from auth.visibility.events import is_deleted
from dataloaders.chat.reading import unread
from dataloaders.core.declarations import value
from models import (
    Chat,
    ChatMember,
    Event,
    Message,
)


def writing_to(viewer: Viewer) -> list[Any]:
    """Of a chat, what it depends on whether a member may write to it: see `resolvers.messages.refusal_to_write`."""
    return [
        Chat.kind.label("kind"),
        is_deleted(Event, Chat.event_id).label("is_record"),
        others_written_to(viewer, needs_fellowship=True).correlate(Chat).exists().label("has_fellow"),
        others_written_to(viewer, needs_fellowship=False).correlate(Chat).exists().label("has_other"),
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
