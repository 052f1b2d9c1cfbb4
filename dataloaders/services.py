from __future__ import annotations

from auth.visibility import services_listed_to, services_readable_by
from dataloaders.base import many, one
from models import Service

by_id = one(Service, key=Service.id, select=services_readable_by)
by_event_id = many(
    Service,
    key=Service.event_id,
    select=services_listed_to,
    order_by=[Service.starts_at, Service.id],
    limit=100,
    typical=4,
)
