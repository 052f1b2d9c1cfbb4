"""Catalogues of the demo data: categories, interests, types of services."""

from __future__ import annotations

from commands.demo.world import DemoWorld, Row

CATEGORIES = [
    ("home-concert", "Квартирник", "Home concert"),
    ("theatre", "Театр", "Theatre"),
    ("bar", "Бар", "Bar"),
    ("cinema", "Кино", "Cinema"),
    ("master-class", "Мастер-класс", "Master class"),
    ("help", "Помощь", "Help"),
]

INTERESTS = [
    ("jazz", "Джаз", "Jazz"),
    ("rock", "Рок", "Rock"),
    ("classical", "Классическая музыка", "Classical music"),
    ("theatre", "Театр", "Theatre"),
    ("cinema", "Кино", "Cinema"),
    ("documentaries", "Документальное кино", "Documentaries"),
    ("board-games", "Настольные игры", "Board games"),
    ("chess", "Шахматы", "Chess"),
    ("ceramics", "Керамика", "Ceramics"),
    ("painting", "Живопись", "Painting"),
    ("photography", "Фотография", "Photography"),
    ("cooking", "Кулинария", "Cooking"),
    ("wine", "Вино", "Wine"),
    ("coffee", "Кофе", "Coffee"),
    ("hiking", "Походы", "Hiking"),
    ("running", "Бег", "Running"),
    ("cycling", "Велосипед", "Cycling"),
    ("languages", "Языки", "Languages"),
    ("books", "Книги", "Books"),
    ("poetry", "Поэзия", "Poetry"),
    ("science", "Наука", "Science"),
    ("programming", "Программирование", "Programming"),
    ("volunteering", "Волонтёрство", "Volunteering"),
    ("history", "История", "History"),
]

SERVICE_TYPES = [
    # slug, Russian, English, capacity, window in days
    ("laundry", "Стирка", "Laundry", 6, 7),
    ("shower", "Душ", "Shower", 8, 7),
    ("haircut", "Стрижка", "Haircut", 6, 7),
    ("clothes", "Выдача одежды", "Clothes", 20, 7),
    ("medical-advice", "Медицинская консультация", "Medical advice", 15, 14),
    ("legal-advice", "Юридическая консультация", "Legal advice", 8, 14),
    ("psychologist", "Психолог", "Psychologist", 5, 14),
    ("hot-meal", "Горячий обед", "Hot meal", 40, 3),
]


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
