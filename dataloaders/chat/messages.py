from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_

from auth.viewer import Viewer
from auth.visibility.chat import chats_of, messages_visible_to
from dataloaders.core.declarations import one, pages, value
from dataloaders.core.keyset_pages import Key
from models import Chat, ChatMember, Message


def last_messages(viewer: Viewer) -> Select[Message]:
    """Select the message with the last number of a chat. It is looked up from the chat, whose number says which."""
    return messages_visible_to(viewer).join(
        Chat, and_(Chat.id == Message.chat_id, Chat.last_sequence == Message.sequence)
    )


def message_counts(viewer: Viewer) -> Any:
    """Count the messages that a member sees. Sequences have no holes, so that counting is subtracting."""
    return chats_of(viewer).with_only_columns(Chat.id, Chat.last_sequence - ChatMember.joined_sequence)


message_by_id = one(Message, key=Message.id, select=messages_visible_to)
message_count_by_chat_id = value(key=Chat.id, select=message_counts, default=0)
messages_by_chat_id = pages(
    Message,
    key=Message.chat_id,
    select=messages_visible_to,
    select_of=messages_visible_to,
    order_by=[Key(Message.sequence, descending=True)],
    typical=20,
    kept_count=lambda _viewer, _filter: message_count_by_chat_id,
)
last_message_by_chat_id = one(Message, key=Chat.id, select=last_messages)
