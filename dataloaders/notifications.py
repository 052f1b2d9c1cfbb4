from __future__ import annotations

from typing import Any

from sqlalchemy import Select, String, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

import dataloaders.chats
import dataloaders.clubs
import dataloaders.events
import dataloaders.services
from auth.viewer import Viewer
from auth.visibility import notifications_of
from dataloaders.base import OneOf, one, pages, value
from dataloaders.filters import among
from dataloaders.pages import Key
from models import Notification, NotificationPreference

UNREAD = Notification.read_at.is_(None)


def unread_counts(viewer: Viewer) -> Any:
    return (
        notifications_of(viewer)
        .where(UNREAD)
        .with_only_columns(Notification.user_id, func.count())
        .group_by(Notification.user_id)
    )


def narrowed(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    narrowed = statement.where(*among(Notification.type, filter.types))
    return narrowed.where(UNREAD) if filter.unread_only else narrowed


def choices(viewer: Viewer) -> Select[Any]:
    """What someone chose, as `resolvers.notification_preferences.Choices`."""
    name = cast(NotificationPreference.type, String) + ":" + cast(NotificationPreference.channel, String)
    chosen = func.jsonb_object_agg(name, NotificationPreference.is_enabled, type_=JSONB)
    return (
        select(NotificationPreference.user_id, chosen)
        .where(NotificationPreference.user_id == viewer.id)
        .group_by(NotificationPreference.user_id)
    )


by_id = one(Notification, key=Notification.id, select=notifications_of)
by_user_id = pages(
    Notification,
    key=Notification.user_id,
    select=notifications_of,
    order_by=[Key(Notification.sequence, descending=True)],
    filter=narrowed,
    typical=20,
)
unread_count_by_user_id = value(key=Notification.user_id, select=unread_counts, default=0)
choices_by_user_id = value(key=NotificationPreference.user_id, select=choices, default={})
subject = OneOf(
    {
        "Event": dataloaders.events.by_id,
        "Service": dataloaders.services.by_id,
        "Club": dataloaders.clubs.by_id,
        "Chat": dataloaders.chats.by_id,
    }
)
