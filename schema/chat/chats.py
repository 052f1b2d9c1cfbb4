from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from typing import Annotated, Any

import strawberry

import dataloaders.chat.chats
import dataloaders.chat.members
import dataloaders.chat.messages
import dataloaders.chat.reading
import dataloaders.chat.viewer_can
import dataloaders.clubs.clubs
import dataloaders.events.events
import dataloaders.people.users
import models
from auth.permissions import Permission
from errors import NotFound, Required, TooLong, TooMany, TooShort, UserError
from resolvers.chat import chats as rules
from resolvers.chat import messages, viewer_can
from schema.chat.viewer_can import ChatViewerCan, MessageViewerCan
from schema.clubs.clubs import Club
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.arguments import After
from schema.core.connections import Connection
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked
from schema.core.metadata import MAX_ITEMS_KEY
from schema.core.node import Node
from schema.core.quotas import CHATS, INVITATIONS, MESSAGES
from schema.core.relations import Need, computed, connected, facet, reads, related, signed_in
from schema.core.roots import MutationInput, Payload, looked_up, mutation, query, subscription
from schema.core.streams import ResyncRequired, cursor_of
from schema.core.viewer_can import allowed
from schema.events.events import Event
from schema.people.users import User

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


@strawberry.type(description="A message in a chat. Visible to members who joined before it was sent.")
class Message(Node, row=models.Message, by_id=dataloaders.chat.messages.message_by_id):
    sequence: int = strawberry.field(
        description="The number of the message in its chat: 1, 2, 3 and so on, without gaps."
    )
    body: str = strawberry.field(description="The text, 1 to 10,000 characters.")
    sent_at: datetime = strawberry.field(description="When the message was sent.")
    chat: Annotated[Chat, strawberry.lazy("schema.chat.chats")] | None = related(
        dataloaders.chat.chats.by_id, key="chat_id", description="The chat that the message was sent to."
    )
    author: User | None = related(
        dataloaders.people.users.by_id,
        key="author_id",
        description="Who wrote the message. Null if the caller cannot see them.",
    )
    read_by_other: bool | None = related(
        dataloaders.chat.reading.read_by_other_by_message_id,
        description="Whether the other person of a DIRECT chat has read the message. Null in other chats.",
    )

    viewer_can = allowed(
        MessageViewerCan,
        viewer_can.OfMessage,
        is_unread=Need(dataloaders.chat.viewer_can.is_unread_by_message_id, visible=signed_in),
    )

    @computed(
        description="The position of the message in the stream `messageSent`. Pass it as `after` to resume from here."
    )
    @reads("chat_id", "sequence")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.chat_id, root.sequence)

    @computed(description="Whether the caller wrote the message.")
    @reads("author_id")
    def is_own(root: strawberry.Parent[Any], info: Info) -> bool:
        return bool(root.author_id == info.context.viewer.id)

    @computed(
        description="The id that the author's client gave the message. Visible to the author only; null for everyone "
        "else."
    )
    @reads("author_id", "client_message_id")
    def client_message_id(root: strawberry.Parent[Any], info: Info) -> str | None:
        return str(root.client_message_id) if root.author_id == info.context.viewer.id else None


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
    messages: Connection[Message] = connected(
        dataloaders.chat.messages.messages_by_chat_id,
        description="The messages since the caller joined, newest first. New messages do not shift pages that "
        "were already read.",
    )
    last_message: Message | None = related(
        dataloaders.chat.messages.last_message_by_chat_id,
        description="The newest message. Null if there is none that the caller can see.",
    )
    unread_count: int = related(
        dataloaders.chat.reading.unread_count_by_chat_id,
        description="The number of messages that the caller has not read.",
    )
    members: Connection[ChatMember] = connected(
        dataloaders.chat.members.members_by_chat_id, description="The current members, in order of joining."
    )
    viewer_member: ViewerChatMember | None = related(
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


@strawberry.type(description="An entry of the stream `messageSent`: a message that was sent to the chat.")
class MessageSent:
    message: Message = facet(Message, description="The message.")

    @computed(description="The position of this entry in the stream. Pass it as `after` to resume from here.")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.chat_id, root.sequence)

    @classmethod
    def is_type_of(cls, source: Any, _info: Any) -> bool:
        return getattr(type(source), "entity", type(source)) is models.Message


MessageUpdate = Annotated[
    MessageSent | ResyncRequired,
    strawberry.union(
        "MessageUpdate",
        description="An entry of the stream `messageSent`: the next message, or a request to read the current state "
        "again.",
    ),
]


