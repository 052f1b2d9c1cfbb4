"""Somebody who may not take part everywhere in the demo data."""

from __future__ import annotations

from datetime import timedelta

from commands.demo.world import DemoWorld

REASON = "Реклама в чате клуба."


def fill(world: DemoWorld) -> None:
    """Ban somebody from the first club, and remove them from an event."""
    club, members = world.clubs[0]
    user = next(user for user in reversed(world.users) if user not in members)
    world.add(
        "club_memberships",
        id=world.id(),
        club_id=club["id"],
        user_id=user["id"],
        role="MEMBER",
        state="BANNED",
        joined_at=world.now - timedelta(days=60),
        ban_reason=REASON,
    )
    known = {one["event_id"] for one in world.tables["registrations"] if one["user_id"] == user["id"]}
    world.add(
        "registrations",
        id=world.id(),
        event_id=next(event["id"] for event in world.tables["events"] if event["id"] not in known),
        user_id=user["id"],
        admission="REJECTED",
        attendance="EXPECTED",
        recorded_by_id=user["id"],
        cancelled_at=world.now,
        cancel_reason=REASON,
    )
