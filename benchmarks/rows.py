"""The rows of the benchmarks' dataset: the same ones each time, made by arithmetic and not by chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson

Row = tuple[Any, ...]

WRITTEN = datetime(2025, 6, 1, 9, tzinfo=UTC)
"""All rows of the dataset are older than this; what a benchmark writes is younger."""
PAST = datetime(2023, 1, 2, 16, tzinfo=UTC)
FUTURE = datetime(2041, 1, 2, 16, tzinfo=UTC)
"""Far enough that the clock changes nothing: half of the events are over, half are still to come."""

NAMES = (
    "User Event Service Registration Review Chat Message Notification Session Club Venue EventCategory Interest "
    "ServiceType ClubMembership"
)
KINDS = {name: number for number, name in enumerate(NAMES.split())}
SCATTER = 0x9E37_79B9_7F4A_7C15

CATEGORIES = ("Lectures", "Walks", "Dances", "Board games", "Concerts", "Sports", "Crafts", "Cinema")
INTERESTS = tuple(f"{what} {how}" for what in ("Music", "Chess", "Hiking", "History", "Cooking", "Drawing")
                  for how in ("for beginners", "outdoors", "in company", "with children", "at night"))  # fmt: skip
WORDS = ("Evening", "Morning", "Spring", "Winter", "Great", "Quiet", "Open", "First", "Неделя", "Прогулка", "Вечер")
TOPICS = ("dances", "lecture", "chess", "hiking", "concert", "tasting", "поэзии", "музыки", "кино", "рисования")
AUDIENCES = ("EVERYONE", "EVERYONE", "EVERYONE", "EVERYONE", "EVERYONE", "EVERYONE", "MEMBERS", "NOBODY")

HOT_MEMBERS = 1_000
BIG_PLACES = 80
SPREAD_EVENTS = 500


def identifier(kind: str, number: int) -> UUID:
    """Return a UUID of version 7, ordered like the rows; the low bits are scattered, as random ones would be."""
    milliseconds = 1_700_000_000_000 + number
    low = (number + 1) * SCATTER * (KINDS[kind] * 2 + 1) & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=milliseconds << 80 | 0x7 << 76 | KINDS[kind] << 64 | 0x2 << 62 | low)


@dataclass(frozen=True)
class World:
    """How many rows there are, and which of them have a part to play. `scale` is 1 for the full dataset."""

    scale: float = 1.0

    def many(self, number: int) -> int:
        return int(number * self.scale)

    @cached_property
    def users(self) -> int:
        return self.many(20_000)

    @cached_property
    def events(self) -> int:
        return self.many(20_000)

    @cached_property
    def clubs(self) -> int:
        return self.many(500)

    @cached_property
    def venues(self) -> int:
        return self.many(300)

    @cached_property
    def hot_chat(self) -> int:
        """The event whose chat has a thousand members and a tenth of all messages."""
        return self.events - 1

    @cached_property
    def hot_event(self) -> int:
        """The event that all register for at once. Nobody is registered before."""
        return self.events - 2

    @cached_property
    def spread(self) -> range:
        """Events without services and without people, to register for here and there."""
        return range(self.events - 2 - SPREAD_EVENTS, self.events - 2)

    @cached_property
    def plain(self) -> range:
        """All other events, the past half before the future one."""
        return range(self.spread.start)

    @cached_property
    def big(self) -> range:
        """Every twentieth of them has many participants."""
        return range(0, len(self.plain), 20)

    @cached_property
    def busy(self) -> list[int]:
        """Half of the big ones have a chat in which much is said."""
        return list(self.big)[::2]

    def starts_at(self, event: int) -> datetime:
        half = self.events // 2
        step = timedelta(minutes=30 / self.scale)
        if event < half:
            return PAST + step * event
        return FUTURE + step * (event - half)

    def is_over(self, event: int) -> bool:
        return event < self.events // 2

    def hosts(self, event: int) -> list[int]:
        first = event * 7 % self.users
        return [first, (first + 1) % self.users] if event % 3 == 0 else [first]

    def people(self, event: int) -> list[int]:
        """Who is registered: never a host."""
        if event == self.hot_chat:
            number = HOT_MEMBERS
        elif event in self.big:
            number = BIG_PLACES
        elif event in self.plain:
            number = 6 + (event % 2)
        else:
            return []
        hosts = self.hosts(event)
        if event == self.hot_chat:
            candidates = [user for user in range(number + len(hosts)) if user not in hosts]
        else:
            step = 1 + 2 * (event % 89)
            candidates = [(event * 13 + step * turn) % self.users for turn in range(number * 2)]
        return list(dict.fromkeys(user for user in candidates if user not in hosts))[:number]

    def members(self, event: int) -> list[int]:
        """Who is in the event's chat, hosts first."""
        return self.hosts(event) + self.people(event)

    def said(self, event: int) -> int:
        """How many messages the event's chat has."""
        if event == self.hot_chat:
            return self.many(20_000)
        if event in self.busy_set:
            return 200
        return 4 + (event % 4 == 0) if event in self.plain else 0

    @cached_property
    def busy_set(self) -> frozenset[int]:
        return frozenset(self.busy)

    def services(self, event: int) -> int:
        return 4 + (event % 12 == 1) if event in self.plain and event % 4 else 0

    @cached_property
    def inbox_readers(self) -> range:
        """Users with thirty notifications more than the others."""
        return range(self.many(1_000))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def users(world: World) -> Iterator[Row]:
    for number in range(world.users):
        privacy = {"registrations": AUDIENCES[number % len(AUDIENCES)]}
        bio = f"Likes {INTERESTS[number % 30].lower()} and good company." if number % 2 else None
        yield (
            identifier("User", number), f"person{number}", f"person{number}@example.org", WRITTEN, "USER", True, False,
            "en", "Europe/Moscow", f"Person {number}", bio, "Москва", _json(privacy), WRITTEN, WRITTEN,
        )  # fmt: skip


