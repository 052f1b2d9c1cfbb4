"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


@strawberry.type(description=f"What the caller can do with a chat now. {WHAT_COUNTS}")
class ChatViewerCan:
    send_message: bool = can("sendMessage", "Whether the caller can send a message.")
    mark_read: bool = can("markChatRead", "Whether the caller can move their read marker. False if everything is read.")
    add_members: bool = can("addChatMembers", "Whether the caller can add people.")
    leave: bool = can("leaveChat", "Whether the caller can leave the chat.")
    rejoin: bool = can("rejoinChat", "Whether the caller can come back to the chat. False for current members.")


@strawberry.type(description=f"What the caller can do with a message now. {WHAT_COUNTS}")
class MessageViewerCan:
    mark_read: bool = can(
        "markChatRead", "Whether the caller can move their read marker to the message. False if it is already read."
    )
