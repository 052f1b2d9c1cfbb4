"""Events of the demo data, and their venues."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from commands import catalogues
from commands.demo import booking, chat
from commands.demo.people import VOLUNTEER
from commands.demo.world import DemoWorld, Row

DAYS = 60
"""So many days before and after today."""

VENUES = [
    # name, address, zone, latitude, longitude
    *catalogues.VENUES,
    ("Дом с роялем", "Москва, Покровка", "Europe/Moscow", 55.7603, 37.6511),
    ("Бар «Подвал»", "Санкт-Петербург, улица Рубинштейна", "Europe/Moscow", 59.9291, 30.3446),
    ("Кинозал «Искра»", "Новосибирск, Красный проспект", "Asia/Novosibirsk", 55.0302, 82.9204),
    ("Малая сцена", "Казань, улица Баумана", "Europe/Moscow", 55.7903, 49.1146),
    ("Гончарная мастерская", "Тверь, набережная", "Europe/Moscow", 56.8587, 35.9176),
    ("The Yard", "London, Hackney", "Europe/London", 51.5450, -0.0553),
    ("Kulturhof", "Berlin, Kreuzberg", "Europe/Berlin", 52.4986, 13.4034),
]

SOCIAL_VENUES = 3
"""So many of the venues, from the first, offer services."""

TITLES: dict[str, list[tuple[str, str]]] = {
    # category: titles with their descriptions
    "home-concert": [
        ("Квартирник: джаз у рояля", "Трио играет стандарты, чай и пироги наши."),
        ("Акустический вечер на Покровке", "Гитара, скрипка и тёплый свет. Приносите пледы."),
        ("Living room jazz", "A small set by a small band for a small audience."),
        ("Песни под гитару", "Поём вместе: рок, барды и всё, что вспомним."),
    ],
    "theatre": [
        ("Идём на «Чайку»", "Встречаемся за полчаса до начала, после обсуждаем."),
        ("Читка новой пьесы", "Актёры читают, зрители спорят."),
        ("Improv night", "No script, no mercy, a lot of laughter."),
    ],
    "bar": [
        ("Бар-хоппинг по Рубинштейна", "Четыре бара за вечер, без спешки."),
        ("Вечер языкового обмена", "Русский и English за одним столом."),
        ("Pub quiz", "Six rounds, teams of five, one winner."),
    ],
    "cinema": [
        ("Кино на плёнке: Тарковский", "Показ с проектора и разговор после."),
        ("Ночь короткого метра", "Двенадцать фильмов молодых режиссёров."),
        ("Documentary Sunday", "One film, one guest, one hour of questions."),
    ],
    "master-class": [
        ("Мастер-класс по керамике", "Лепим чашку, обжиг включён."),
        ("Пельмени с нуля", "Тесто, начинка, лепка и общий стол."),
        ("Portrait photography workshop", "Bring a camera, leave with a portrait."),
        ("Введение в каллиграфию", "Перо, тушь и немного терпения."),
    ],
    "help": [
        ("День помощи", "Стирка, душ, врач, одежда и горячий обед."),
        ("Открытый день центра", "Приходите по записи, волонтёры помогут."),
    ],
}


def fill(world: DemoWorld) -> None:
    """Add venues and events."""
    venues = [_venue(world, position, *entry) for position, entry in enumerate(VENUES)]
    slugs = list(world.categories)
    for number in range(world.size.events * world.scale):
        category = slugs[number % len(slugs)]
        _event(world, number, category, world.categories[category], venues)


def _venue(
    world: DemoWorld, position: int, name: str, address: str, zone: str, latitude: float, longitude: float
) -> Row:
    return world.add(
        "venues",
        id=world.id(),
        name=name,
        address=address,
        time_zone=zone,
        latitude=latitude,
        longitude=longitude,
        created_by_id=world.users[0]["id"],
        last_used_at=world.now - timedelta(days=position),
    )


def _event(world: DemoWorld, number: int, category: str, category_id: UUID, venues: list[Row]) -> None:
    is_social = category == "help"
    title, description = world.random.choice(TITLES[category])
    venue = world.random.choice(venues[:SOCIAL_VENUES] if is_social else venues)
    club, members = world.clubs[number % len(world.clubs)] if number % 3 == 0 and not is_social else (None, [])
    host = world.users[VOLUNTEER] if is_social else (members[0] if members else world.random.choice(world.users[3:]))
    day = world.now.date() + timedelta(days=world.random.randint(-DAYS, DAYS))
    local = datetime.combine(day, time(10 if is_social else world.random.randint(12, 20)), ZoneInfo(venue["time_zone"]))
    starts_at = local.astimezone(UTC)
    ends_at = starts_at + timedelta(hours=8 if is_social else 3)
    is_past = ends_at < world.now
    event = world.add(
        "events",
        id=world.id(),
        title=title,
        description=description,
        status="CANCELLED" if number % 41 == 40 else "PUBLISHED",
        visibility="CLUB" if club is not None and number % 9 == 0 else "PUBLIC",
        category_id=category_id,
        club_id=club["id"] if club is not None else None,
        venue_id=venue["id"],
        time_zone=venue["time_zone"],
        starts_at=starts_at,
        ends_at=ends_at,
        capacity=world.random.choice([60, 80]) if is_social else world.random.choice([None, 8, 12, 20, 40]),
        price_amount=Decimal(0 if is_social or number % 2 else world.random.choice([300, 500, 1500])),
        price_currency="RUB",
        version=1,
        created_by_id=host["id"],
        published_at=min(starts_at - timedelta(days=30), world.now),
    )
    world.add("event_hosts", event_id=event["id"], user_id=host["id"], role="ORGANIZER")
    for slug in world.random.sample(list(world.interests), 2):
        world.add("event_interests", event_id=event["id"], interest_id=world.interests[slug])
    guests = world.random.sample(members or world.users, world.random.randint(0, 10))
    guests = [] if event["status"] == "CANCELLED" else guests[: event["capacity"] or len(guests)]
    booking.take_part(world, event, guests, is_past=is_past, is_social=is_social)
    people = [host, *(guest for guest in guests if guest is not host)]
    chat.open_chat(world, "EVENT", people, world.random.randint(0, 4), event_id=event["id"])
