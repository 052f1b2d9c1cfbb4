from __future__ import annotations

from typing import Any

from sqlalchemy import Select, String, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from auth.viewer import Viewer
from dataloaders.core.declarations import value
from models import NotificationPreference


def choices(viewer: Viewer) -> Select[Any]:
    """Select the preferences that someone chose, as `resolvers.notifications.preferences.Choices`."""
    name = cast(NotificationPreference.type, String) + ":" + cast(NotificationPreference.channel, String)
    chosen = func.jsonb_object_agg(name, NotificationPreference.is_enabled, type_=JSONB)
    return (
        select(NotificationPreference.user_id, chosen)
        .where(NotificationPreference.user_id == viewer.id)
        .group_by(NotificationPreference.user_id)
    )


choices_by_user_id = value(key=NotificationPreference.user_id, select=choices, default={})
