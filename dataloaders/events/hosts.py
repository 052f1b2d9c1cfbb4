from __future__ import annotations

from sqlalchemy import Select, select

from auth.viewer import Viewer
from dataloaders.core.declarations import many
from models import EventHost, EventRole, User

MOST_HOSTS = 20
IN_ORDER = [EventHost.created_at, EventHost.user_id]


def organizers(_viewer: Viewer) -> Select[User]:
    running = EventHost.role.in_((EventRole.ORGANIZER, EventRole.CO_ORGANIZER))
    return select(User).join(EventHost, EventHost.user_id == User.id).where(User.is_active, running)


def hosts(_viewer: Viewer) -> Select[EventHost]:
    return select(EventHost)


organizers_by_event_id = many(
    User, key=EventHost.event_id, select=organizers, order_by=IN_ORDER, limit=MOST_HOSTS, typical=2
)
hosts_by_event_id = many(
    EventHost, key=EventHost.event_id, select=hosts, order_by=IN_ORDER, limit=MOST_HOSTS, typical=2
)
