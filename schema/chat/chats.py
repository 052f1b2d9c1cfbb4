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
    "Whom a chat is for, which decides who may be in it.",
    DIRECT="Two people who share a club or an event.",
    GROUP="Several people, who were added one by one.",
    EVENT="The people of an event.",
    CLUB="The members of a club.",
    SUPPORT="A person and the support.",
    PARTNER="Two people who do not know each other's names.",
)
enum(
    rules.NewChatKind,
    "Chats that people open by themselves.",
    DIRECT="With one other person.",
    GROUP="With several, under a title.",
)


@strawberry.input(description=f"Narrows one's chats. {ALL_HOLD}")
class ChatFilter(Filter):
    kinds: list[models.ChatKind] | None = strawberry.field(default=None, description="Of these kinds.")
    unread_only: bool = strawberry.field(default=False, description="Those with messages that one has not read.")


@strawberry.type(description="Someone in a chat.")
class ChatMember:
    joined_at: datetime = strawberry.field(description="When they joined; they see what was sent from then on.")
    user: User | None = related(
        dataloaders.people.users.by_id, key="user_id", description="Null when their profile is hidden."
    )


@strawberry.type(description="The caller's own place in a chat.")
class ViewerChatMember:
    joined_at: datetime = strawberry.field(description="When the caller joined; messages from then on are visible.")
    read_sequence: int = strawberry.field(description="Sequence of the last message read. Never moves back.")


@strawberry.type(description="A message in a chat. For its members, from the moment they joined.")
class Message(Node, row=models.Message, by_id=dataloaders.chat.messages.message_by_id):
    sequence: int = strawberry.field(description="Its number in the chat: 1, 2, 3 and so on, without holes.")
    body: str = strawberry.field(description="1 to 10000 characters.")
    sent_at: datetime = strawberry.field(description="When it was sent.")
    chat: Annotated[Chat, strawberry.lazy("schema.chat.chats")] | None = related(
        dataloaders.chat.chats.by_id, key="chat_id", description="Where it was sent."
    )
    author: User | None = related(
        dataloaders.people.users.by_id, key="author_id", description="Null when their profile is hidden."
    )
    read_by_other: bool | None = related(
        dataloaders.chat.reading.read_by_other_by_message_id,
        description="Whether the one it was sent to has read it. Null outside DIRECT chats.",
    )

    viewer_can = allowed(
        MessageViewerCan,
        viewer_can.OfMessage,
        is_unread=Need(dataloaders.chat.viewer_can.is_unread_by_message_id, visible=signed_in),
    )

    @computed(description="Give it as `after` to `messageSent` to continue from here.")
    @reads("chat_id", "sequence")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.chat_id, root.sequence)

    @computed(description="Whether the caller wrote it.")
    @reads("author_id")
    def is_own(root: strawberry.Parent[Any], info: Info) -> bool:
        return bool(root.author_id == info.context.viewer.id)

    @computed(description="The id that the author's client gave it. Null for everyone else.")
    @reads("author_id", "client_message_id")
    def client_message_id(root: strawberry.Parent[Any], info: Info) -> str | None:
        return str(root.client_message_id) if root.author_id == info.context.viewer.id else None


@strawberry.type(description="A conversation. Only its members know of it, staff included.")
class Chat(Node, row=models.Chat, by_id=dataloaders.chat.chats.by_id):
    kind: models.ChatKind = strawberry.field(description="Whom it is for.")
    title: str | None = strawberry.field(
        description="Of a GROUP chat. Others are named by their `event`, `club` or `peer`."
    )
    created_at: datetime = strawberry.field(description="When it was made.")
    last_message_at: datetime = strawberry.field(description="When the last message was sent, or the chat was made.")
    event: Event | None = related(dataloaders.events.events.by_id, key="event_id", description="Whose chat it is.")
    club: Club | None = related(dataloaders.clubs.clubs.by_id, key="club_id", description="Whose chat it is.")
    peer: User | None = related(
        dataloaders.chat.members.peer_by_chat_id, description="The other person of a DIRECT chat; null otherwise."
    )
    messages: Connection[Message] = connected(
        dataloaders.chat.messages.messages_by_chat_id,
        description="Newest first, from the caller's joining on. Pages stay as they are while new messages arrive.",
    )
    last_message: Message | None = related(
        dataloaders.chat.messages.last_message_by_chat_id, description="Null where the caller may see none."
    )
    unread_count: int = related(
        dataloaders.chat.reading.unread_count_by_chat_id, description="Messages after the caller's read marker."
    )
    members: Connection[ChatMember] = connected(
        dataloaders.chat.members.members_by_chat_id, description="Who is in the chat now, in order of joining."
    )
    viewer_member: ViewerChatMember | None = related(
        dataloaders.chat.members.own_membership_by_chat_id,
        description="The caller's own place; null once they have left.",
    )

    viewer_can = allowed(
        ChatViewerCan,
        viewer_can.OfChat,
        "kind",
        known=Need(dataloaders.chat.viewer_can.by_chat_id, visible=signed_in),
        needs=lambda info: info.context.ports.settings.direct_chat_needs,
    )

    @computed(description="Give it as `after` to `messageSent` to hear everything after this answer.")
    @reads("id", "last_sequence")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.id, root.last_sequence)


@strawberry.type(description="A message was sent.")
class MessageSent:
    message: Message = facet(Message, description="The message.")

    @computed(description="Give it as `after` to continue from here.")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.chat_id, root.sequence)

    @classmethod
    def is_type_of(cls, source: Any, _info: Any) -> bool:
        return getattr(type(source), "entity", type(source)) is models.Message


