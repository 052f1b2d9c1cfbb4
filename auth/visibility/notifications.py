"""A person's own notifications."""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Select,
    select,
)

from auth.viewer import Viewer
from models import (
    Inbox,
    Notification,
    is_unread,
)


def notifications_of(viewer: Viewer) -> Select[Notification]:
    return select(Notification).where(Notification.user_id == viewer.id)


def is_unread_by(viewer: Viewer) -> ColumnElement[bool]:
    """Whether a notification of the viewer is unread. How far they have read is looked up once."""
    return is_unread(select(Inbox.read_sequence).where(Inbox.user_id == viewer.id).scalar_subquery())
