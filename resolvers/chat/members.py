"""Members of chats. The chats of events and clubs follow the membership of their owner, in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Uuid,
    and_,
    any_,
    bindparam,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth.fellowship import may_be_written_to
from auth.viewer import Viewer
from auth.visibility.events import is_deleted
from database import RecordedEvents, UnitOfWork, recording, recording_values
from errors import ErrorCode, NotFound, TooMany, UserError, _, check_count, refuse
from models import Chat, ChatKind, ChatMember, Club, DomainEvent, Event, EventHost, User, utcnow, uuid7


@dataclass(frozen=True, kw_only=True)
class ChatCreated(DomainEvent):
    name: ClassVar[str] = "chat.created"
    subject_type: ClassVar[str] = "Chat"
    kind: str


@dataclass(frozen=True, kw_only=True)
class ChatLeft(DomainEvent):
    name: ClassVar[str] = "chat.left"
    subject_type: ClassVar[str] = "Chat"
    user_id: UUID


async def create_for_event(uow: UnitOfWork, event: Event, user_ids: Sequence[UUID]) -> Chat:
    """Create the chat of an event. Its members are the hosts and the people who hold a place."""
    return await _create(uow, user_ids, kind=ChatKind.EVENT, event_id=event.id)


async def create_for_club(uow: UnitOfWork, club: Club, user_ids: Sequence[UUID]) -> Chat:
    """Create the chat of a club. Its members are the club's."""
    return await _create(uow, user_ids, kind=ChatKind.CLUB, club_id=club.id)


async def create_group(uow: UnitOfWork, title: str, user_ids: Sequence[UUID], *, created_by_id: UUID) -> Chat:
    return await _create(uow, user_ids, kind=ChatKind.GROUP, title=title, created_by_id=created_by_id)


async def create_direct(uow: UnitOfWork, user_ids: tuple[UUID, UUID], *, created_by_id: UUID) -> Chat:
    """Create the chat of two people. Somebody who creates it at the same time gets the same one."""
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


async def join_event_chats(uow: UnitOfWork, people: Collection[tuple[UUID, UUID]]) -> None:
    """Let people into the chats of events, where these have one: pairs of an event and a person."""
    if people:
        event_ids, user_ids = ([*column] for column in zip(*people, strict=True))
        values = {"event_ids": event_ids, "user_ids": user_ids, "now": utcnow()}
        await uow.session.execute(JOIN_EVENT_CHATS, values)


async def join_club_chat(uow: UnitOfWork, club_id: UUID, user_id: UUID) -> None:
    await uow.session.execute(JOIN_CLUB_CHAT, {"owner_id": club_id, "person_id": user_id, "now": utcnow()})


async def leave_event_chats(uow: UnitOfWork, event_id: UUID, user_ids: Collection[UUID]) -> None:
    """Let people out of an event's chat, but not those who have a role at it."""
    await _leave(uow, Chat.event_id == event_id, user_ids)


async def leave_club_chat(uow: UnitOfWork, club_id: UUID, user_id: UUID) -> None:
    await _leave(uow, Chat.club_id == club_id, [user_id])


async def leave_chats_of_club(uow: UnitOfWork, club_id: UUID, user_id: UUID) -> None:
    """Leave the chat of a club, and those of all its events, past ones too, at which the person has no role."""
    events = select(Event.id).where(Event.club_id == club_id)
    await _leave(uow, or_(Chat.club_id == club_id, Chat.event_id.in_(events)), [user_id])


async def leave_all(uow: UnitOfWork, user_id: UUID) -> None:
    """Let someone out of every chat in which they are, who has no role at any event any more."""
    await _leave(uow, true(), [user_id])


async def locked_by_id(uow: UnitOfWork, chat_id: UUID) -> Chat | None:
    """Lock the chat, so that nobody sends between reading its last number and writing the membership."""
    found: Chat | None = await uow.session.scalar(LOCK, {"chat_id": chat_id})
    return found


