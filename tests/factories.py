"""Rows with defaults. A row given for a relation becomes its key: `make_event(venue=venue)`.

A `timedelta` given for a moment is counted from now: `make_event(starts_at=timedelta(days=-3))`. That is how
parameters of a test state times; `now()` among them would be the time when the tests were collected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

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


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    """`club=row` means `club_id=row.id`."""
    return {
        (f"{name}_id" if isinstance(value, models.Base) else name): (
            value.id if isinstance(value, models.Base) else from_now(value)  # type: ignore[attr-defined]  # every model has an id
        )
        for name, value in values.items()
    }


def make_user(**values: Any) -> models.User:
    number = next(numbers)
    defaults = {
        "id": uuid7(),
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
    return models.User(**defaults | _columns(values))


def make_interest(**values: Any) -> models.Interest:
    number = next(numbers)
    defaults = {
        "id": uuid7(),
        "slug": f"interest-{number}",
        "name_ru": f"Интерес {number}",
        "name_en": f"Interest {number}",
    }
    return models.Interest(**defaults | _columns(values))


def make_category(**values: Any) -> models.EventCategory:
    number = next(numbers)
    defaults = {"id": uuid7(), "slug": f"category-{number}", "name_ru": f"Вид {number}", "name_en": f"Kind {number}"}
    return models.EventCategory(**defaults | _columns(values))


def make_venue(**values: Any) -> models.Venue:
    name = values.get("name", f"Venue {next(numbers)}")
    defaults = {"id": uuid7(), "name": name, "time_zone": ZONE}
    return models.Venue(**defaults | _columns(values))


def make_club(**values: Any) -> models.Club:
    defaults = {
        "id": uuid7(),
        "name": f"Club {next(numbers)}",
        "kind": models.ClubKind.CLUB,
        "visibility": models.ClubVisibility.PUBLIC,
        "join_policy": models.JoinPolicy.OPEN,
        "version": 1,
    }
    return models.Club(**defaults | _columns(values))


def make_membership(club: models.Club, user: models.User, **values: Any) -> models.ClubMembership:
    defaults = {
        "id": uuid7(),
        "club_id": club.id,
        "user_id": user.id,
        "role": models.ClubRole.MEMBER,
        "state": models.MembershipState.ACTIVE,
        "joined_at": now(),
    }
    return models.ClubMembership(**defaults | _columns(values))


def make_event(author: models.User, category: models.EventCategory, venue: models.Venue, **values: Any) -> models.Event:
    """A published public event in a week, two hours long, for a hundred people."""
    starts_at = from_now(values.pop("starts_at", in_days(7)))
    defaults = {
        "id": uuid7(),
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
    return models.Event(**defaults | _columns(values))


def make_host(
    event: models.Event, user: models.User, role: models.EventRole = models.EventRole.ORGANIZER
) -> models.EventHost:
    return models.EventHost(event_id=event.id, user_id=user.id, role=role)


def make_service_type(**values: Any) -> models.ServiceType:
    number = next(numbers)
    defaults = {
        "id": uuid7(),
        "slug": f"service-{number}",
        "name_ru": f"Услуга {number}",
        "name_en": f"Service {number}",
        "default_capacity": 10,
        "default_window_days": None,
    }
    return models.ServiceType(**defaults | _columns(values))


def make_service(event: models.Event, service_type: models.ServiceType, **values: Any) -> models.Service:
    defaults = {
        "id": uuid7(),
        "event_id": event.id,
        "service_type_id": service_type.id,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "capacity": 10,
    }
    return models.Service(**defaults | _columns(values))


def make_registration(event: models.Event, user: models.User, **values: Any) -> models.Registration:
    defaults = {
        "id": uuid7(),
        "event_id": event.id,
        "user_id": user.id,
        "admission": models.Admission.CONFIRMED,
        "attendance": models.Attendance.EXPECTED,
        "recorded_by_id": user.id,
    }
    return models.Registration(**defaults | _columns(values))


def make_booking(service: models.Service, user: models.User, **values: Any) -> models.Booking:
    defaults = {
        "id": uuid7(),
        "service_id": service.id,
        "event_id": service.event_id,
        "user_id": user.id,
        "admission": models.Admission.CONFIRMED,
        "attendance": models.Attendance.EXPECTED,
        "recorded_by_id": user.id,
    }
    return models.Booking(**defaults | _columns(values))


def make_review(event: models.Event, author: models.User, **values: Any) -> models.Review:
    defaults = {
        "id": uuid7(),
        "event_id": event.id,
        "author_id": author.id,
        "rating": 5,
        "status": models.ReviewStatus.PUBLISHED,
    }
    return models.Review(**defaults | _columns(values))


def make_chat(**values: Any) -> models.Chat:
    defaults = {"id": uuid7(), "kind": models.ChatKind.GROUP, "last_sequence": 0}
    return models.Chat(**defaults | _columns(values))


def make_member(chat: models.Chat, user: models.User, **values: Any) -> models.ChatMember:
    return models.ChatMember(**{"chat_id": chat.id, "user_id": user.id} | _columns(values))


def make_message(chat: models.Chat, author: models.User, sequence: int, **values: Any) -> models.Message:
    """The row alone: `Chat.last_sequence` is the caller's to set."""
    defaults = {
        "id": uuid7(),
        "chat_id": chat.id,
        "sequence": sequence,
        "author_id": author.id,
        "body": f"Message {sequence}",
        "client_message_id": f"message-{sequence}",
    }
    return models.Message(**defaults | _columns(values))


def make_notification(user: models.User, sequence: int, **values: Any) -> models.Notification:
    defaults = {
        "id": uuid7(),
        "user_id": user.id,
        "sequence": sequence,
        "type": models.NotificationType.EVENT_CHANGED,
        "params": {},
    }
    return models.Notification(**defaults | _columns(values))