@strawberry.input(description="Input of `createChat`.")
class CreateChatInput(MutationInput):
    kind: rules.NewChatKind = strawberry.field(
        description="DIRECT for a chat with one other person, GROUP for one with several."
    )
    member_ids: list[strawberry.ID] = strawberry.field(
        description="The other members: exactly one for DIRECT, at most 199 for GROUP. The caller has to share a "
        "club or an event with each of them.",
        metadata={MAX_ITEMS_KEY: rules.MOST_MEMBERS, **checked(rules.check_members)},
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


@strawberry.input(description="Input of `addChatMembers`.")
class AddChatMembersInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A GROUP chat that the caller is in.")
    member_ids: list[strawberry.ID] = strawberry.field(
        description="The people to add, at most 200. The caller has to share a club or an event with each of them.",
        metadata={MAX_ITEMS_KEY: rules.MOST_MEMBERS, **checked(rules.check_members)},
    )


@strawberry.input(description="Input of `rejoinChat`.")
class RejoinChatInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A GROUP chat that the caller has left.")


@strawberry.input(description="Input of `leaveChat`.")
class LeaveChatInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A GROUP chat that the caller is in.")


@strawberry.input(description="Input of `markChatRead`.")
class MarkChatReadInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A chat that the caller is in.")
    message_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The last message that the caller has read. If omitted, every message is marked as read.",
    )


@strawberry.input(description="Input of `sendMessage`.")
class SendMessageInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A chat that the caller is in.")
    body: str = strawberry.field(description="The text, 1 to 10,000 characters.", metadata=checked(messages.check_body))
    client_message_id: str = strawberry.field(
        description="An id chosen by the client, 1 to 100 characters, preferably random. Sending again with the "
        "same id returns the same message instead of a second one.",
        metadata=checked(messages.check_client_message_id),
    )


@strawberry.type(description="The result of a mutation that changes a chat.")
class ChatPayload(Payload):
    chat: models.Chat | None = strawberry.field(
        default=None, graphql_type=Chat | None, description="The chat. Null if the mutation was refused."
    )


@strawberry.type(description="The result of `sendMessage`.")
class MessagePayload(Payload):
    message: models.Message | None = strawberry.field(
        default=None, graphql_type=Message | None, description="The message. Null if the mutation was refused."
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
            rules.ChatNotAllowed,
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

    @mutation(
        description="Add people to a GROUP chat. They see messages sent from now on. A person who has left can "
        "only come back with `rejoinChat`.",
        access=Permission.CHAT_USE,
        raises=[NotFound, TooMany, rules.ChatNotAllowed, rules.HasLeft, rules.MembersAreFixed],
        quotas=[INVITATIONS.each("member_ids")],
    )
    async def add_chat_members(self, info: Info, input: AddChatMembersInput) -> ChatPayload:
        async with info.context.writing() as uow:
            chat = await rules.add_members(
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
            chat = await rules.rejoin(uow, info.context.viewer, chat_id=ids.decode(input.chat_id, "Chat"))
        return ChatPayload(chat=chat)

    @mutation(
        description="Leave a GROUP chat. To leave the chat of an event or a club, leave the event or the club.",
        access=Permission.CHAT_USE,
        raises=[NotFound, rules.MembersAreFixed],
    )
    async def leave_chat(self, info: Info, input: LeaveChatInput) -> ChatPayload:
        async with info.context.writing() as uow:
            chat = await rules.leave(uow, info.context.viewer, chat_id=ids.decode(input.chat_id, "Chat"))
        return ChatPayload(chat=chat)

    @mutation(
        description="Move the caller's read marker forward. It never moves back.",
        access=Permission.CHAT_USE,
        raises=[NotFound],
        quotas=[],
    )
    async def mark_chat_read(self, info: Info, input: MarkChatReadInput) -> ChatPayload:
        chat_id, message_id = ids.decode(input.chat_id, "Chat"), ids.maybe(input.message_id, "Message")
        async with info.context.writing_once() as uow:
            marked = await rules.mark_read(uow, info.context.viewer, chat_id=chat_id, message_id=message_id)
        info.context.loaders.know(dataloaders.chat.members.own_membership_by_chat_id, chat_id, marked.membership)
        info.context.loaders.know_value(dataloaders.chat.reading.unread_count_by_chat_id, chat_id, marked.unread)
        return ChatPayload(chat=marked.chat)

    @mutation(
        description="Send a message to a chat. The sender's read marker moves to it.",
        access=Permission.CHAT_USE,
        raises=[NotFound, Required, TooLong, TooShort, messages.ChatReadOnly, messages.ClientMessageIdReused],
        quotas=[MESSAGES],
    )
    async def send_message(self, info: Info, input: SendMessageInput) -> MessagePayload:
        async with info.context.writing_once() as uow:
            message = await messages.send(
                uow,
                info.context.viewer,
                chat_id=ids.decode(input.chat_id, "Chat"),
                body=input.body,
                client_message_id=input.client_message_id,
                needs=info.context.ports.settings.direct_chat_needs,
            )
        return MessagePayload(message=message)


@strawberry.type
class ChatSubscriptions:
    @subscription(
        description="Streams the messages of a chat. With `after`, the messages sent since that cursor come "
        "first. The stream ends when the caller leaves the chat or their session ends.",
        access=Permission.CHAT_USE,
    )
    def message_sent(
        self,
        info: Info,
        chat_id: Annotated[strawberry.ID, strawberry.argument(description="The chat to follow.")],
        after: After = None,
    ) -> AsyncGenerator[MessageUpdate, None]:
        ports = info.context.ports
        return messages.ChatStream(  # type: ignore[return-value]  # source objects are rows
            ports.hub,
            ports.watching,
            ports.chat_reads,
            info.context.viewer,
            chat_id=ids.decode(chat_id, "Chat", "chatId"),
            after=after,
        )
