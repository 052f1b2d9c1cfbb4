"""Demo data: each module adds the rows of an area, and has the words in them.

A module adds rows of its own by `fill(world)`, or something to each row of another module, by a function that the other
calls, such as the reviews of an event.
"""

from __future__ import annotations

from datetime import date

from commands.demo import bans, catalogues, clubs, events, moderation, notifications, people
from commands.demo.world import DemoSize, DemoWorld

AREAS = (catalogues, people, clubs, events, notifications, bans, moderation)
"""Each needs only what those before it have added."""


def demo_world(*, today: date, scale: int = 1, password_hash: str, size: DemoSize = DemoSize()) -> DemoWorld:
    """Make the rows of the demo data."""
    world = DemoWorld(today, scale, password_hash, size)
    for area in AREAS:
        area.fill(world)
    return world
