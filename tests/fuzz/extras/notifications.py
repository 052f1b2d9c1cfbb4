"""Notifications of every type, about every kind of subject."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import models
from models import Channel, NotificationType
from tests.factories import make_notification, new_id, now
from tests.fuzz.extras.given import Given, Rows


def rows(given: Given) -> Rows:
    """One of each type, about something of each kind, some of it hidden from its reader."""
    subjects: list[tuple[str | None, Any]] = [
        ("Event", given.events["offering"].id),
        ("Service", given.services[0].id),
        ("Club", given.clubs["private"].id),
        ("Chat", new_id()),
        (None, None),
        ("Review", new_id()),
        ("User", given.people["shy"].id),
    ]
    params = {
        "name": {"ru": "Встреча", "en": "Meeting"}, "starts_at": "2126-05-21T18:00:00+03:00", "reason": "Rain",
        "time_zone": "Europe/Moscow", "person": "Boris", "changes": ["startsAt", "venue"], "text": "Привет",
    }  # fmt: skip
    made: Rows = []
    for reader in (given.people["anna"], given.people["boris"]):
        for number, type_ in enumerate(NotificationType):
            kind, key = subjects[number % len(subjects)]
            about = {"subject_type": kind, "subject_id": key, "type": type_, "params": params if number % 3 else {}}
            actor = (given.people["boris"].id, given.people["gone"].id, None)[number % 3]
            read_at = now() - timedelta(hours=1) if number % 4 == 0 else None
            made.append(make_notification(reader, 10 + number, actor_id=actor, read_at=read_at, **about))
        for type_, channel in (
            (NotificationType.NEW_MESSAGE, Channel.IN_APP),
            (NotificationType.EVENT_CHANGED, Channel.EMAIL),
        ):
            made.append(models.NotificationPreference(user_id=reader.id, type=type_, channel=channel, is_enabled=False))
    return made
