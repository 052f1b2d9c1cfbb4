from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func, literal_column, select

from auth.viewer import Viewer
from auth.visibility.notifications import is_unread_by, notifications_of
from dataloaders.core.declarations import value
from models import Inbox, Notification, User

FEW = 1000


def number_unread(viewer: Viewer) -> ColumnElement[int]:
    """In SQL, how many notifications of the viewer are unread.

    Few are counted. Of many, those that were read are taken away from all: numbers of an inbox have no holes.
    """
    unread = notifications_of(viewer).where(is_unread_by(viewer)).with_only_columns(Notification.id)
    some = unread.limit(literal_column(str(FEW + 1))).subquery("some_unread")
    counted = select(func.count()).select_from(some).scalar_subquery()
    read_sequence = select(Inbox.read_sequence).where(Inbox.user_id == viewer.id).scalar_subquery()
    own = notifications_of(viewer).where(Notification.sequence > func.coalesce(read_sequence, 0))
    newest = own.with_only_columns(func.max(Notification.sequence)).scalar_subquery()
    read = own.where(Notification.marked_at.is_not(None)).with_only_columns(func.count()).scalar_subquery()
    return case((counted <= FEW, counted), else_=newest - func.coalesce(read_sequence, 0) - read)


def unread_counts(viewer: Viewer) -> Any:
    return select(User.id, number_unread(viewer)).where(User.id == viewer.id)


unread_count_by_user_id = value(key=User.id, select=unread_counts, default=0)
