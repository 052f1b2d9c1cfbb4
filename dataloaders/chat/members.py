from __future__ import annotations

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import aliased

from auth.viewer import Viewer
from auth.visibility.chat import present_members
from dataloaders.core.declarations import one, pages
from models import Chat, ChatKind, ChatMember, User

other = aliased(ChatMember)
"""The other person of a DIRECT chat."""


def own_memberships(viewer: Viewer) -> Select[ChatMember]:
    return select(ChatMember).where(ChatMember.user_id == viewer.id, ChatMember.left_at.is_(None))


def members(viewer: Viewer) -> Select[ChatMember]:
    """Present members, as seen by any of them."""
    own_chats = own_memberships(viewer).with_only_columns(ChatMember.chat_id)
    return select(ChatMember).where(ChatMember.left_at.is_(None), ChatMember.chat_id.in_(own_chats))


def peers(viewer: Viewer) -> Select[User]:
    own_chats = own_memberships(viewer).with_only_columns(ChatMember.chat_id)
    return (
        select(User)
        .join(other, and_(other.user_id == User.id, other.user_id != viewer.id))
        .join(Chat, and_(Chat.id == other.chat_id, Chat.kind == ChatKind.DIRECT))
        .where(User.is_active, other.chat_id.in_(own_chats))
    )


members_by_chat_id = pages(
    ChatMember,
    key=ChatMember.chat_id,
    select=members,
    select_of=present_members,
    order_by=[ChatMember.joined_at, ChatMember.user_id],
    typical=10,
)
own_membership_by_chat_id = one(ChatMember, key=ChatMember.chat_id, select=own_memberships)
peer_by_chat_id = one(User, key=other.chat_id, select=peers)
