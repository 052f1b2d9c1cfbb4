"""Chats: who may open one with whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from auth.viewer import Viewer
from auth.visibility.chat import chats_of
from database import UnitOfWork
from errors import ErrorCode, TooMany, UserError, _, check_text, refuse
from models import Chat
from resolvers.chat import members
from resolvers.chat.members import MOST_MEMBERS, check_fellows


class NewChatKind(Enum):
    """Chats that people open by themselves; those of events and clubs are made with their owner."""

    DIRECT = "DIRECT"
    GROUP = "GROUP"


class WrongMembers(UserError):
    code = ErrorCode.INVALID
    message = _("A direct chat has exactly one other person.")


class TitleNotTaken(UserError):
    code = ErrorCode.INVALID
    message = _("A direct chat has no title.")


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
    await check_fellows(uow.session, user_id, member_ids, needs=needs)
    if kind is NewChatKind.DIRECT:
        return await members.create_direct(uow, (user_id, others[0]), created_by_id=user_id)
    return await members.create_group(uow, title or "", [user_id, *others], created_by_id=user_id)


async def direct_with(session: AsyncSession, viewer: Viewer, *, user_id: UUID) -> Chat | None:
    """Return the DIRECT chat with someone, if there is one. Reading does not create it."""
    if viewer.id is None:
        return None
    key = members.direct_key(viewer.id, user_id)
    found: Chat | None = await session.scalar(chats_of(viewer).where(Chat.direct_key == key))
    return found
