"""Which news a person wants, and where. Only what differs from the defaults is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import sqlalchemy
from sqlalchemy import Uuid, bindparam, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from auth.viewer import Viewer
from database import UnitOfWork
from models import (
    Channel,
    ChatMember,
    DomainEvent,
    Notification,
    NotificationPreference,
    NotificationType,
    User,
    is_unread,
)

NOT_BY_EMAIL = frozenset({NotificationType.PARTICIPANT_JOINED, NotificationType.NEW_MESSAGE})
"""News that may come many times a day."""

MATRIX = tuple((type, channel) for type in NotificationType for channel in Channel)

Choices = Mapping[str, bool]
"""`TYPE:CHANNEL` to what someone chose; what is absent has its default."""


def name_of(type: NotificationType, channel: Channel) -> str:
    return f"{type.value}:{channel.value}"


def default(type: NotificationType, channel: Channel) -> bool:
    return channel is Channel.IN_APP or type not in NOT_BY_EMAIL


def is_enabled(choices: Choices, type: NotificationType, channel: Channel) -> bool:
    """E-mail is a copy of a notification, so there is none where the type is off in the app."""
    chosen = choices.get(name_of(type, channel), default(type, channel))
    return chosen and (channel is Channel.IN_APP or is_enabled(choices, type, Channel.IN_APP))


async def is_wanted(session: AsyncSession, user_id: UUID, type: NotificationType, channel: Channel) -> bool:
    found = await session.execute(
        select(NotificationPreference.channel, NotificationPreference.is_enabled).where(
            NotificationPreference.user_id == user_id, NotificationPreference.type == type
        )
    )
    return is_enabled({name_of(type, one): chosen for one, chosen in found}, type, channel)


@dataclass(frozen=True, kw_only=True)
class PreferencesChanged(DomainEvent):
    name: ClassVar[str] = "user.notification_preferences.updated"
    subject_type: ClassVar[str] = "User"


TOLD = exists().where(
    Notification.user_id == ChatMember.user_id,
    Notification.subject_id == ChatMember.chat_id,
    Notification.type == NotificationType.NEW_MESSAGE,
    is_unread(),
)
TELL_AGAIN = (
    sqlalchemy.update(ChatMember.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
    .where(ChatMember.user_id == bindparam("id", type_=Uuid()), ~TOLD)
    .values(is_told=False)
)
"""Whoever did not want to hear of messages was passed over as if they had been told. Also those of this moment."""


@dataclass(frozen=True)
class PreferenceChange:
    type: NotificationType
    channel: Channel
    is_enabled: bool


async def update(uow: UnitOfWork, viewer: Viewer, *, choices: Sequence[PreferenceChange]) -> User:
    """Set some of one's preferences; the others stay. Of two choices for the same thing the later one counts."""
    user_id = viewer.require_user()
    latest = {(one.type, one.channel): one.is_enabled for one in choices}
    if latest:
        # In one order, so that two requests at once do not wait for each other.
        rows = [
            {"user_id": user_id, "type": type, "channel": channel, "is_enabled": latest[type, channel]}
            for type, channel in MATRIX
            if (type, channel) in latest
        ]
        statement = insert(NotificationPreference).values(rows)
        await uow.session.execute(
            statement.on_conflict_do_update(
                index_elements=["user_id", "type", "channel"], set_={"is_enabled": statement.excluded.is_enabled}
            )
        )
        if latest.get((NotificationType.NEW_MESSAGE, Channel.IN_APP)):
            await uow.session.execute(TELL_AGAIN, {"id": user_id})
        uow.record(PreferencesChanged(subject_id=user_id))
    return await uow.session.get_one(User, user_id)
