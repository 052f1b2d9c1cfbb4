"""What all factories share: the clock that stands within a test, and relations given as rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import models
from models import uuid7

numbers = count(1)
ZONE = "Europe/Moscow"


started: datetime | None = None
"""When the test began, while one runs."""


def now() -> datetime:
    """Now, in whole seconds. It stands within a test: `in_days(3)` is the same moment each time."""
    return started or datetime.now(UTC).replace(microsecond=0)


@contextmanager
def standing_now() -> Iterator[None]:
    global started
    started = now()
    try:
        yield
    finally:
        started = None


def in_days(days: float) -> datetime:
    return now() + timedelta(days=days)


def zone_where_it_is(hour: int) -> str:
    """A zone whose clocks now show this hour, whatever the day: for what depends on midnight there."""
    ahead = (hour - now().hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}"


def from_now(value: Any) -> Any:
    """The moment that a `timedelta` means; anything else as it is."""
    return now() + value if isinstance(value, timedelta) else value


def new_id() -> UUID:
    return uuid7()  # found here at each call, where tests may replace it


def columns(values: dict[str, Any]) -> dict[str, Any]:
    """`club=row` means `club_id=row.id`."""
    return {
        (f"{name}_id" if isinstance(value, models.Base) else name): (
            value.id if isinstance(value, models.Base) else from_now(value)  # type: ignore[attr-defined]  # every model has an id
        )
        for name, value in values.items()
    }
