from __future__ import annotations

from typing import Any

from sqlalchemy import Select

import dataloaders.chat.chats
import dataloaders.clubs.clubs
import dataloaders.events.events
import dataloaders.events.services
from auth.viewer import Viewer
from auth.visibility.notifications import is_unread_by, notifications_of
from dataloaders.core.declarations import OneOf, one, pages
from dataloaders.core.filter_conditions import among
from dataloaders.core.keyset_pages import Key
from models import Notification


def narrowed(statement: Select[Any], viewer: Viewer, filter: Any) -> Select[Any]:
    narrowed = statement.where(*among(Notification.type, filter.types))
    return narrowed.where(is_unread_by(viewer)) if filter.unread_only else narrowed


def in_parts(viewer: Viewer, _user_id: Any, filter: Any) -> list[Select[Notification]]:
    """Return one's notifications, each wanted type by itself: an index has those in the list's order."""
    own = notifications_of(viewer)
    own = own.where(is_unread_by(viewer)) if filter.unread_only else own
    return (
        [own] if filter.types is None else [own.where(Notification.type == one) for one in dict.fromkeys(filter.types)]
    )


by_id = one(Notification, key=Notification.id, select=notifications_of)
by_user_id = pages(
    Notification,
    key=Notification.user_id,
    select=notifications_of,
    parts=in_parts,
    order_by=[Key(Notification.sequence, descending=True)],
    filter=narrowed,
    typical=20,
)
subject = OneOf(
    {
        "Event": dataloaders.events.events.by_id,
        "Service": dataloaders.events.services.by_id,
        "Club": dataloaders.clubs.clubs.by_id,
        "Chat": dataloaders.chat.chats.by_id,
    }
)
