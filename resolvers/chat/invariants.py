"""What must hold of chats and their streams."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, exists, func, literal, select

from models import (
    HOLDING,
    Channel,
    Chat,
    ChatMember,
    Event,
    EventHost,
    Message,
    Notification,
    NotificationPreference,
    NotificationType,
    Registration,
    is_over,
    is_unread,
)
from resolvers.core.invariants import declare, stream


def _chat_without_participant() -> Select[UUID, str]:
    member = exists().where(
        ChatMember.chat_id == Chat.id, ChatMember.user_id == Registration.user_id, ChatMember.left_at.is_(None)
    )
    # Who was put out of a club has left the chats of its past events, too.
    return (
        select(Registration.id, literal("its person is not in the event's chat"))
        .join(Chat, Chat.event_id == Registration.event_id)
        .join(Event, Event.id == Registration.event_id)
        .where(Registration.admission.in_(HOLDING), ~is_over(Event.ends_at, func.now()), ~member)
    )


def _chat_with_stranger() -> Select[UUID, str]:
    registered = exists().where(
        Registration.event_id == Chat.event_id,
        Registration.user_id == ChatMember.user_id,
        Registration.admission.in_(HOLDING),
    )
    hosting = exists().where(EventHost.event_id == Chat.event_id, EventHost.user_id == ChatMember.user_id)
    return (
        select(Chat.id, func.concat("has a member who holds no place: ", ChatMember.user_id))
        .join(ChatMember, ChatMember.chat_id == Chat.id)
        .where(Chat.event_id.is_not(None), ChatMember.left_at.is_(None), ~registered, ~hosting)
    )


def _member_never_told() -> Select[UUID, str]:
    told = exists().where(
        Notification.user_id == ChatMember.user_id,
        Notification.subject_id == ChatMember.chat_id,
        Notification.type == NotificationType.NEW_MESSAGE,
        is_unread(),
    )
    is_off = exists().where(
        NotificationPreference.user_id == ChatMember.user_id,
        NotificationPreference.type == NotificationType.NEW_MESSAGE,
        NotificationPreference.channel == Channel.IN_APP,
        NotificationPreference.is_enabled.is_(False),
    )
    return select(ChatMember.chat_id, func.concat("is not to tell ", ChatMember.user_id)).where(
        ChatMember.is_told, ChatMember.left_at.is_(None), ~told, ~is_off
    )


declare(
    {
        "member who counts as told has a notice": _member_never_told(),
        "participant is in the chat": _chat_without_participant(),
        "only participants are in the chat": _chat_with_stranger(),
        "chat stream is whole": stream(Chat, Chat.id, Chat.last_sequence, Message, Message.chat_id, starts_at_one=True),
    }
)