LOCK = (
    select(Chat)
    .where(Chat.id == bindparam("chat_id"))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


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
    """Lock the chats of some owners, as far as there are any, and let people into them, in one statement.

    Both what the lock waited for and what the membership is compared with are read as they are after the wait.
    """
    chat = (
        select(Chat.id, person_id, now, Chat.last_sequence, Chat.last_sequence.label("read"))
        .where(is_owner)
        .order_by(Chat.id)
        .with_for_update(key_share=True, of=Chat)
    )
    columns = ["chat_id", "user_id", "joined_at", "joined_sequence", "read_sequence"]
    return _again(insert(ChatMember.__table__).from_select(columns, chat, include_defaults=False), joined_at=now)  # type: ignore[arg-type]  # typed as FromClause, is a Table


def _join_event_chats() -> Insert:
    ids = (bindparam(name, type_=ARRAY(Uuid)) for name in ("event_ids", "user_ids"))
    given = func.unnest(*ids).table_valued(column("event_id", Uuid()), column("user_id", Uuid())).render_derived()
    return joining(Chat.event_id == given.c.event_id, given.c.user_id, now=JOINED_AT)


def _join_club_chat() -> Insert:
    is_owner = Chat.club_id == bindparam("owner_id")
    return joining(is_owner, bindparam("person_id", type_=Uuid()), now=JOINED_AT)


JOINED_AT = bindparam("now", type_=ChatMember.joined_at.type)
JOIN_EVENT_CHATS = _join_event_chats()
JOIN_CLUB_CHAT = _join_club_chat()


async def _leave(uow: UnitOfWork, is_left: ColumnElement[bool], user_ids: Collection[UUID]) -> None:
    """Lock some chats by id, and let people out of them."""
    present = and_(ChatMember.chat_id == Chat.id, is_among(ChatMember.user_id, user_ids), ChatMember.left_at.is_(None))
    locked = await uow.session.scalars(
        select(Chat.id)
        .where(is_left, exists().where(present).correlate(Chat))
        .order_by(Chat.id)
        .with_for_update(key_share=True, of=Chat)
    )
    if chat_ids := locked.all():
        await remove(uow, chat_ids, user_ids)


async def remove(uow: UnitOfWork, chat_ids: Collection[UUID], user_ids: Collection[UUID]) -> None:
    """Let people out of locked chats, but not hosts out of those of their events, unless these were deleted. Their open
    streams of them end.
    """
    hosts = exists().where(
        EventHost.event_id == Chat.event_id,
        EventHost.user_id == ChatMember.user_id,
        ~is_deleted(Event, EventHost.event_id),
    )
    left = (
        update(ChatMember.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(
            ChatMember.chat_id == Chat.id,
            is_among(Chat.id, chat_ids),
            is_among(ChatMember.user_id, user_ids),
            ChatMember.left_at.is_(None),
            ~hosts.correlate(Chat, ChatMember.__table__),
        )
        .values(left_at=utcnow(), left_sequence=Chat.last_sequence, watching_until=None)
        .returning(ChatMember.chat_id, ChatMember.user_id)
        .cte("left_chats")
    )
    happened = RecordedEvents(ChatLeft, left, {"subject_id": left.c.chat_id, "user_id": left.c.user_id})
    await uow.session.flush()
    await uow.session.execute(
        select(func.count()).select_from(left).add_cte(*recording([happened])), recording_values(has_sink=uow.has_sink)
    )


def is_among(column: Any, ids: Collection[UUID]) -> ColumnElement[bool]:
    """As `IN`, with one parameter for however many ids."""
    found: ColumnElement[bool] = column == any_(literal(list(ids), ARRAY(Uuid)))
    return found


MOST_MEMBERS = 200
"""People in a GROUP chat. The chats of events and clubs have as many as their owner."""


class ChatNotAllowed(UserError):
    """A refusal that also answers for a person who does not exist, so that nobody learns who does."""

    code = ErrorCode.CHAT_NOT_ALLOWED
    message = _("You can write to people with whom you share a club or an event.")


class HasLeft(UserError):
    code = ErrorCode.LEFT_CHAT
    message = _("This person has left the chat. Only they can come back by themselves.")


class MembersAreFixed(UserError):
    code = ErrorCode.CHAT_NOT_ALLOWED
    message = _("Only the members of a group chat can be changed here.")


async def check_fellows(session: AsyncSession, user_id: UUID, member_ids: Sequence[UUID], *, needs: str) -> None:
    """Raise `ChatNotAllowed` for each person whom the user may not write to."""
    allowed = {user_id, *await fellows(session, user_id, member_ids, needs=needs)}
    refuse(
        [
            ChatNotAllowed(path=("memberIds", str(index)))
            for index, member_id in enumerate(member_ids)
            if member_id not in allowed
        ]
    )


async def fellows(session: AsyncSession, user_id: UUID, among: Collection[UUID], *, needs: str) -> set[UUID]:
    """Return the people to whom the user may write: they share an active club, or both are at an event."""
    rule = may_be_written_to(user_id, needs_fellowship=needs != ANYONE)
    found = await session.scalars(select(User.id).where(User.id.in_(among), rule))
    return set(found)


async def add_members(
    uow: UnitOfWork, viewer: Viewer, *, chat_id: UUID, member_ids: Sequence[UUID], needs: str
) -> Chat:
    """Invite fellow members into a GROUP chat. They see what is sent from now on. Who has left is not put back."""
    user_id = viewer.require_user()
    chat = await locked_own_group(uow, user_id, chat_id)
    present = await _present(uow, chat)
    if len(present | set(member_ids)) > MOST_MEMBERS:
        raise TooMany(path=("memberIds",), maximum=MOST_MEMBERS)
    gone = await _gone(uow, chat, member_ids)
    refuse([HasLeft(path=("memberIds", str(at))) for at, one in enumerate(member_ids) if one in gone])
    await check_fellows(uow.session, user_id, member_ids, needs=needs)
    # In one order, so that two who invite the same people do not wait for each other.
    await add(uow, chat, sorted(set(member_ids) - present))
    return chat


async def _present(uow: UnitOfWork, chat: Chat) -> set[UUID]:
    here = select(ChatMember.user_id).where(ChatMember.chat_id == chat.id, ChatMember.left_at.is_(None))
    return set(await uow.session.scalars(here))


async def _gone(uow: UnitOfWork, chat: Chat, among: Collection[UUID]) -> set[UUID]:
    """Return the people who have left a locked chat of their own will."""
    left = select(ChatMember.user_id).where(
        ChatMember.chat_id == chat.id, ChatMember.user_id.in_(among), ChatMember.left_at.is_not(None)
    )
    return set(await uow.session.scalars(left))


async def rejoin(uow: UnitOfWork, viewer: Viewer, *, chat_id: UUID) -> Chat:
    """Come back to a GROUP chat that one has left. One sees what is sent from now on."""
    user_id = viewer.require_user()
    chat = await locked_by_id(uow, chat_id)
    if chat is None or not has_free_members(chat):
        raise NotFound(path=("chatId",))
    present = await _present(uow, chat)
    if user_id in present:
        return chat
    if not await _gone(uow, chat, [user_id]):
        raise NotFound(path=("chatId",))
    if len(present) >= MOST_MEMBERS:
        raise TooMany(path=("chatId",), maximum=MOST_MEMBERS)
    await add(uow, chat, [user_id])
    return chat


async def leave(uow: UnitOfWork, viewer: Viewer, *, chat_id: UUID) -> Chat:
    user_id = viewer.require_user()
    chat = await locked_own_group(uow, user_id, chat_id)
    await remove(uow, [chat.id], [user_id])
    return chat


async def locked_own_group(uow: UnitOfWork, user_id: UUID, chat_id: UUID) -> Chat:
    """Lock a GROUP chat of which the user is a member."""
    chat, _member = await locked_own(uow, user_id, chat_id)
    if not has_free_members(chat):
        raise MembersAreFixed(path=("chatId",))
    return chat


def has_free_members(chat: Chat) -> bool:
    """Whether its members come and go by themselves, and not by an event, a club or a pair."""
    return chat.kind is ChatKind.GROUP


async def locked_own(uow: UnitOfWork, user_id: UUID, chat_id: UUID) -> tuple[Chat, ChatMember]:
    """Lock a chat of which the user is a member. Raises `NotFound`.

    Two statements: the one that waits for the lock would read the membership as it was before the wait.
    """
    chat = await locked_by_id(uow, chat_id)
    member = await uow.session.get(ChatMember, (chat_id, user_id), populate_existing=True)
    if chat is None or member is None or member.left_at is not None:
        raise NotFound(path=("chatId",))
    return chat, member


ANYONE = "anyone"


check_members = partial(check_count, maximum=MOST_MEMBERS)
