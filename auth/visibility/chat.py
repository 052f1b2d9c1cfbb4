"""Chats and messages."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Select,
    and_,
    exists,
    select,
)
from sqlalchemy.orm import aliased

from auth.viewer import Viewer
from models import (
    Chat,
    ChatMember,
    Message,
)


def chats_of(viewer: Viewer) -> Select[Chat]:
    """Chats of which the viewer is a member now. Staff have no way around this: a chat is private."""
    return select(Chat).join(
        ChatMember,
        and_(ChatMember.chat_id == Chat.id, ChatMember.user_id == viewer.id, ChatMember.left_at.is_(None)),
    )


def present_members(viewer: Viewer, chat_id: Any) -> Select[ChatMember]:
    """Present members of one chat, as seen by any of them."""
    own = aliased(ChatMember)
    is_member = exists().where(own.chat_id == chat_id, own.user_id == viewer.id, own.left_at.is_(None))
    return select(ChatMember).where(ChatMember.left_at.is_(None), is_member.correlate_except(own))


def messages_visible_to(viewer: Viewer, chat_id: Any = Message.chat_id) -> Select[Message]:
    """Messages since the viewer joined, in chats of which they are a member now.

    `chat_id` is a column with the chat that they will be looked for in: found once, the place where the viewer joined
    bounds the reading of an index.
    """
    joined_at = select(ChatMember.joined_sequence).where(
        ChatMember.chat_id == chat_id, ChatMember.user_id == viewer.id, ChatMember.left_at.is_(None)
    )
    return select(Message).where(Message.sequence > joined_at.correlate_except(ChatMember).scalar_subquery())
