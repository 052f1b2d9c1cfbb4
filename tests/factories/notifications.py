"""Notifications."""

from __future__ import annotations

from typing import Any

import models
from tests.factories.core import columns, new_id


def make_notification(user: models.User, sequence: int, **values: Any) -> models.Notification:
    defaults = {
        "id": new_id(),
        "user_id": user.id,
        "sequence": sequence,
        "type": models.NotificationType.EVENT_CHANGED,
        "params": {},
    }
    if "read_at" in values:
        values["marked_at"] = values.pop("read_at")
    return models.Notification(**defaults | columns(values))
