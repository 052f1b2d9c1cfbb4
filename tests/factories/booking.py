"""Places at events and services."""

from __future__ import annotations

from typing import Any

import models
from tests.factories.core import columns, new_id


def make_registration(event: models.Event, user: models.User, **values: Any) -> models.Registration:
    defaults = {
        "id": new_id(),
        "event_id": event.id,
        "user_id": user.id,
        "admission": models.Admission.CONFIRMED,
        "attendance": models.Attendance.EXPECTED,
        "recorded_by_id": user.id,
    }
    return models.Registration(**defaults | columns(values))


def make_booking(service: models.Service, user: models.User, **values: Any) -> models.Booking:
    defaults = {
        "id": new_id(),
        "service_id": service.id,
        "event_id": service.event_id,
        "user_id": user.id,
        "admission": models.Admission.CONFIRMED,
        "attendance": models.Attendance.EXPECTED,
        "recorded_by_id": user.id,
    }
    return models.Booking(**defaults | columns(values))
