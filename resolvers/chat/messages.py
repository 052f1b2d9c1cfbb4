"""Messages: sending them, and following a chat live."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from auth.viewer import Viewer, still_stands
from database import ATTEMPTS, Contended, Writing, recording_values
from dataloaders.chat.viewer_can import Writability, column_of
from errors import ErrorCode, NotFound, TooLong, TooShort, UserError, _, check_text, refuse
from models import Message, uuid7
from realtime.chat_presence import ChatPresence
from realtime.streams import Bounds, Reading, Stream, StreamEnded, chat_stream
from resolvers.chat import members
from resolvers.chat.message_writing import SEND, STANDING, excerpt_of
from resolvers.chat.reading import ChatReading, ChatReads
from resolvers.notifications import notifications


class ChatReadOnly(UserError):
    code = ErrorCode.CHAT_READ_ONLY
    message = _("You no longer share a club or an event with this person, so you can read but not write.")


class ClientMessageIdReused(UserError):
    code = ErrorCode.CLIENT_MESSAGE_ID_REUSED
    message = _("You have already sent a different message with this clientMessageId.")


class ChatOfDeletedEvent(ChatReadOnly):
    message = _("The event of this chat was deleted, so you can read but not write.")


async def send(
    uow: Writing, viewer: Viewer, *, chat_id: UUID, body: str, client_message_id: str, needs: str
) -> Message:
    """Write to a chat. The same `client_message_id` gives the same message, also when both come at once.

    The statement writes nothing where something stands against it. Only then is looked for what that was.
    """
    viewer.require_user()
    text = _checked(body, client_message_id)
    asked = {"within_id": chat_id, "client_id": client_message_id}
    sending = SEND[needs != members.ANYONE]
    for _attempt in range(ATTEMPTS):
        values = {
            **asked,
            "new_id": uuid7(),
            "text": text,
            "excerpt": excerpt_of(text or ""),
            "most": notifications.MOST_AT_ONCE,
            **recording_values(has_sink=uow.has_sink),
        }
        sent: list[Message] = await uow.write(
            sending.bind(viewer, **values), unless="uq_messages_chat_id_author_id_client_message_id"
        )
        if sent:
            return sent[0]
        before = await _sent_before(uow, viewer, asked, needs=needs)
        if before and before[0].body != text:
            raise ClientMessageIdReused(path=("clientMessageId",))
        if before:
            return before[0]
    raise Contended


async def _sent_before(uow: Writing, viewer: Viewer, asked: Mapping[str, Any], *, needs: str) -> list[Message]:
    """Return the message that the viewer sent under this `client_message_id`. Raises if they may not write."""
    found = await uow.read(STANDING.bind(viewer, **asked))
    if not found:
        raise NotFound(path=("chatId",))
    if found[0].id is not None:
        return found
    if refusal := refusal_to_write(found[0][writability_by(needs)]):
        raise refusal
    return []


def writability_by(needs: str) -> str:
    """Return the column of `dataloaders.chat.viewer_can.writing_to` that counts with a setting `direct_chat_needs`."""
    return column_of(needs_fellowship=needs != members.ANYONE)


def refusal_to_write(writability: str) -> UserError | None:
    """Return what stands against a member who writes to a chat."""
    refusal = REFUSALS_TO_WRITE[Writability(writability)]
    return refusal(path=("chatId",)) if refusal else None


REFUSALS_TO_WRITE: dict[Writability, type[UserError] | None] = {
    Writability.OPEN: None,
    Writability.RECORD: ChatOfDeletedEvent,
    Writability.READ_ONLY: ChatReadOnly,
}


check_body = partial(check_text, maximum=10_000, required=True, multiline=True)


def check_client_message_id(problems: list[UserError], id: str, *path: str) -> None:
    if not id:
        problems.append(TooShort(path=path, minimum=1))
    elif len(id) > 100:
        problems.append(TooLong(path=path, maximum=100))


def _checked(body: str, client_message_id: str) -> str | None:
    problems: list[UserError] = []
    text = check_body(problems, body, "body")
    check_client_message_id(problems, client_message_id, "clientMessageId")
    refuse(problems)
    return text


class ChatStream(Stream[Message]):
    """Messages after a cursor, or from now on. Hidden from whoever is no member of the chat."""

    __slots__ = ("_reads", "_user_id", "_viewer", "_watching")

    batches_readings = True

    def __init__(
        self,
        watching: ChatPresence,
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
        place = await self._reads.place(self.owner_id, self._viewer)
        if place is None:
            raise NotFound
        if not still_stands(self._viewer, place.role):
            raise StreamEnded
        return Bounds(place.floor, place.head)

    async def which_allowed(self, streams: Sequence[Stream[Message]]) -> Sequence[bool]:
        viewers = [one._viewer for one in streams if isinstance(one, ChatStream)]
        places = await asyncio.gather(*(self._reads.place(self.owner_id, viewer) for viewer in viewers))
        return [
            place is not None and still_stands(viewer, place.role)
            for viewer, place in zip(viewers, places, strict=True)
        ]

    async def sees_after(self, reading: Reading[Message]) -> int | None:
        # A thousand who follow one chat alone read a message once, and each is asked for by name.
        assert isinstance(reading, ChatReading)
        since = reading.since
        if reading.stamp is None or since is None:
            return None
        if self._user_id not in since:
            # Read for others before this member began to follow.
            since = await self._reads.since(self.owner_id, reading.stamp, {self._user_id})
        return since[self._user_id]

    async def read(self, sequence: int) -> ChatReading:
        asked = {self._user_id, *self._watching.members(self.owner_id)}
        return await _read(self._reads, self.owner_id, sequence, asked)


async def _read(reads: ChatReads, chat_id: UUID, sequence: int, user_ids: Collection[UUID]) -> ChatReading:
    messages, stamp = await reads.after(chat_id, sequence)
    return ChatReading(
        messages, await reads.since(chat_id, stamp, user_ids) if stamp is not None else None, stamp=stamp
    )
