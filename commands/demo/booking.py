"""Registrations and bookings of the demo data."""

from __future__ import annotations

from datetime import timedelta

from commands.demo import reviews
from commands.demo.people import VOLUNTEER
from commands.demo.world import DemoWorld, Row


def take_part(world: DemoWorld, event: Row, guests: list[Row], *, is_past: bool, is_social: bool) -> None:
    """Add the places of the guests: at a social event also at its services."""
    for guest in guests:
        world.add(
            "registrations",
            id=world.id(),
            event_id=event["id"],
            user_id=guest["id"],
            admission="CONFIRMED",
            attendance="ATTENDED" if is_past else "EXPECTED",
            recorded_by_id=guest["id"],
            cancelled_at=None,
            cancel_reason=None,
        )
        reviews.review(world, event, guest, is_past=is_past)
    if is_social:
        _services(world, event, guests, is_past=is_past)


def _services(world: DemoWorld, event: Row, guests: list[Row], *, is_past: bool) -> None:
    """Services of the event, and for each guest a place at one or two of them."""
    services = []
    for position, type_ in enumerate(world.random.sample(world.service_types, 4)):
        starts_at = event["starts_at"] + timedelta(hours=position)
        services.append(
            world.add(
                "services",
                id=world.id(),
                event_id=event["id"],
                service_type_id=type_["id"],
                starts_at=starts_at,
                ends_at=starts_at + timedelta(hours=1),
                capacity=max(type_["default_capacity"], 10),
                window_days=type_["default_window_days"],
                version=1,
            )
        )
    for guest in guests:
        for service in world.random.sample(services, world.random.randint(1, 2)):
            world.add(
                "bookings",
                id=world.id(),
                service_id=service["id"],
                event_id=event["id"],
                user_id=guest["id"],
                admission="CONFIRMED",
                attendance="ATTENDED" if is_past else "EXPECTED",
                recorded_by_id=world.users[VOLUNTEER]["id"],
            )
