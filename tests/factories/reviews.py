"""Reviews."""

from __future__ import annotations

from typing import Any

import models
from tests.factories.core import columns, new_id


def make_review(event: models.Event, author: models.User, **values: Any) -> models.Review:
    defaults = {
        "id": new_id(),
        "event_id": event.id,
        "author_id": author.id,
        "rating": 5,
        "status": models.ReviewStatus.PUBLISHED,
    }
    return models.Review(**defaults | columns(values))
