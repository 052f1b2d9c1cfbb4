from __future__ import annotations

from sqlalchemy import Select, and_

from auth.viewer import Viewer
from auth.visibility.chat import messages_visible_to
from dataloaders.core.declarations import one, pages
from dataloaders.core.keyset_pages import Key
from models import Chat, Message


def last_messages(viewer: Viewer) -> Select[Message]:
    return messages_visible_to(viewer).join(
        Chat, and_(Chat.id == Message.chat_id, Chat.last_sequence == Message.sequence)
    )


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
