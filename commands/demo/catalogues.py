"""Catalogues of the demo data: categories, interests, types of services."""

from __future__ import annotations

from commands.catalogues import CATEGORIES, INTERESTS, SERVICE_TYPES
from commands.demo.world import DemoWorld, Row


def fill(world: DemoWorld) -> None:
    """Add all catalogues."""
    world.categories = world.catalogue("event_categories", CATEGORIES)
    world.interests = world.catalogue("interests", INTERESTS)
    world.service_types = [_service_type(world, *entry) for entry in SERVICE_TYPES]


def _service_type(world: DemoWorld, slug: str, name_ru: str, name_en: str, capacity: int, window: int) -> Row:
    return world.add(
        "service_types",
        id=world.id(),
        slug=slug,
        name_ru=name_ru,
        name_en=name_en,
        description_ru=f"{name_ru}: по записи, бесплатно.",
        description_en=f"{name_en}: by appointment, free.",
        default_capacity=capacity,
        default_window_days=window,
    )
