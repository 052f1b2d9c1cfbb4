from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from auth.viewer import Viewer
from auth.visibility.chat import chats_of
from dataloaders.chat.reading import unread
from dataloaders.core.declarations import one, pages
from dataloaders.core.filter_conditions import among
from dataloaders.core.keyset_pages import Key
from models import Chat, ChatMember


def narrowed(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    """`statement` is that of `chats_of`."""
    narrowed = statement.where(*among(Chat.kind, filter.kinds))
    return narrowed.where(unread() > 0) if filter.unread_only else narrowed


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
