"""Chats: who may open one with whom, and what members do with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
    Uuid,
    bindparam,
    case,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from auth.fellowship import may_be_written_to
from auth.viewer import Viewer
from auth.visibility.chat import chats_of, messages_visible_to
from database import RECORDING, UnitOfWork, Writing, recording, recording_values
from database.rows import attributes, row_class
from dataloaders.chat.reading import unread
from dataloaders.core.rule_statements import Statement
from dataloaders.core.selects import columns_of
from errors import ErrorCode, NotFound, TooMany, UserError, _, check_count, check_text, refuse
from models import (
    Chat,
    ChatKind,
    ChatMember,
    Message,
    Notification,
    NotificationType,
    User,
    utcnow,
)
from resolvers.chat import members
from resolvers.notifications import inbox

MOST_MEMBERS = 200
"""People in a GROUP chat. The chats of events and clubs have as many as their owner."""
ANYONE = "anyone"


class NewChatKind(Enum):
    """Chats that people open by themselves; those of events and clubs are made with their owner."""

    DIRECT = "DIRECT"
    GROUP = "GROUP"


class ChatNotAllowed(UserError):
    """A refusal that also answers for a person who does not exist, so that nobody learns who does."""

    code = ErrorCode.CHAT_NOT_ALLOWED
    message = _("You can write to people with whom you share a club or an event.")


class WrongMembers(UserError):
    code = ErrorCode.INVALID
    message = _("A direct chat has exactly one other person.")


class TitleNotTaken(UserError):
    code = ErrorCode.INVALID
    message = _("A direct chat has no title.")


class HasLeft(UserError):
    code = ErrorCode.LEFT_CHAT
    message = _("This person has left the chat. Nobody but themself can bring them back.")


class MembersAreFixed(UserError):
    code = ErrorCode.CHAT_NOT_ALLOWED
    message = _("Only the members of a group chat can be changed here.")


check_length = partial(check_text, maximum=255)


def check_title(problems: list[UserError], kind: NewChatKind, title: str | None) -> str | None:
    """Return the title of a GROUP chat as it is stored. A DIRECT chat has none."""
    if kind is NewChatKind.GROUP:
        return check_length(problems, title, "title", required=True)
    if title is not None:
        problems.append(TitleNotTaken(path=("title",)))
    return None


def check_number(problems: list[UserError], kind: NewChatKind, member_ids: Collection[Any]) -> None:
    """Check that a DIRECT chat is with one other person. Whoever opens it may be among the ids."""
    if kind is NewChatKind.DIRECT and not 1 <= len(set(member_ids)) <= 2:
        problems.append(WrongMembers(path=("memberIds",)))


check_members = partial(check_count, maximum=MOST_MEMBERS)


async def create(
    uow: UnitOfWork, viewer: Viewer, *, kind: NewChatKind, member_ids: Sequence[UUID], title: str | None, needs: str
) -> Chat:
    """Open a chat. `needs` is the setting `direct_chat_needs`. An existing DIRECT chat of the two is given back."""
    user_id = viewer.require_user()
    others = [member_id for member_id in dict.fromkeys(member_ids) if member_id != user_id]
    problems: list[UserError] = []
    title = check_title(problems, kind, title)
    if kind is NewChatKind.DIRECT and len(others) != 1:
        problems.append(WrongMembers(path=("memberIds",)))
    if kind is NewChatKind.GROUP and len(others) >= MOST_MEMBERS:
        problems.append(TooMany(path=("memberIds",), maximum=MOST_MEMBERS))
    refuse(problems)
    await _check_fellows(uow.session, user_id, member_ids, needs=needs)
    if kind is NewChatKind.DIRECT:
        return await members.create_direct(uow, (user_id, others[0]), created_by_id=user_id)
    return await members.create_group(uow, title or "", [user_id, *others], created_by_id=user_id)


async def _check_fellows(session: AsyncSession, user_id: UUID, member_ids: Sequence[UUID], *, needs: str) -> None:
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
    """Those of some people whom the user may write to: they share an active club, or both are at an event."""
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
    await _check_fellows(uow.session, user_id, member_ids, needs=needs)
    # In one order, so that two who invite the same people do not wait for each other.
    await members.add(uow, chat, sorted(set(member_ids) - present))
    return chat


async def _present(uow: UnitOfWork, chat: Chat) -> set[UUID]:
    here = select(ChatMember.user_id).where(ChatMember.chat_id == chat.id, ChatMember.left_at.is_(None))
    return set(await uow.session.scalars(here))


async def _gone(uow: UnitOfWork, chat: Chat, among: Collection[UUID]) -> set[UUID]:
    """Those of some people who have left a locked chat, which they do by themselves alone."""
    left = select(ChatMember.user_id).where(
        ChatMember.chat_id == chat.id, ChatMember.user_id.in_(among), ChatMember.left_at.is_not(None)
    )
    return set(await uow.session.scalars(left))


async def rejoin(uow: UnitOfWork, viewer: Viewer, *, chat_id: UUID) -> Chat:
    """Come back to a GROUP chat that one has left. One sees what is sent from now on."""
    user_id = viewer.require_user()
    chat = await members.locked_by_id(uow, chat_id)
    if chat is None or not has_free_members(chat):
        raise NotFound(path=("chatId",))
    present = await _present(uow, chat)
    if user_id in present:
        return chat
    if not await _gone(uow, chat, [user_id]):
        raise NotFound(path=("chatId",))
    if len(present) >= MOST_MEMBERS:
        raise TooMany(path=("chatId",), maximum=MOST_MEMBERS)
    await members.add(uow, chat, [user_id])
    return chat


async def leave(uow: UnitOfWork, viewer: Viewer, *, chat_id: UUID) -> Chat:
    user_id = viewer.require_user()
    chat = await locked_own_group(uow, user_id, chat_id)
    await members.remove(uow, [chat.id], [user_id])
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
    chat = await members.locked_by_id(uow, chat_id)
    member = await uow.session.get(ChatMember, (chat_id, user_id), populate_existing=True)
    if chat is None or member is None or member.left_at is not None:
        raise NotFound(path=("chatId",))
    return chat, member


@dataclass(frozen=True)
class Marked:
    """A chat whose read marker was moved, what is unread after it, and the membership, as asyncpg gives it."""

    chat: Chat
    unread: int
    membership: Mapping[str, Any]


async def mark_read(uow: Writing, viewer: Viewer, *, chat_id: UUID, message_id: UUID | None) -> Marked:
    """Move the read marker up to a message, or to the last one. It never moves back."""
    viewer.require_user()
    recorded = recording_values(has_sink=uow.has_sink)
    found = await uow.write(MARK_READ.asked(viewer, read_id=chat_id, message_id=message_id, **recorded))
    if not found:
        is_member = await uow.read(IS_MEMBER.asked(viewer, read_id=chat_id))
        raise NotFound(path=("messageId",) if is_member else ("chatId",))
    [chat] = found
    return Marked(chat, chat["unread"], {name: chat[f"member_{name}"] for name in attributes(ChatMember)})


def _is_member(viewer: Viewer) -> Select[UUID]:
    return chats_of(viewer).where(Chat.id == bindparam("read_id", type_=Uuid())).with_only_columns(Chat.id)


def _mark_read(viewer: Viewer) -> Select[Any]:
    """Move a marker, and answer the chat; nothing where the chat or the message is hidden.

    A membership that changed while the statement waited for its row is looked at as it is then. Who has been in the
    chat needs no notice of it any more; the next message may bring a new one.
    """
    # SQLAlchemy would set a column that is named like a parameter.
    chat_id, message_id = bindparam("read_id", type_=Uuid()), bindparam("message_id", type_=Uuid())
    message = messages_visible_to(viewer).where(Message.id == message_id, Message.chat_id == chat_id)
    sequence = message.with_only_columns(Message.sequence).correlate(None).scalar_subquery()
    last = case((message_id.is_(None), Chat.last_sequence))
    target = func.coalesce(sequence, last)
    moved = (
        update(ChatMember.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(
            ChatMember.chat_id == Chat.id,
            Chat.id == chat_id,
            ChatMember.user_id == viewer.id,
            ChatMember.left_at.is_(None),
            target.is_not(None),
        )
        .values(read_sequence=func.greatest(ChatMember.read_sequence, target))
        .returning(
            *columns_of(Chat, attributes(Chat)),
            # Who waited for another device sees the chat as it was before, and the marker as it is now.
            func.greatest(unread(), 0).label("unread"),
            *(getattr(ChatMember, name).label(f"member_{name}") for name in attributes(ChatMember)),
        )
        .cte("moved")
    )
    settled = inbox.settling(
        viewer,
        Notification.type == NotificationType.NEW_MESSAGE,
        Notification.subject_id == chat_id,
        exists(select(moved.c.id)),
        now=literal(utcnow()),
    ).cte("settled")
    return select(*moved.c).add_cte(*recording(inbox.have_been_read(settled)))


IS_MEMBER = Statement(_is_member, given=("read_id",))
MARK_READ = Statement(_mark_read, given=("read_id", "message_id", *RECORDING), rows=row_class(Chat))


async def direct_with(session: AsyncSession, viewer: Viewer, *, user_id: UUID) -> Chat | None:
    """Return the DIRECT chat with someone, if there is one. Reading does not create it."""
    if viewer.id is None:
        return None
    key = members.direct_key(viewer.id, user_id)
    found: Chat | None = await session.scalar(chats_of(viewer).where(Chat.direct_key == key))
    return found
