from __future__ import annotations

import strawberry

import dataloaders.chat.members
import dataloaders.chat.reading
from auth.permissions import Permission
from errors import NotFound
from resolvers.chat import reading
from schema.chat.chats import ChatPayload
from schema.core import ids
from schema.core.context import Info
from schema.core.roots import MutationInput, mutation


@strawberry.input(description="Input of `markChatRead`.")
class MarkChatReadInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A chat that the caller is in.")
    message_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The last message that the caller has read. If omitted, every message is marked as read.",
    )


@strawberry.type
class ChatReadingMutations:
    @mutation(
        description="Move the caller's read marker forward. It never moves back.",
        access=Permission.CHAT_USE,
        raises=[NotFound],
        quotas=[],
    )
    async def mark_chat_read(self, info: Info, input: MarkChatReadInput) -> ChatPayload:
        chat_id, message_id = ids.decode(input.chat_id, "Chat"), ids.maybe(input.message_id, "Message")
        async with info.context.writing_once() as uow:
            marked = await reading.mark_read(uow, info.context.viewer, chat_id=chat_id, message_id=message_id)
        info.context.loaders.prime(dataloaders.chat.members.own_membership_by_chat_id, chat_id, marked.membership)
        info.context.loaders.prime_value(dataloaders.chat.reading.unread_count_by_chat_id, chat_id, marked.unread)
        return ChatPayload(chat=marked.chat)
