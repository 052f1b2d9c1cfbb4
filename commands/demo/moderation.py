"""What waits for a moderator in the demo data."""

from __future__ import annotations

from datetime import timedelta

from commands.demo.world import DemoWorld

REVISED = " — на час позже"


def fill(world: DemoWorld) -> None:
    """Add a change that waits for a moderator."""
    event = next(
        one
        for one in world.tables["events"]
        if one["status"] == "PUBLISHED" and one["starts_at"] > world.now and one["club_id"] is None
    )
    revision = world.add(
        "event_revisions",
        id=world.id(),
        event_id=event["id"],
        title=f"{event['title']}{REVISED}",
        starts_at=event["starts_at"] + timedelta(hours=1),
        ends_at=event["ends_at"] + timedelta(hours=1),
        moves_services=True,
        created_at=world.now,
    )
    world.add(
        "moderation_items",
        id=world.id(),
        event_id=event["id"],
        revision_id=revision["id"],
        state="PENDING",
        submitted_by_id=event["created_by_id"],
        created_at=world.now,
    )
