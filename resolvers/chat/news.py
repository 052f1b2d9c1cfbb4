"""What notifications say of messages, which of that can cease to be so, and whom of many members a message is told."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, func, or_, select, update

from database import UnitOfWork
from errors import _
from models import Broadcast, ChatMember, NotificationType, User
from resolvers.notifications.broadcasting import AUDIENCES, Slice
from resolvers.notifications.news import Wording, declare

AWAY = "AWAY"
"""The audience of a message: members who are away, found by what is kept of each."""
SEQUENCE = "sequence"
"""The number of the message, beside what the notice is made of."""

declare(
    NotificationType.NEW_MESSAGE,
    Wording((_("New message: {name}"), _("New message from {person}"), _("New message")), (_("{person}: {text}"),)),
)


async def _away(uow: UnitOfWork, broadcast: Broadcast, most: int) -> Slice:
    """Mark the next members as told, and return them: those who are in the chat still and have not read the message.

    Whoever is reading just now, or is being told otherwise, is left to a second pass.
    """
    waiting = [*_is_to_be_told(broadcast)]
    after = [] if broadcast.done_up_to is None else [ChatMember.user_id > broadcast.done_up_to]
    free = (
        select(ChatMember.user_id)
        .join(User, User.id == ChatMember.user_id)
        .where(*waiting, User.is_active, *after)
        .order_by(ChatMember.user_id)
        .limit(most)
        .with_for_update(skip_locked=True, of=ChatMember, key_share=True)
    )
    people = await uow.session.scalars(
        update(ChatMember)
        .where(ChatMember.chat_id == broadcast.object_id, ChatMember.user_id.in_(free.cte("free").select()))
        .values(is_told=True)
        .returning(ChatMember.user_id)
        .execution_options(synchronize_session=False)
    )
    if found := people.all():
        broadcast.done_up_to = max(found)
        return Slice(found)
    broadcast.done_up_to = None
    is_left = exists().select_from(ChatMember).where(*waiting, User.id == ChatMember.user_id, User.is_active)
    return Slice([], is_last=not await uow.session.scalar(select(is_left)))


def _is_to_be_told(broadcast: Broadcast) -> list[ColumnElement[bool]]:
    sequence, author_id = broadcast.notice[SEQUENCE], broadcast.notice["actor_id"]
    return [
        ChatMember.chat_id == broadcast.object_id,
        ~ChatMember.is_told,
        ChatMember.left_at.is_(None),
        ChatMember.user_id != author_id,
        ChatMember.joined_sequence < sequence,
        ChatMember.read_sequence < sequence,
        or_(ChatMember.watching_until.is_(None), ChatMember.watching_until < func.now()),
    ]


AUDIENCES[AWAY] = _away
