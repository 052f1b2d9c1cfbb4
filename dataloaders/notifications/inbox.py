from __future__ import annotations

from typing import Any

from sqlalchemy import func

from auth.viewer import Viewer
from auth.visibility.notifications import is_unread_by, notifications_of
from dataloaders.core.declarations import value
from models import Notification


def unread_counts(viewer: Viewer) -> Any:
    return (
        notifications_of(viewer)
        .where(is_unread_by(viewer))
        .with_only_columns(Notification.user_id, func.count())
        .group_by(Notification.user_id)
    )


unread_count_by_user_id = value(key=Notification.user_id, select=unread_counts, default=0)
