from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import aliased

from auth.viewer import Viewer
from auth.visibility import chats_of, messages_visible_to
from dataloaders.base import one, pages, value
from dataloaders.filters import among
from dataloaders.pages import Key
from models import Chat, ChatKind, ChatMember, Message, User

other = aliased(ChatMember)
"""The other person of a DIRECT chat."""


def own_memberships(viewer: Viewer) -> Select[ChatMember]:
    return select(ChatMember).where(ChatMember.user_id == viewer.id, ChatMember.left_at.is_(None))


def members(viewer: Viewer) -> Select[ChatMember]:
    """Present members, as seen by any of them."""
    own_chats = own_memberships(viewer).with_only_columns(ChatMember.chat_id)
    return select(ChatMember).where(ChatMember.left_at.is_(None), ChatMember.chat_id.in_(own_chats))


def last_messages(viewer: Viewer) -> Select[Message]:
    return messages_visible_to(viewer).join(
        Chat, and_(Chat.id == Message.chat_id, Chat.last_sequence == Message.sequence)
    )


def unread() -> Any:
    """Of a chat and a membership of it. Sequences have no holes, so that counting is subtracting."""
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


def narrowed(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    """`statement` is that of `chats_of`."""
    narrowed = statement.where(*among(Chat.kind, filter.kinds))
    return narrowed.where(unread() > 0) if filter.unread_only else narrowed


def peers(viewer: Viewer) -> Select[User]:
    own_chats = own_memberships(viewer).with_only_columns(ChatMember.chat_id)
    return (
        select(User)
        .join(other, and_(other.user_id == User.id, other.user_id != viewer.id))
        .join(Chat, and_(Chat.id == other.chat_id, Chat.kind == ChatKind.DIRECT))
        .where(User.is_active, other.chat_id.in_(own_chats))
    )


def read_by_others(viewer: Viewer) -> Any:
    return (
        messages_visible_to(viewer)
        .join(Chat, and_(Chat.id == Message.chat_id, Chat.kind == ChatKind.DIRECT))
        .join(other, and_(other.chat_id == Message.chat_id, other.user_id != Message.author_id))
        .with_only_columns(Message.id, other.read_sequence >= Message.sequence)
    )


by_id = one(Chat, key=Chat.id, select=chats_of)
by_event_id = one(Chat, key=Chat.event_id, select=chats_of)
by_club_id = one(Chat, key=Chat.club_id, select=chats_of)
by_member_id = pages(
    Chat,
    key=ChatMember.user_id,
    select=chats_of,
    order_by=[Key(Chat.last_message_at, descending=True), Key(Chat.id, descending=True)],
    filter=narrowed,
    typical=10,
)
unread_chat_count_by_member_id = value(key=ChatMember.user_id, select=unread_chat_counts, default=0)
members_by_chat_id = pages(
    ChatMember, key=ChatMember.chat_id, select=members, order_by=[ChatMember.joined_at, ChatMember.user_id], typical=10
)
own_membership_by_chat_id = one(ChatMember, key=ChatMember.chat_id, select=own_memberships)
peer_by_chat_id = one(User, key=other.chat_id, select=peers)
unread_count_by_chat_id = value(key=Chat.id, select=unread_counts, default=0)

message_by_id = one(Message, key=Message.id, select=messages_visible_to)
messages_by_chat_id = pages(
    Message,
    key=Message.chat_id,
    select=messages_visible_to,
    select_of=messages_visible_to,
    order_by=[Key(Message.sequence, descending=True)],
    typical=20,
)
last_message_by_chat_id = one(Message, key=Message.chat_id, select=last_messages)
read_by_other_by_message_id = value(key=Message.id, select=read_by_others)
