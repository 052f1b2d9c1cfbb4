"""People and what they like."""

from __future__ import annotations

from typing import Any

import models
from tests.factories.core import ZONE, columns, new_id, now, numbers


def make_user(**values: Any) -> models.User:
    number = next(numbers)
    defaults = {
        "id": new_id(),
        "handle": f"user{number}",
        "email": f"user{number}@example.org",
        "email_verified_at": now(),
        "display_name": f"User {number}",
        "role": models.Role.USER,
        "is_active": True,
        "is_trusted": False,
        "locale": "en",
        "time_zone": ZONE,
        "privacy": {},
    }
    return models.User(**defaults | columns(values))


def make_interest(**values: Any) -> models.Interest:
    number = next(numbers)
    defaults = {
        "id": new_id(),
        "slug": f"interest-{number}",
        "name_ru": f"Интерес {number}",
        "name_en": f"Interest {number}",
    }
    return models.Interest(**defaults | columns(values))
