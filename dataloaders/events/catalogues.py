from __future__ import annotations

from sqlalchemy import Select, select

from auth.viewer import Viewer
from dataloaders.core.declarations import one
from models import EventCategory, ServiceType


def categories(_viewer: Viewer) -> Select[EventCategory]:
    return select(EventCategory)


def service_types(_viewer: Viewer) -> Select[ServiceType]:
    return select(ServiceType)


category_by_id = one(EventCategory, key=EventCategory.id, select=categories)
service_type_by_id = one(ServiceType, key=ServiceType.id, select=service_types)