MessageUpdate = Annotated[
    MessageSent | ResyncRequired,
    strawberry.union("MessageUpdate", description="What a chat's live stream brings."),
]


@strawberry.input(description="A chat to open.")
class CreateChatInput(MutationInput):
    kind: rules.NewChatKind = strawberry.field(description="DIRECT with one other person, GROUP with several.")
    member_ids: list[strawberry.ID] = strawberry.field(
        description="The others, each sharing a club or an event with the caller. At most 199 for GROUP.",
        metadata={MAX_ITEMS_KEY: rules.MOST_MEMBERS, **checked(rules.check_members)},
    )
    title: str | None = strawberry.field(
        default=None, description="Of a GROUP chat, 1 to 255 characters.", metadata=checked(rules.check_length)
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"kind", "title"} <= given.keys():
            rules.check_title(problems, given["kind"], given["title"])
        if {"kind", "member_ids"} <= given.keys():
            rules.check_number(problems, given["kind"], given["member_ids"])


@strawberry.input(description="People to invite into a GROUP chat.")
class AddChatMembersInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A GROUP chat of the caller.")
    member_ids: list[strawberry.ID] = strawberry.field(
        description="Each sharing a club or an event with the caller; 200 members at most.",
        metadata={MAX_ITEMS_KEY: rules.MOST_MEMBERS, **checked(rules.check_members)},
    )


@strawberry.input(description="A GROUP chat to come back to.")
class RejoinChatInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A GROUP chat that the caller has left.")


@strawberry.input(description="A GROUP chat to leave.")
class LeaveChatInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A GROUP chat of the caller.")


@strawberry.input(description="How far the caller has read.")
class MarkChatReadInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A chat of the caller.")
    message_id: strawberry.ID | None = strawberry.field(
        default=None, description="The last message read; everything when it is not given."
    )


@strawberry.input(description="A message to send.")
class SendMessageInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A chat of the caller.")
    body: str = strawberry.field(description="1 to 10000 characters.", metadata=checked(messages.check_body))
    client_message_id: str = strawberry.field(
        description="Made up by the client, 1 to 100 characters, best random. The same one gives the same message.",
        metadata=checked(messages.check_client_message_id),
    )


@strawberry.type(description="A chat, or why not.")
class ChatPayload(Payload):
    chat: models.Chat | None = strawberry.field(default=None, graphql_type=Chat | None, description="The chat.")


@strawberry.type(description="A message, or why not.")
class MessagePayload(Payload):
    message: models.Message | None = strawberry.field(
        default=None, graphql_type=Message | None, description="The message."
    )


@strawberry.type
class ChatQueries:
    chat = looked_up(Chat, description="A chat of the caller by its id.", access=SIGNED_IN)

    @query(
        description="The caller's DIRECT chat with someone; null when there is none. Reading makes none.",
        access=SIGNED_IN,
        graphql_type=Chat | None,
    )
    async def direct_chat(self, info: Info, user_id: strawberry.ID) -> Any:
        async with info.context.reading() as session:
            return await rules.direct_with(session, info.context.viewer, user_id=ids.decode(user_id, "User", "userId"))


@strawberry.type
class ChatMutations:
    @mutation(
        description="Open a chat. An existing DIRECT chat of the two is given back.",
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
        description="Invite people into a GROUP chat. They see what is sent from now on. Who has left comes back by "
        "`rejoinChat` alone.",
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
        description="Come back to a GROUP chat that one has left. One sees what is sent from now on.",
        access=Permission.CHAT_USE,
        raises=[NotFound, TooMany],
    )
    async def rejoin_chat(self, info: Info, input: RejoinChatInput) -> ChatPayload:
        async with info.context.writing() as uow:
            chat = await rules.rejoin(uow, info.context.viewer, chat_id=ids.decode(input.chat_id, "Chat"))
        return ChatPayload(chat=chat)

    @mutation(
        description="Leave a GROUP chat. The chats of events and clubs are left by leaving the event or the club.",
        access=Permission.CHAT_USE,
        raises=[NotFound, rules.MembersAreFixed],
    )
    async def leave_chat(self, info: Info, input: LeaveChatInput) -> ChatPayload:
        async with info.context.writing() as uow:
            chat = await rules.leave(uow, info.context.viewer, chat_id=ids.decode(input.chat_id, "Chat"))
        return ChatPayload(chat=chat)

    @mutation(
        description="Move the caller's read marker forward.", access=Permission.CHAT_USE, raises=[NotFound], quotas=[]
    )
    async def mark_chat_read(self, info: Info, input: MarkChatReadInput) -> ChatPayload:
        chat_id, message_id = ids.decode(input.chat_id, "Chat"), ids.maybe(input.message_id, "Message")
        async with info.context.writing_once() as uow:
            marked = await rules.mark_read(uow, info.context.viewer, chat_id=chat_id, message_id=message_id)
        info.context.loaders.know(dataloaders.chat.members.own_membership_by_chat_id, chat_id, marked.membership)
        info.context.loaders.know_value(dataloaders.chat.reading.unread_count_by_chat_id, chat_id, marked.unread)
        return ChatPayload(chat=marked.chat)

    @mutation(
        description="Send a message. Its author's own read marker moves to it.",
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
        description="Messages of a chat: with `after`, those that came since, then live ones. "
        "Ends when the caller leaves the chat or is signed out.",
        access=Permission.CHAT_USE,
    )
    def message_sent(
        self, info: Info, chat_id: strawberry.ID, after: str | None = None
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
