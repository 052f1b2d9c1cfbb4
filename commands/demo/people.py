"""People of the demo data."""

from __future__ import annotations

from commands.demo.world import DemoWorld, Row

ACCOUNTS = [
    # handle, name, role, locale
    ("ada", "Ада Верная", "ADMIN", "ru"),
    ("max", "Максим Строгий", "MODERATOR", "ru"),
    ("vera", "Вера Добрая", "VOLUNTEER", "ru"),
    ("anna", "Анна Музыкант", "USER", "ru"),
    ("boris", "Boris Traveller", "USER", "en"),
]

VOLUNTEER = 2
"""The place of the volunteer among the accounts."""
PASSWORD = "wingding-demo"

FIRST_NAMES = ["Алексей", "Мария", "Иван", "Ольга", "Дмитрий", "Елена", "Сергей", "Наталья", "Павел", "Юлия", "Фёдор"]

LAST_NAMES = ["Иваненко", "Смирных", "Попович", "Лебедь", "Козленко", "Новак", "Морозенко", "Волк", "Седых", "Долгих"]

ENGLISH_NAMES = ["Alice Moor", "Ben Archer", "Clara Voss", "Daniel Reed", "Emma Field", "Frank Holt", "Grace Lane"]


def fill(world: DemoWorld) -> None:
    """Add the accounts that are told of, and others without a password."""
    world.users = [_user(world, handle, name, role, locale) for handle, name, role, locale in ACCOUNTS]
    for account in world.users:
        world.add("passwords", user_id=account["id"], hash=world.password_hash, changed_at=world.now)
    for number in range(world.size.people * world.scale):
        if number % 4 == 3:
            name = world.random.choice(ENGLISH_NAMES)
        else:
            name = f"{world.random.choice(FIRST_NAMES)} {world.random.choice(LAST_NAMES)}"
        world.users.append(_user(world, f"demo{number + 1}", name, "USER", "en" if number % 4 == 3 else "ru"))
    for user in world.users:
        for slug in world.random.sample(list(world.interests), 3):
            world.add("user_interests", user_id=user["id"], interest_id=world.interests[slug])


def _user(world: DemoWorld, handle: str, name: str, role: str, locale: str) -> Row:
    return world.add(
        "users",
        id=world.id(),
        handle=handle,
        email=f"{handle}@example.org",
        email_verified_at=world.now,
        role=role,
        is_active=True,
        is_trusted=False,
        locale=locale,
        time_zone="Europe/Moscow",
        display_name=name,
        bio="Люблю хорошие вечера." if locale == "ru" else "Here for good evenings.",
        privacy="{}",
    )
