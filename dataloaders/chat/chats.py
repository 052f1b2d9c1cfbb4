from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, Uuid, func, literal, null, select

from auth.viewer import Viewer
from auth.visibility.chat import chats_of
from dataloaders.chat.reading import unread
from dataloaders.core.declarations import PageEdge, one, pages, value
from dataloaders.core.filter_conditions import among
from dataloaders.core.keyset_pages import Key, at_most
from models import Chat, ChatMember


def narrowed(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    """`statement` is that of `chats_of`."""
    narrowed = statement.where(*among(Chat.kind, filter.kinds))
    return narrowed.where(unread() > 0) if filter.unread_only else narrowed


def latest_chats(viewer: Viewer, filter: Any, edge: PageEdge) -> ColumnElement[Any]:
    """Return ids among which a page of one's chats is: the order is that of all chats, not that of their members."""
    beyond_at, beyond_id = edge.bound or (null(), null())
    kinds = (
        null() if filter is None or filter.kinds is None else literal([one.name for one in filter.kinds], ARRAY(Text))
    )
    return func.latest_chats(
        literal(viewer.id, Uuid()), kinds, filter is not None and filter.unread_only, beyond_at, beyond_id,
        edge.is_backward, at_most(edge.most), type_=Uuid(),
    )  # fmt: skip


def chat_counts(viewer: Viewer) -> Any:
    present = select(ChatMember.user_id, func.count()).where(ChatMember.left_at.is_(None))
    return present.where(ChatMember.user_id == viewer.id).group_by(ChatMember.user_id)


by_id = one(Chat, key=Chat.id, select=chats_of)
by_event_id = one(Chat, key=Chat.event_id, select=chats_of)
by_club_id = one(Chat, key=Chat.club_id, select=chats_of)
count_by_member_id = value(key=ChatMember.user_id, select=chat_counts, default=0)
by_member_id = pages(
    Chat,
    key=ChatMember.user_id,
    select=chats_of,
    order_by=[Key(Chat.last_message_at, descending=True), Key(Chat.id, descending=True)],
    filter=narrowed,
    typical=10,
    among=latest_chats,
    kept_count=lambda _viewer, filter: None if filter else count_by_member_id,
)
