from __future__ import annotations

from datetime import datetime

import strawberry

import dataloaders.people.users
from auth.permissions import Permission
from errors import NotFound, TooMany
from resolvers.chat import members
from schema.chat.chats import ChatPayload
from schema.core import ids
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.metadata import MAX_ITEMS_KEY
from schema.core.quotas import INVITATIONS
from schema.core.relations import related
from schema.core.roots import MutationInput, mutation
from schema.people.users import User


@strawberry.type(description="A person in a chat.")
class ChatMember:
    joined_at: datetime = strawberry.field(description="When the person joined. They see messages sent from then on.")
    user: User | None = related(
        dataloaders.people.users.by_id, key="user_id", description="The person. Null if the caller cannot see them."
    )


@strawberry.type(description="The caller's own membership in a chat.")
class ViewerChatMember:
    joined_at: datetime = strawberry.field(description="When the caller joined. They see messages sent from then on.")
    read_sequence: int = strawberry.field(
        description="The `sequence` of the last message that the caller has read. It never decreases."
    )


@strawberry.input(description="Input of `addChatMembers`.")
class AddChatMembersInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A GROUP chat that the caller is in.")
    member_ids: list[strawberry.ID] = strawberry.field(
        description="The people to add, at most 200. The caller has to share a club or an event with each of them.",
        metadata={MAX_ITEMS_KEY: members.MOST_MEMBERS, **checked(members.check_members)},
    )


@strawberry.input(description="Input of `rejoinChat`.")
class RejoinChatInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A GROUP chat that the caller has left.")


@strawberry.input(description="Input of `leaveChat`.")
class LeaveChatInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A GROUP chat that the caller is in.")


@strawberry.type
class ChatMemberMutations:
    @mutation(
        description="Add people to a GROUP chat. They see messages sent from now on. A person who has left can "
        "only come back with `rejoinChat`.",
        access=Permission.CHAT_USE,
        raises=[NotFound, TooMany, members.ChatNotAllowed, members.HasLeft, members.MembersAreFixed],
        quotas=[INVITATIONS.each("member_ids")],
    )
    async def add_chat_members(self, info: Info, input: AddChatMembersInput) -> ChatPayload:
        async with info.context.writing() as uow:
            chat = await members.add_members(
                uow,
                info.context.viewer,
                chat_id=ids.decode(input.chat_id, "Chat"),
                member_ids=ids.decode_all(input.member_ids, "User"),
                needs=info.context.ports.settings.direct_chat_needs,
            )
        return ChatPayload(chat=chat)

    @mutation(
        description="Come back to a GROUP chat that the caller has left. They see messages sent from now on.",
        access=Permission.CHAT_USE,
        raises=[NotFound, TooMany],
    )
    async def rejoin_chat(self, info: Info, input: RejoinChatInput) -> ChatPayload:
        async with info.context.writing() as uow:
            chat = await members.rejoin(uow, info.context.viewer, chat_id=ids.decode(input.chat_id, "Chat"))
        return ChatPayload(chat=chat)

    @mutation(
        description="Leave a GROUP chat. To leave the chat of an event or a club, leave the event or the club.",
        access=Permission.CHAT_USE,
        raises=[NotFound, members.MembersAreFixed],
    )
    async def leave_chat(self, info: Info, input: LeaveChatInput) -> ChatPayload:
        async with info.context.writing() as uow:
            chat = await members.leave(uow, info.context.viewer, chat_id=ids.decode(input.chat_id, "Chat"))
        return ChatPayload(chat=chat)
