from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.chat.chats
import dataloaders.chat.members
import dataloaders.chat.messages
import dataloaders.chat.reading
import dataloaders.chat.viewer_can
import dataloaders.clubs.clubs
import dataloaders.events.events
import models
from auth.permissions import Permission
from errors import Required, TooLong, TooMany, UserError
from resolvers.chat import chats as rules
from resolvers.chat import members, viewer_can
from schema.chat.viewer_can import ChatViewerCan
from schema.clubs.clubs import Club
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.connection_types import Connection
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked
from schema.core.metadata import MAX_ITEMS_KEY
from schema.core.node_interface import Node
from schema.core.quotas import CHATS, INVITATIONS
from schema.core.relations import Need, computed, connected, reads, related, signed_in
from schema.core.roots import MutationInput, Payload, looked_up, mutation, query
from schema.core.streams import cursor_of
from schema.core.viewer_can import allowed
from schema.events.events import Event
from schema.people.users import User

if TYPE_CHECKING:
    from schema.chat.members import ChatMember, ViewerChatMember
    from schema.chat.messages import Message

enum(
    models.ChatKind,
    "Who a chat is for. The kind decides who can be a member.",
    DIRECT="Two people who share a club or an event.",
    GROUP="Several people who were added one by one.",
    EVENT="The hosts and participants of an event.",
    CLUB="The members of a club.",
    SUPPORT="One person and the support team. Reserved for later use.",
    PARTNER="Two people who do not know each other's names. Reserved for later use.",
)
enum(
    rules.NewChatKind,
    "The kinds of chat that a person can open with `createChat`.",
    DIRECT="A chat with one other person.",
    GROUP="A chat with several people, with a title.",
)


@strawberry.input(description=f"Filters the caller's chats. {ALL_HOLD}")
class ChatFilter(Filter):
    kinds: list[models.ChatKind] | None = strawberry.field(
        default=None, description="Keep chats of one of these kinds."
    )
    unread_only: bool = strawberry.field(
        default=False, description="If true, keep only chats with messages that the caller has not read."
    )


@strawberry.type(description="A conversation. Only its members can see it; staff have no access either.")
class Chat(Node, row=models.Chat, by_id=dataloaders.chat.chats.by_id):
    kind: models.ChatKind = strawberry.field(description="Who the chat is for.")
    title: str | None = strawberry.field(
        description="The title of a GROUP chat. Null for other kinds, which are named after their `event`, "
        "`club` or `peer`."
    )
    created_at: datetime = strawberry.field(description="When the chat was created.")
    last_message_at: datetime = strawberry.field(
        description="When the last message was sent, or the chat was created if there is none."
    )
    event: Event | None = related(
        dataloaders.events.events.by_id, key="event_id", description="The event of an EVENT chat. Null for other kinds."
    )
    club: Club | None = related(
        dataloaders.clubs.clubs.by_id, key="club_id", description="The club of a CLUB chat. Null for other kinds."
    )
    peer: User | None = related(
        dataloaders.chat.members.peer_by_chat_id, description="The other person of a DIRECT chat. Null for other kinds."
    )
    messages: Connection[Annotated[Message, strawberry.lazy("schema.chat.messages")]] = connected(
        dataloaders.chat.messages.messages_by_chat_id,
        description="The messages since the caller joined, newest first. New messages do not shift pages that "
        "were already read.",
    )
    last_message: Annotated[Message, strawberry.lazy("schema.chat.messages")] | None = related(
        dataloaders.chat.messages.last_message_by_chat_id,
        description="The newest message. Null if there is none that the caller can see.",
    )
    unread_count: int = related(
        dataloaders.chat.reading.unread_count_by_chat_id,
        description="The number of messages that the caller has not read.",
    )
    members: Connection[Annotated[ChatMember, strawberry.lazy("schema.chat.members")]] = connected(
        dataloaders.chat.members.members_by_chat_id, description="The current members, in order of joining."
    )
    viewer_member: Annotated[ViewerChatMember, strawberry.lazy("schema.chat.members")] | None = related(
        dataloaders.chat.members.own_membership_by_chat_id,
        description="The caller's own membership. Null once they have left.",
    )

    viewer_can = allowed(
        ChatViewerCan,
        viewer_can.OfChat,
        "kind",
        known=Need(dataloaders.chat.viewer_can.by_chat_id, visible=signed_in),
        needs=lambda info: info.context.ports.settings.direct_chat_needs,
    )

    @computed(
        description="The current end of the stream `messageSent`. Pass it as `after` to receive every message sent "
        "after this answer."
    )
    @reads("id", "last_sequence")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.id, root.last_sequence)


@strawberry.input(description="Input of `createChat`.")
class CreateChatInput(MutationInput):
    kind: rules.NewChatKind = strawberry.field(
        description="DIRECT for a chat with one other person, GROUP for one with several."
    )
    member_ids: list[strawberry.ID] = strawberry.field(
        description="The other members: exactly one for DIRECT, at most 199 for GROUP. The caller has to share a "
        "club or an event with each of them.",
        metadata={MAX_ITEMS_KEY: members.MOST_MEMBERS, **checked(members.check_members)},
    )
    title: str | None = strawberry.field(
        default=None,
        description="The title of a GROUP chat, 1 to 255 characters.",
        metadata=checked(rules.check_length),
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"kind", "title"} <= given.keys():
            rules.check_title(problems, given["kind"], given["title"])
        if {"kind", "member_ids"} <= given.keys():
            rules.check_number(problems, given["kind"], given["member_ids"])


@strawberry.type(description="The result of a mutation that changes a chat.")
class ChatPayload(Payload):
    chat: models.Chat | None = strawberry.field(
        default=None, graphql_type=Chat | None, description="The chat. Null if the mutation was refused."
    )


@strawberry.type
class ChatQueries:
    chat = looked_up(
        Chat, description="A chat by its id. Null if it does not exist or the caller is not a member.", access=SIGNED_IN
    )

    @query(
        description="The caller's DIRECT chat with the given person. Null if there is none; `createChat` opens one.",
        access=SIGNED_IN,
        graphql_type=Chat | None,
    )
    async def direct_chat(
        self, info: Info, user_id: Annotated[strawberry.ID, strawberry.argument(description="The other person.")]
    ) -> Any:
        async with info.context.reading() as session:
            return await rules.direct_with(session, info.context.viewer, user_id=ids.decode(user_id, "User", "userId"))


@strawberry.type
class ChatMutations:
    @mutation(
        description="Open a chat. If the two people already have a DIRECT chat, that one is returned.",
        access=Permission.CHAT_USE,
        gathers=True,
        raises=[
            members.ChatNotAllowed,
            rules.WrongMembers,
            rules.TitleNotTaken,
            Required,
            TooLong,
            TooMany,
        ],
        quotas=[CHATS, INVITATIONS.each("member_ids")],
    )
    async def create_chat(self, info: Info, input: CreateChatInput) -> ChatPayload:
        async with info.context.writing() as uow:
            chat = await rules.create(
                uow,
                info.context.viewer,
                kind=input.kind,
                member_ids=ids.decode_all(input.member_ids, "User"),
                title=input.title,
                needs=info.context.ports.settings.direct_chat_needs,
            )
        return ChatPayload(chat=chat)
