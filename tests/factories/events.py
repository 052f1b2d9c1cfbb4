"""Events, their services, hosts and catalogues."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import models
from tests.factories.core import ZONE, columns, from_now, in_days, new_id, now, numbers


def make_category(**values: Any) -> models.EventCategory:
    number = next(numbers)
    defaults = {"id": new_id(), "slug": f"category-{number}", "name_ru": f"Вид {number}", "name_en": f"Kind {number}"}
    return models.EventCategory(**defaults | columns(values))


def make_venue(**values: Any) -> models.Venue:
    name = values.get("name", f"Venue {next(numbers)}")
    defaults = {"id": new_id(), "name": name, "time_zone": ZONE}
    return models.Venue(**defaults | columns(values))


def make_event(author: models.User, category: models.EventCategory, venue: models.Venue, **values: Any) -> models.Event:
    """A published public event in a week, two hours long, for a hundred people."""
    starts_at = from_now(values.pop("starts_at", in_days(7)))
    defaults = {
        "id": new_id(),
        "title": f"Event {next(numbers)}",
        "status": models.EventStatus.PUBLISHED,
        "visibility": models.EventVisibility.PUBLIC,
        "category_id": category.id,
        "venue_id": venue.id,
        "created_by_id": author.id,
        "time_zone": venue.time_zone,
        "capacity": 100,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=2),
        "published_at": now(),
    }
    return models.Event(**defaults | columns(values))


def make_host(
    event: models.Event, user: models.User, role: models.EventRole = models.EventRole.ORGANIZER
) -> models.EventHost:
    return models.EventHost(event_id=event.id, user_id=user.id, role=role)


def make_service_type(**values: Any) -> models.ServiceType:
    number = next(numbers)
    defaults = {
        "id": new_id(),
        "slug": f"service-{number}",
        "name_ru": f"Услуга {number}",
        "name_en": f"Service {number}",
        "default_capacity": 10,
        "default_window_days": None,
    }
    return models.ServiceType(**defaults | columns(values))


def make_service(event: models.Event, service_type: models.ServiceType, **values: Any) -> models.Service:
    defaults = {
        "id": new_id(),
        "event_id": event.id,
        "service_type_id": service_type.id,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "capacity": 10,
    }
    return models.Service(**defaults | columns(values))
