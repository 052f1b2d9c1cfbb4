from __future__ import annotations

from sqlalchemy import Select, select

from auth.viewer import Viewer
from auth.visibility import events_visible_to
from dataloaders.base import many, one
from models import Event, EventCategory, EventHost, User


def categories(_viewer: Viewer) -> Select[EventCategory]:
    return select(EventCategory)


def hosts(_viewer: Viewer) -> Select[User]:
    return select(User).join(EventHost, EventHost.user_id == User.id).where(User.is_active)


by_id = one(Event, key=Event.id, select=events_visible_to)
category_by_id = one(EventCategory, key=EventCategory.id, select=categories)
organizers_by_event_id = many(
    User, key=EventHost.event_id, select=hosts, order_by=[EventHost.created_at, EventHost.user_id], limit=20
)
