from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.chat.chats
import dataloaders.chat.messages
import dataloaders.chat.reading
import dataloaders.chat.viewer_can
import dataloaders.people.users
import models
from auth.permissions import Permission
from errors import NotFound, Required, TooLong, TooShort
from resolvers.chat import messages, viewer_can
from schema.chat.viewer_can import MessageViewerCan
from schema.core import ids
from schema.core.arguments import After
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.node_interface import Node
from schema.core.quotas import MESSAGES
from schema.core.relations import Need, computed, facet, reads, related, signed_in
from schema.core.roots import MutationInput, Payload, mutation, subscription
from schema.core.streams import ResyncRequired, cursor_of
from schema.core.viewer_can import allowed
from schema.people.users import User

if TYPE_CHECKING:
    from schema.chat.chats import Chat


@strawberry.type(description="A message in a chat. Visible to members who joined before it was sent.")
class Message(Node, row=models.Message, by_id=dataloaders.chat.messages.message_by_id):
    sequence: int = strawberry.field(
        description="The number of the message in its chat: 1, 2, 3 and so on, without gaps."
    )
    body: str = strawberry.field(description="The text, 1 to 10,000 characters.")
    sent_at: datetime = strawberry.field(description="When the message was sent.")
    chat: (
        Annotated[Annotated[Chat, strawberry.lazy("schema.chat.chats")], strawberry.lazy("schema.chat.chats")] | None
    ) = related(dataloaders.chat.chats.by_id, key="chat_id", description="The chat that the message was sent to.")
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


@strawberry.input(description="Input of `sendMessage`.")
class SendMessageInput(MutationInput):
    chat_id: strawberry.ID = strawberry.field(description="A chat that the caller is in.")
    body: str = strawberry.field(description="The text, 1 to 10,000 characters.", metadata=checked(messages.check_body))
    client_message_id: str = strawberry.field(
        description="An id chosen by the client, 1 to 100 characters, preferably random. Sending again with the "
        "same id returns the same message instead of a second one.",
        metadata=checked(messages.check_client_message_id),
    )


@strawberry.type(description="The result of `sendMessage`.")
class MessagePayload(Payload):
    message: models.Message | None = strawberry.field(
        default=None, graphql_type=Message | None, description="The message. Null if the mutation was refused."
    )


@strawberry.type
class MessageMutations:
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
class MessageSubscriptions:
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
            ports.chat_presence,
            ports.chat_reads,
            info.context.viewer,
            chat_id=ids.decode(chat_id, "Chat", "chatId"),
            after=after,
        )