def clubs(world: World) -> Iterator[Row]:
    for number in range(world.clubs):
        visibility = "PRIVATE" if number % 25 == 24 else "PUBLIC"
        yield (
            identifier("Club", number), f"Club {number}", f"Friends of {TOPICS[number % 10]}.", "CLUB", visibility,
            "OPEN", 1, WRITTEN, WRITTEN,
        )  # fmt: skip


def memberships(world: World) -> Iterator[Row]:
    number = 0
    for club in range(world.clubs):
        for place in range(20):
            role = "MEMBER" if place else "OWNER"
            user = (club * 37 + place * 11) % world.users
            yield (
                identifier("ClubMembership", number), identifier("Club", club), identifier("User", user), role,
                "ACTIVE", WRITTEN, WRITTEN, WRITTEN,
            )  # fmt: skip
            number += 1


def venues(world: World) -> Iterator[Row]:
    for number in range(world.venues):
        yield (
            identifier("Venue", number), f"Hall {number}", f"Gilyarovsky street, {number}",
            "Europe/Moscow", 55.7 + number / 10_000, 37.6 + number / 10_000, WRITTEN, WRITTEN,
        )  # fmt: skip


def events(world: World) -> Iterator[Row]:
    return (_event(world, number) for number in range(world.events))


def _event(world: World, number: int) -> Row:
    starts_at = world.starts_at(number)
    ends_at = starts_at + timedelta(hours=3)
    over = world.is_over(number)
    club = identifier("Club", number % world.clubs) if number % 5 < 2 else None
    title = f"{WORDS[number % 11]} {TOPICS[number % 10]} № {number}"
    capacity = None if number in (world.hot_chat, world.hot_event) else 5_000 if number in world.spread else 120
    hidden = number in world.spread or number in (world.hot_chat, world.hot_event)
    return (
        identifier("Event", number), title, f"Come and see: {TOPICS[number % 7]}, {WORDS[number % 5].lower()}. " * 3,
        "ARCHIVED" if over else "PUBLISHED", "UNLISTED" if number % 50 == 49 and not hidden else "PUBLIC",
        identifier("EventCategory", number % len(CATEGORIES)), club, identifier("Venue", number % world.venues),
        "Europe/Moscow", starts_at, ends_at, capacity, len(world.people(number)),
        Decimal(number % 4 * 250), "RUB", 0, 1, identifier("User", world.hosts(number)[0]), WRITTEN, WRITTEN, WRITTEN,
        ends_at if over else None, ends_at + timedelta(days=1) if over else None,
    )  # fmt: skip


def event_interests(world: World) -> Iterator[Row]:
    for event in range(world.events):
        for turn in range(3):
            yield identifier("Event", event), identifier("Interest", (event + turn * 7) % len(INTERESTS))


def event_hosts(world: World) -> Iterator[Row]:
    for event in range(world.events):
        for user, role in zip(world.hosts(event), ("ORGANIZER", "CO_ORGANIZER"), strict=False):
            yield identifier("Event", event), identifier("User", user), role, WRITTEN


