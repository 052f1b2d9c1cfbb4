from __future__ import annotations

from sqlalchemy import Select, select

from auth.viewer import Viewer
from auth.visibility.events import services_readable_by
from dataloaders.core.declarations import many, one
from models import Service


def services_of_events(_viewer: Viewer) -> Select[Service]:
    """Select the services of events that the viewer has read, so nothing more is checked. Deleted ones are left out."""
    return select(Service).where(Service.deleted_at.is_(None))


by_id = one(Service, key=Service.id, select=services_readable_by)
by_event_id = many(
    Service,
    key=Service.event_id,
    select=services_of_events,
    order_by=[Service.starts_at, Service.id],
    limit=100,
    typical=4,
)
