"""A person's own notifications."""

from __future__ import annotations

from sqlalchemy import (
    Select,
    select,
)

from auth.viewer import Viewer
from models import (
    Notification,
)


def notifications_of(viewer: Viewer) -> Select[Notification]:
    return select(Notification).where(Notification.user_id == viewer.id)
