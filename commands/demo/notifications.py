"""Notifications of the demo data."""

from __future__ import annotations

from datetime import timedelta
from json import dumps

from commands.demo.people import ACCOUNTS
from commands.demo.world import DemoWorld, Row


def fill(world: DemoWorld) -> None:
    """Something to read for the demo accounts."""
    events = world.tables["events"][:5]
    venues = {venue["id"]: venue["name"] for venue in world.tables["venues"]}
    for user in world.users[: len(ACCOUNTS)]:
        world.add("inboxes", user_id=user["id"], last_sequence=len(events))
        for sequence, event in enumerate(events, 1):
            world.add(
                "notifications",
                id=world.id(),
                user_id=user["id"],
                sequence=sequence,
                type="EVENT_CHANGED",
                subject_type="Event",
                subject_id=event["id"],
                params=_moved(event, venues[event["venue_id"]]),
                created_at=world.now - timedelta(hours=len(events) - sequence),
            )


def _moved(event: Row, venue: str) -> str:
    """Parameters of the notice that an event has another place."""
    change = {"field": "venue", "before": "Летняя веранда", "after": venue}
    return dumps({"name": event["title"], "changes": [change]}, ensure_ascii=False)
