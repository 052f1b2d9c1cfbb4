"""Who is in a chat. The chats of events and clubs follow the membership of their owner, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from database import UnitOfWork
from models import Chat, ChatKind, ChatMember, Club, DomainEvent, Event, StreamEvent, utcnow, uuid7
from realtime.streams import access_stream


@dataclass(frozen=True, kw_only=True)
class ChatCreated(DomainEvent):
    name: ClassVar[str] = "chat.created"
    subject_type: ClassVar[str] = "Chat"
    kind: str


@dataclass(frozen=True, kw_only=True)
class ChatLeft(StreamEvent):
    """Goes to the person's access stream, so that their open streams of this chat end."""

    name: ClassVar[str] = "chat.left"
    subject_type: ClassVar[str] = "Chat"
    user_id: UUID


async def create_for_event(uow: UnitOfWork, event: Event, user_ids: Sequence[UUID]) -> Chat:
    """The one chat of an event. Its members are the hosts and whoever holds a place (C7)."""
    return await _create(uow, user_ids, kind=ChatKind.EVENT, event_id=event.id)


async def create_for_club(uow: UnitOfWork, club: Club, user_ids: Sequence[UUID]) -> Chat:
    """The one chat of a club. Its members are the club's."""
    return await _create(uow, user_ids, kind=ChatKind.CLUB, club_id=club.id)


async def create_group(uow: UnitOfWork, title: str, user_ids: Sequence[UUID], *, created_by_id: UUID) -> Chat:
    return await _create(uow, user_ids, kind=ChatKind.GROUP, title=title, created_by_id=created_by_id)


async def create_direct(uow: UnitOfWork, user_ids: tuple[UUID, UUID], *, created_by_id: UUID) -> Chat:
    """The one chat of two people: whoever creates it at the same time gets the same one."""
    key = direct_key(*user_ids)
    values = {"id": uuid7(), "kind": ChatKind.DIRECT, "direct_key": key, "created_by_id": created_by_id}
    await uow.session.flush()
    made: Chat | None = await uow.session.scalar(
        insert(Chat).values(values).on_conflict_do_nothing(index_elements=["direct_key"]).returning(Chat)
    )
    if made is not None:
        await add(uow, made, user_ids)
        uow.record(ChatCreated(subject_id=made.id, kind=ChatKind.DIRECT.value))
        return made
    known: Chat = (await uow.session.scalars(select(Chat).where(Chat.direct_key == key))).one()
    return known


def direct_key(one: UUID, other: UUID) -> str:
    return ":".join(sorted((str(one), str(other))))


async def _create(uow: UnitOfWork, user_ids: Sequence[UUID], *, kind: ChatKind, **owner: Any) -> Chat:
    chat = Chat(kind=kind, last_sequence=0, **owner)
    uow.session.add(chat)
    await uow.session.flush()
    await add(uow, chat, user_ids)
    uow.record(ChatCreated(subject_id=chat.id, kind=kind.value))
    return chat


async def join_event_chat(uow: UnitOfWork, event_id: UUID, user_id: UUID) -> None:
    await uow.session.execute(JOIN_EVENT_CHAT, {"owner_id": event_id, "person_id": user_id, "now": utcnow()})


async def join_club_chat(uow: UnitOfWork, club_id: UUID, user_id: UUID) -> None:
    await uow.session.execute(JOIN_CLUB_CHAT, {"owner_id": club_id, "person_id": user_id, "now": utcnow()})


async def leave_event_chat(uow: UnitOfWork, event_id: UUID, user_id: UUID) -> None:
    await _leave(uow, Chat.event_id == event_id, user_id)


async def leave_club_chat(uow: UnitOfWork, club_id: UUID, user_id: UUID) -> None:
    await _leave(uow, Chat.club_id == club_id, user_id)


async def locked(uow: UnitOfWork, owner: Any) -> Chat | None:
    """The chat, locked, so that nobody sends between reading its last number and writing the membership."""
    return await _locked(uow, _locking(owner))


async def locked_by_id(uow: UnitOfWork, chat_id: UUID) -> Chat | None:
    return await _locked(uow, LOCK, chat_id=chat_id)


async def _locked(uow: UnitOfWork, statement: Select[Chat], **values: UUID) -> Chat | None:
    found: Chat | None = await uow.session.scalar(statement, values)
    return found


def _locking(owner: Any) -> Select[Chat]:
    return select(Chat).where(owner).with_for_update(key_share=True).execution_options(populate_existing=True)


LOCK = _locking(Chat.id == bindparam("chat_id"))


async def add(uow: UnitOfWork, chat: Chat, user_ids: Sequence[UUID]) -> None:
    """Let people into a locked chat. They see what is sent from now on; one who left and returns starts anew."""
    if not user_ids:
        return
    rows = [
        {
            "chat_id": chat.id,
            "user_id": user_id,
            "joined_sequence": chat.last_sequence,
            "read_sequence": chat.last_sequence,
        }
        for user_id in user_ids
    ]
    await uow.session.execute(_again(insert(ChatMember).values(rows), joined_at=utcnow()))


def _again(statement: Insert, *, joined_at: Any) -> Insert:
    """Someone who left and returns starts anew; nothing happens to who is there already."""
    return statement.on_conflict_do_update(
        index_elements=["chat_id", "user_id"],
        set_={
            "left_at": None,
            "left_sequence": None,
            "joined_sequence": statement.excluded.joined_sequence,
            "read_sequence": statement.excluded.read_sequence,
            "joined_at": joined_at,
        },
        where=ChatMember.left_at.is_not(None),
    )


def joining(is_owner: ColumnElement[bool], person_id: Any, *, now: Any) -> Insert:
    """Lock the chat of an owner, if there is one, and let a person into it, in one statement.

    Both what the lock waited for and what the membership is compared with are read as they are after the wait.
    """
    chat = (
        select(Chat.id, person_id, now, Chat.last_sequence, Chat.last_sequence.label("read"))
        .where(is_owner)
        .with_for_update(key_share=True, of=Chat)
    )
    columns = ["chat_id", "user_id", "joined_at", "joined_sequence", "read_sequence"]
    return _again(insert(ChatMember.__table__).from_select(columns, chat), joined_at=now)  # type: ignore[arg-type]  # typed as FromClause, is a Table


def _joining(owner: Any) -> Insert:
    now = bindparam("now", type_=ChatMember.joined_at.type)
    return joining(owner == bindparam("owner_id"), bindparam("person_id", type_=Uuid()), now=now)


JOIN_EVENT_CHAT = _joining(Chat.event_id)
JOIN_CLUB_CHAT = _joining(Chat.club_id)


async def _leave(uow: UnitOfWork, owner: Any, user_id: UUID) -> None:
    chat = await locked(uow, owner)
    if chat is not None:
        await remove(uow, chat, user_id)


async def remove(uow: UnitOfWork, chat: Chat, user_id: UUID) -> None:
    """Let someone out of a locked chat. Their open streams of it end."""
    left = await uow.session.execute(
        update(ChatMember)
        .where(ChatMember.chat_id == chat.id, ChatMember.user_id == user_id, ChatMember.left_at.is_(None))
        .values(left_at=utcnow(), left_sequence=chat.last_sequence, watching_until=None)
        .returning(ChatMember.user_id)
    )
    if left.first() is not None:
        uow.record(ChatLeft(subject_id=chat.id, user_id=user_id, stream=access_stream(user_id), sequence=0))