def services(world: World) -> Iterator[Row]:
    number = 0
    for event in range(world.events):
        for turn in range(world.services(event)):
            starts_at = world.starts_at(event) + timedelta(minutes=30 * turn)
            yield (
                identifier("Service", number), identifier("Event", event), identifier("ServiceType", number % 10),
                starts_at, starts_at + timedelta(minutes=30), 20, 0, 1, WRITTEN, WRITTEN,
            )  # fmt: skip
            number += 1


def registrations(world: World) -> Iterator[Row]:
    number = 0
    for event in range(world.events):
        attendance = "ATTENDED" if world.is_over(event) else "EXPECTED"
        for user in world.people(event):
            who, at = identifier("User", user), WRITTEN - timedelta(seconds=300_000 - number)
            yield (
                identifier("Registration", number), identifier("Event", event), who, "CONFIRMED", attendance, who, at,
                at,
            )  # fmt: skip
            number += 1


def reviews(world: World) -> Iterator[Row]:
    """Three for each event, also for those to come, so that the feed has something to add up."""
    number = 0
    for event in world.plain:
        for user in world.people(event)[: 3 + (event % 13 == 0)]:
            at = WRITTEN - timedelta(seconds=100_000 - number)
            text = f"It was {WORDS[number % 8].lower()}."
            yield (
                identifier("Review", number), identifier("Event", event), identifier("User", user), 1 + number % 5,
                text, "PUBLISHED", at, at,
            )  # fmt: skip
            number += 1


def chats(world: World) -> Iterator[Row]:
    for event in range(world.events):
        yield identifier("Chat", event), "EVENT", identifier("Event", event), world.said(event), WRITTEN, WRITTEN


def chat_members(world: World) -> Iterator[Row]:
    for event in range(world.events):
        for user in world.members(event):
            yield identifier("Chat", event), identifier("User", user), WRITTEN, 0, 0


def messages(world: World) -> Iterator[Row]:
    number = 0
    for event in range(world.events):
        members = world.members(event)
        for sequence in range(1, world.said(event) + 1):
            author = identifier("User", members[sequence % len(members)])
            body = f"{WORDS[number % 11]}! I will bring {TOPICS[number % 10]}, see you at {sequence % 12 + 8} o'clock."
            at = WRITTEN - timedelta(seconds=20_001 - sequence)
            yield (
                identifier("Message", number), identifier("Chat", event), sequence, author, body, f"m{number}", at,
            )  # fmt: skip
            number += 1


def notifications(world: World) -> Iterator[Row]:
    """Everyone in a busy chat has been told of it already, as they are once; some people have an inbox to read."""
    told: dict[int, int] = {}
    number = 0
    for event in [*world.busy, world.hot_chat]:
        for user in world.members(event):
            told[user] = told.get(user, 0) + 1
            yield _notification(number, user, told[user], "NEW_MESSAGE", "Chat", identifier("Chat", event), user + 1)
            number += 1
    for user in world.inbox_readers:
        for turn in range(30):
            told[user] = told.get(user, 0) + 1
            joined = identifier("Event", (user * 3 + turn) % len(world.plain))
            yield _notification(number, user, told[user], "PARTICIPANT_JOINED", "Event", joined, user + turn + 1)
            number += 1


def _notification(number: int, user: int, sequence: int, type: str, subject: str, subject_id: UUID, actor: int) -> Row:
    params = {"name": f"{WORDS[number % 11]} {TOPICS[number % 10]}", "person": f"Person {actor}"}
    if subject == "Event":
        params |= {"starts_at": FUTURE.isoformat(), "time_zone": "Europe/Moscow"}
    at = WRITTEN - timedelta(seconds=100_000 - sequence)
    return (
        identifier("Notification", number), identifier("User", user), sequence, type, subject, subject_id,
        identifier("User", actor), _json(params), at,
    )  # fmt: skip


def sessions(world: World) -> Iterator[Row]:
    for user in range(world.users):
        yield (
            identifier("Session", user), identifier("User", user), WRITTEN, WRITTEN, datetime(2050, 1, 1, tzinfo=UTC),
        )  # fmt: skip


def categories(_world: World) -> Iterator[Row]:
    for number, name in enumerate(CATEGORIES):
        yield identifier("EventCategory", number), f"category-{number}", f"{name} (ru)", name


def interests(_world: World) -> Iterator[Row]:
    for number, name in enumerate(INTERESTS):
        yield identifier("Interest", number), f"interest-{number:02}", f"{name} (ru)", name


def service_types(_world: World) -> Iterator[Row]:
    for number in range(10):
        yield identifier("ServiceType", number), f"service-{number}", f"Услуга {number}", f"Service {number}", 20
