"""Messages: sending them, and following a chat live (S0-67 … S0-69, S3-26 … S3-32)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, Executable, Select, Text, Uuid, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from auth.viewer import Viewer, viewers_still_valid
from auth.visibility import chats_of
from database import Database, UnitOfWork
from errors import ErrorCode, NotFound, TooLong, TooShort, UserError, _, check_text, refuse
from models import (
    Chat,
    ChatKind,
    ChatMember,
    Message,
    Notification,
    NotificationType,
    StreamEvent,
    User,
    utcnow,
    uuid7,
)
from realtime.hub import Hub
from realtime.streams import Bounds, Stream, chat_stream
from realtime.watching import Watching
from resolvers import chat_members, chats
from resolvers.chat_reads import ChatReading, ChatReads, joined
from resolvers.notifications import notify


class ChatReadOnly(UserError):
    code = ErrorCode.CHAT_READ_ONLY
    message = _("You no longer share a club or an event with this person, so you can read but not write.")


@dataclass(frozen=True, kw_only=True)
class MessageSent(StreamEvent):
    name: ClassVar[str] = "chat.message.sent"
    subject_type: ClassVar[str] = "Message"
    chat_id: UUID
    author_id: UUID


async def send(
    uow: UnitOfWork, viewer: Viewer, *, chat_id: UUID, body: str, client_message_id: str, needs: str
) -> Message:
    """Write to a chat. The same `client_message_id` gives the same message, also when both come at once.

    The chat's row is locked, so that commit order is sequence order, without holes.
    """
    user_id = viewer.require_user()
    text = _checked(body, client_message_id)
    chat = await chat_members.locked_by_id(uow, chat_id)
    asked = {"within_id": chat_id, "person_id": user_id, "client_message_id": client_message_id}
    # Under the lock, never with it: what waits for a lock reads other tables as they were before.
    found = (await uow.session.execute(STANDING, asked)).one_or_none()
    if chat is None or found is None:
        raise NotFound(path=("chatId",))
    known, away = found
    if known is not None:
        sent: Message = known
        return sent
    if chat.kind is ChatKind.DIRECT:
        await _check_pair(uow.session, chat, user_id, needs=needs)
    values = asked | {"new_id": uuid7(), "body": text, "now": utcnow()}
    message: Message = (await uow.session.scalars(SEND, values)).one()
    uow.record(
        MessageSent(
            subject_id=message.id,
            stream=chat_stream(chat.id),
            sequence=message.sequence,
            chat_id=chat.id,
            author_id=user_id,
        )
    )
    await notify(uow, away, NotificationType.NEW_MESSAGE, subject=chat, actor_id=user_id)
    return message


def _checked(body: str, client_message_id: str) -> str | None:
    problems: list[UserError] = []
    text = check_text(problems, body, "body", maximum=10_000, required=True)
    if not client_message_id:
        problems.append(TooShort(path=("clientMessageId",), minimum=1))
    if len(client_message_id) > 100:
        problems.append(TooLong(path=("clientMessageId",), maximum=100))
    refuse(problems)
    return text


async def _check_pair(session: AsyncSession, chat: Chat, user_id: UUID, *, needs: str) -> None:
    other = await session.scalar(
        select(ChatMember.user_id).where(ChatMember.chat_id == chat.id, ChatMember.user_id != user_id)
    )
    if other is None or other not in await chats.fellows(session, user_id, [other], needs=needs):
        raise ChatReadOnly(path=("chatId",))


def _standing() -> Select[Message, Sequence[UUID]]:
    """For a member, what they sent under this `client_message_id`, and whom to tell of something new."""
    chat_id, person_id = bindparam("within_id", type_=Uuid()), bindparam("person_id", type_=Uuid())
    own = and_(
        Message.chat_id == ChatMember.chat_id,
        Message.author_id == ChatMember.user_id,
        Message.client_message_id == bindparam("client_message_id"),
    )
    away = func.array(_away(chat_id, person_id).scalar_subquery(), type_=ARRAY(Uuid))
    return (
        select(Message, away)
        .select_from(ChatMember)
        .outerjoin(Message, own)
        .where(ChatMember.chat_id == chat_id, ChatMember.user_id == person_id, ChatMember.left_at.is_(None))
    )


def _away(chat_id: Any, author_id: Any) -> Select[UUID]:
    """Members who do not follow the chat now and have not been told of it since they last looked (S3-06)."""
    reader = aliased(ChatMember)
    already_told = select(Notification.id).where(
        Notification.user_id == reader.user_id,
        Notification.read_at.is_(None),
        Notification.type == NotificationType.NEW_MESSAGE,
        Notification.subject_id == chat_id,
    )
    return (
        select(reader.user_id)
        .join(User, User.id == reader.user_id)
        .where(
            reader.chat_id == chat_id,
            reader.user_id != author_id,
            reader.left_at.is_(None),
            User.is_active,
            or_(reader.watching_until.is_(None), reader.watching_until < func.now()),
            ~already_told.exists(),
        )
    )


def _send() -> Executable:
    """Give a message the next number of its locked chat, write it, and move its author's marker to it.

    SQLAlchemy would set a column that is named like a parameter, so none is.
    """
    chat_id, person_id = bindparam("within_id", type_=Uuid()), bindparam("person_id", type_=Uuid())
    now = bindparam("now", type_=Message.sent_at.type)
    numbered = (
        update(Chat.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(Chat.id == chat_id)
        .values(last_sequence=Chat.last_sequence + 1, last_message_at=now)
        .returning(Chat.id, Chat.last_sequence)
        .cte("numbered")
    )
    marked = (
        update(ChatMember.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(ChatMember.chat_id == numbered.c.id, ChatMember.user_id == person_id)
        .values(read_sequence=numbered.c.last_sequence)
    )
    values = {
        "id": bindparam("new_id", type_=Uuid()),
        "chat_id": numbered.c.id,
        "sequence": numbered.c.last_sequence,
        "author_id": person_id,
        "body": bindparam("body", type_=Text()),
        "client_message_id": bindparam("client_message_id", type_=Text()),
        "sent_at": now,
    }
    written = insert(Message.__table__).from_select(list(values), select(*values.values()))  # type: ignore[arg-type]  # typed as FromClause, is a Table
    return select(Message).from_statement(written.add_cte(marked.cte("marked")).returning(Message))


STANDING = _standing()
SEND = _send()


class ChatStream(Stream[Message]):
    """Messages after a cursor, or from now on. Hidden from whoever is no member of the chat."""

    __slots__ = ("_database", "_hub", "_reads", "_user_id", "_viewer", "_watching")

    def __init__(
        self,
        database: Database,
        hub: Hub,
        watching: Watching,
        reads: ChatReads,
        viewer: Viewer,
        *,
        chat_id: UUID,
        after: str | None,
    ) -> None:
        self._user_id = viewer.require_user()
        super().__init__(
            chat_stream(chat_id), chat_id, user_id=self._user_id, expires_at=viewer.expires_at, after=after
        )
        self._database = database
        self._hub = hub
        self._watching = watching
        self._reads = reads
        self._viewer = viewer

    async def begin(self) -> None:
        await self._watching.begin(self.owner_id, self._user_id)

    def end(self) -> None:
        self._watching.end(self.owner_id, self._user_id)
        if not self._watching.members(self.owner_id):
            self._reads.forget(self.owner_id)

    async def bounds(self) -> Bounds:
        async with self._database.reading() as session:
            found = await session.execute(
                chats_of(self._viewer)
                .where(Chat.id == self.owner_id)
                .with_only_columns(ChatMember.joined_sequence, Chat.last_sequence)
            )
            row = found.one_or_none()
        if row is None:
            raise NotFound
        return Bounds(floor=row[0], head=row[1])

    async def which_allowed(self, streams: Sequence[Stream[Message]]) -> Sequence[bool]:
        viewers = [one._viewer for one in streams if isinstance(one, ChatStream)]
        async with self._database.reading() as session:
            valid = await viewers_still_valid(session, viewers)
            present = await joined(session, self.owner_id, {viewer.id for viewer in viewers})
        return [is_valid and viewer.id in present for viewer, is_valid in zip(viewers, valid, strict=True)]

    async def fetch(self, sequence: int) -> Sequence[Message]:
        # A thousand who follow one chat alone read a message once, and each is asked for by name.
        reading = await self._hub.once(self.channel, sequence, lambda: self.read(sequence))
        since = reading.since
        if reading.stamp is None or since is None:
            return ()
        if self._user_id not in since:
            # Read for others before this member began to follow.
            since = await self._reads.since(self.owner_id, reading.stamp, {self._user_id})
        first = since[self._user_id]
        if first is not None and first > sequence:
            return await self.fetch(first)
        return reading.entries if first is not None else ()

    async def read(self, sequence: int) -> ChatReading:
        asked = {self._user_id, *self._watching.members(self.owner_id)}
        return await _read(self._reads, self.owner_id, sequence, asked)


async def _read(reads: ChatReads, chat_id: UUID, sequence: int, user_ids: Collection[UUID]) -> ChatReading:
    messages, stamp = await reads.after(chat_id, sequence)
    return ChatReading(messages, await reads.since(chat_id, stamp, user_ids) if stamp is not None else None, stamp)
