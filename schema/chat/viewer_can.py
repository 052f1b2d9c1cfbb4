"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


@strawberry.type(description=f"What the caller may do with a chat now. {WHAT_COUNTS}")
class ChatViewerCan:
    send_message: bool = can("sendMessage", "Write to it.")
    mark_read: bool = can("markChatRead", "Move one's read marker. False where all is read.")
    add_members: bool = can("addChatMembers", "Invite people.")
    leave: bool = can("leaveChat", "Leave it.")
    rejoin: bool = can("rejoinChat", "Come back to it. False for who is there.")


@strawberry.type(description=f"What the caller may do with a message now. {WHAT_COUNTS}")
class MessageViewerCan:
    mark_read: bool = can("markChatRead", "Move one's read marker to it. False where it is read.")
