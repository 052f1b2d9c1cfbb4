from __future__ import annotations

from typing import Any

from sqlalchemy import and_, func

from auth.viewer import Viewer
from auth.visibility.chat import chats_of, messages_visible_to
from dataloaders.chat.members import other
from dataloaders.core.declarations import value
from models import Chat, ChatKind, ChatMember, Message


def unread() -> Any:
    """Count a membership's unread messages of a chat. Sequences have no holes, so that counting is subtracting."""
    return Chat.last_sequence - func.greatest(ChatMember.read_sequence, ChatMember.joined_sequence)


def unread_counts(viewer: Viewer) -> Any:
    return chats_of(viewer).with_only_columns(Chat.id, unread())


def unread_chat_counts(viewer: Viewer) -> Any:
    return (
        chats_of(viewer)
        .where(unread() > 0)
        .with_only_columns(ChatMember.user_id, func.count())
        .group_by(ChatMember.user_id)
    )


def read_by_others(viewer: Viewer) -> Any:
    return (
        messages_visible_to(viewer)
        .join(Chat, and_(Chat.id == Message.chat_id, Chat.kind == ChatKind.DIRECT))
        .join(other, and_(other.chat_id == Message.chat_id, other.user_id != Message.author_id))
        .with_only_columns(Message.id, other.read_sequence >= Message.sequence)
    )


unread_chat_count_by_member_id = value(key=ChatMember.user_id, select=unread_chat_counts, default=0)
unread_count_by_chat_id = value(key=Chat.id, select=unread_counts, default=0)
read_by_other_by_message_id = value(key=Message.id, select=read_by_others)
