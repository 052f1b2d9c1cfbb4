"""Chats, their members and messages."""

from __future__ import annotations

from typing import Any

import models
from tests.factories.core import columns, new_id


def make_chat(**values: Any) -> models.Chat:
    defaults = {"id": new_id(), "kind": models.ChatKind.GROUP, "last_sequence": 0}
    return models.Chat(**defaults | columns(values))


def make_member(chat: models.Chat, user: models.User, **values: Any) -> models.ChatMember:
    return models.ChatMember(**{"chat_id": chat.id, "user_id": user.id} | columns(values))


def make_message(chat: models.Chat, author: models.User, sequence: int, **values: Any) -> models.Message:
    """The row alone: `Chat.last_sequence` is the caller's to set."""
    defaults = {
        "id": new_id(),
        "chat_id": chat.id,
        "sequence": sequence,
        "author_id": author.id,
        "body": f"Message {sequence}",
        "client_message_id": f"message-{sequence}",
    }
    return models.Message(**defaults | columns(values))
