"""A deterministic world around one day: the same day and scale give the same rows, ids included.

The dice fall alike on every day, so the world is as large and as varied whenever it is made. Its clock stands at the
beginning of the day (UTC): nothing has happened later than that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from json import dumps
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from commands import demo_texts as texts

Row = dict[str, Any]
EVENTS = 300
PEOPLE = 60
DAYS = 60


class World:
    """Rows by table name, in an order that foreign keys allow."""

    def __init__(self, *, today: date, scale: int, password_hash: str) -> None:
        self.random = Random(f"wingding {scale}")
        self.now = datetime.combine(today, time(), UTC)
        self.scale = scale
        self.tables: dict[str, list[Row]] = defaultdict(list)
        self._catalogues()
        self._people(password_hash)
        self._clubs()
        self._events()
        self._inbox()
        self._put_out()
        self._revision()

    def id(self) -> UUID:
        """Make a version 7 UUID from the world's own randomness."""
        value = int(self.now.timestamp() * 1000) << 80 | self.random.getrandbits(80)
        return UUID(int=(value & ~(0xF << 76) & ~(0x3 << 62)) | 0x7 << 76 | 0x2 << 62)

    def add(self, table: str, **values: Any) -> Row:
        self.tables[table].append(values)
        return values

    def _catalogues(self) -> None:
        def catalogue(table: str, entries: Iterable[tuple[str, str, str]]) -> dict[str, UUID]:
            return {
                slug: self.add(table, id=self.id(), slug=slug, name_ru=name_ru, name_en=name_en)["id"]
                for slug, name_ru, name_en in entries
            }

        self.categories = catalogue("event_categories", texts.CATEGORIES)
        self.interests = catalogue("interests", texts.INTERESTS)
        self.service_types = [
            self.add(
                "service_types",
                id=self.id(),
                slug=slug,
                name_ru=name_ru,
                name_en=name_en,
                description_ru=f"{name_ru}: по записи, бесплатно.",
                description_en=f"{name_en}: by appointment, free.",
                default_capacity=capacity,
                default_window_days=window,
            )
            for slug, name_ru, name_en, capacity, window in texts.SERVICE_TYPES
        ]

    def _people(self, password_hash: str) -> None:
        self.users = [self._user(handle, name, role, locale) for handle, name, role, locale in texts.ACCOUNTS]
        for account in self.users:
            self.add("passwords", user_id=account["id"], hash=password_hash, changed_at=self.now)
        for number in range(PEOPLE * self.scale):
            if number % 4 == 3:
                name = self.random.choice(texts.ENGLISH_NAMES)
            else:
                name = f"{self.random.choice(texts.FIRST_NAMES)} {self.random.choice(texts.LAST_NAMES)}"
            self.users.append(self._user(f"demo{number + 1}", name, "USER", "en" if number % 4 == 3 else "ru"))
        for user in self.users:
            for slug in self.random.sample(list(self.interests), 3):
                self.add("user_interests", user_id=user["id"], interest_id=self.interests[slug])

    def _user(self, handle: str, name: str, role: str, locale: str) -> Row:
        return self.add(
            "users",
            id=self.id(),
            handle=handle,
            email=f"{handle}@example.org",
            email_verified_at=self.now,
            role=role,
            is_active=True,
            is_trusted=False,
            locale=locale,
            time_zone="Europe/Moscow",
            display_name=name,
            bio="Люблю хорошие вечера." if locale == "ru" else "Here for good evenings.",
            privacy="{}",
        )

    def _clubs(self) -> None:
        self.clubs: list[tuple[Row, list[Row]]] = []
        for number in range(len(texts.CLUBS) * self.scale):
            name, description, visibility, policy, kind, interests = texts.CLUBS[number % len(texts.CLUBS)]
            round_ = number // len(texts.CLUBS)
            club = self.add(
                "clubs",
                id=self.id(),
                name=name if round_ == 0 else f"{name} {round_ + 1}",
                description=description,
                kind=kind,
                visibility=visibility,
                join_policy=policy,
                version=1,
            )
            for slug in interests:
                self.add("club_interests", club_id=club["id"], interest_id=self.interests[slug])
            owner = self.users[3 + number % 2] if round_ == 0 else self.random.choice(self.users)
            others = self.random.sample(self.users, 12)
            members = [owner, *(user for user in others if user is not owner)]
            for user in members:
                self.add(
                    "club_memberships",
                    id=self.id(),
                    club_id=club["id"],
                    user_id=user["id"],
                    role="OWNER" if user is owner else "MEMBER",
                    state="ACTIVE",
                    joined_at=self.now - timedelta(days=90),
                    ban_reason=None,
                )
            self.clubs.append((club, members))
            self._chat("CLUB", members, self.random.randint(0, 8), club_id=club["id"])

    def _put_out(self) -> None:
        """Someone who is banned from the first club, and from an event as well."""
        club, members = self.clubs[0]
        user = next(user for user in reversed(self.users) if user not in members)
        self.add(
            "club_memberships",
            id=self.id(),
            club_id=club["id"],
            user_id=user["id"],
            role="MEMBER",
            state="BANNED",
            joined_at=self.now - timedelta(days=60),
            ban_reason=texts.BAN_REASON,
        )
        known = {one["event_id"] for one in self.tables["registrations"] if one["user_id"] == user["id"]}
        self.add(
            "registrations",
            id=self.id(),
            event_id=next(event["id"] for event in self.tables["events"] if event["id"] not in known),
            user_id=user["id"],
            admission="REJECTED",
            attendance="EXPECTED",
            recorded_by_id=user["id"],
            cancelled_at=self.now,
            cancel_reason=texts.BAN_REASON,
        )

    def _revision(self) -> None:
        """Add a change that waits for a moderator."""
        event = next(
            one
            for one in self.tables["events"]
            if one["status"] == "PUBLISHED" and one["starts_at"] > self.now and one["club_id"] is None
        )
        revision = self.add(
            "event_revisions",
            id=self.id(),
            event_id=event["id"],
            title=f"{event['title']}{texts.REVISED}",
            starts_at=event["starts_at"] + timedelta(hours=1),
            ends_at=event["ends_at"] + timedelta(hours=1),
            moves_services=True,
            created_at=self.now,
        )
        self.add(
            "moderation_items",
            id=self.id(),
            event_id=event["id"],
            revision_id=revision["id"],
            state="PENDING",
            submitted_by_id=event["created_by_id"],
            created_at=self.now,
        )

    def _events(self) -> None:
        self.venues = [
            self.add(
                "venues",
                id=self.id(),
                name=name,
                address=address,
                time_zone=zone,
                latitude=latitude,
                longitude=longitude,
                created_by_id=self.users[0]["id"],
                last_used_at=self.now - timedelta(days=position),
            )
            for position, (name, address, zone, latitude, longitude) in enumerate(texts.VENUES)
        ]
        slugs = [slug for slug, _, _ in texts.CATEGORIES]
        for number in range(EVENTS * self.scale):
            self._event(number, slugs[number % len(slugs)])

    def _event(self, number: int, category: str) -> None:
        is_social = category == "help"
        title, description = self.random.choice(texts.TITLES[category])
        venue = self.random.choice(self.venues[: texts.SOCIAL_VENUES] if is_social else self.venues)
        club, members = self.clubs[number % len(self.clubs)] if number % 3 == 0 and not is_social else (None, [])
        host = self.users[2] if is_social else (members[0] if members else self.random.choice(self.users[3:]))
        day = self.now.date() + timedelta(days=self.random.randint(-DAYS, DAYS))
        local = datetime.combine(
            day, time(10 if is_social else self.random.randint(12, 20)), ZoneInfo(venue["time_zone"])
        )
        starts_at = local.astimezone(UTC)
        ends_at = starts_at + timedelta(hours=8 if is_social else 3)
        is_past = ends_at < self.now
        event = self.add(
            "events",
            id=self.id(),
            title=title,
            description=description,
            status="CANCELLED" if number % 41 == 40 else "PUBLISHED",
            visibility="CLUB" if club is not None and number % 9 == 0 else "PUBLIC",
            category_id=self.categories[category],
            club_id=club["id"] if club is not None else None,
            venue_id=venue["id"],
            time_zone=venue["time_zone"],
            starts_at=starts_at,
            ends_at=ends_at,
            capacity=self.random.choice([60, 80]) if is_social else self.random.choice([None, 8, 12, 20, 40]),
            price_amount=Decimal(0 if is_social or number % 2 else self.random.choice([300, 500, 1500])),
            price_currency="RUB",
            version=1,
            created_by_id=host["id"],
            published_at=min(starts_at - timedelta(days=30), self.now),
        )
        self.add("event_hosts", event_id=event["id"], user_id=host["id"], role="ORGANIZER")
        for slug in self.random.sample(list(self.interests), 2):
            self.add("event_interests", event_id=event["id"], interest_id=self.interests[slug])
        guests = self.random.sample(members or self.users, self.random.randint(0, 10))
        guests = [] if event["status"] == "CANCELLED" else guests[: event["capacity"] or len(guests)]
        self._take_part(event, guests, is_past=is_past, is_social=is_social)
        people = [host, *(guest for guest in guests if guest is not host)]
        self._chat("EVENT", people, self.random.randint(0, 4), event_id=event["id"])

    def _take_part(self, event: Row, guests: list[Row], *, is_past: bool, is_social: bool) -> None:
        for guest in guests:
            self.add(
                "registrations",
                id=self.id(),
                event_id=event["id"],
                user_id=guest["id"],
                admission="CONFIRMED",
                attendance="ATTENDED" if is_past else "EXPECTED",
                recorded_by_id=guest["id"],
                cancelled_at=None,
                cancel_reason=None,
            )
            # Drawn for every guest: the day decides only whether the review is there yet.
            has_opinion, (rating, text), review_id = (
                self.random.random() < 0.4,
                self.random.choice(texts.REVIEWS),
                self.id(),
            )
            if is_past and has_opinion:
                self.add(
                    "reviews",
                    id=review_id,
                    event_id=event["id"],
                    author_id=guest["id"],
                    rating=rating,
                    text=text,
                    status="PUBLISHED",
                )
        if is_social:
            self._services(event, guests, is_past=is_past)

    def _services(self, event: Row, guests: list[Row], *, is_past: bool) -> None:
        """Services of the event, and for each guest a place at one or two of them."""
        services = []
        for position, type_ in enumerate(self.random.sample(self.service_types, 4)):
            starts_at = event["starts_at"] + timedelta(hours=position)
            services.append(
                self.add(
                    "services",
                    id=self.id(),
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
            for service in self.random.sample(services, self.random.randint(1, 2)):
                self.add(
                    "bookings",
                    id=self.id(),
                    service_id=service["id"],
                    event_id=event["id"],
                    user_id=guest["id"],
                    admission="CONFIRMED",
                    attendance="ATTENDED" if is_past else "EXPECTED",
                    recorded_by_id=self.users[2]["id"],
                )

    def _chat(self, kind: str, people: list[Row], messages: int, **owner: UUID) -> None:
        chat_id = self.id()
        began = self.now - timedelta(days=20)
        sent = [began + timedelta(hours=self.random.randint(1, 12) + 12 * number) for number in range(messages)]
        chat = {"event_id": None, "club_id": None} | owner
        last = sent[-1] if sent else began
        self.add("chats", id=chat_id, kind=kind, last_sequence=messages, last_message_at=last, **chat)
        for person in people:
            read = self.random.randint(0, messages)
            self.add("chat_members", chat_id=chat_id, user_id=person["id"], joined_at=began, read_sequence=read)
        for sequence, moment in enumerate(sent, 1):
            self.add(
                "messages",
                id=self.id(),
                chat_id=chat_id,
                sequence=sequence,
                author_id=self.random.choice(people)["id"],
                body=self.random.choice(texts.MESSAGES),
                client_message_id=f"demo-{sequence}",
                sent_at=moment,
            )

    def _inbox(self) -> None:
        """Something to read for the demo accounts."""
        events = self.tables["events"][:5]
        venues = {venue["id"]: venue["name"] for venue in self.tables["venues"]}
        for user in self.users[: len(texts.ACCOUNTS)]:
            self.add("inboxes", user_id=user["id"], last_sequence=len(events))
            for sequence, event in enumerate(events, 1):
                self.add(
                    "notifications",
                    id=self.id(),
                    user_id=user["id"],
                    sequence=sequence,
                    type="EVENT_CHANGED",
                    subject_type="Event",
                    subject_id=event["id"],
                    params=_moved(event, venues[event["venue_id"]]),
                    created_at=self.now - timedelta(hours=len(events) - sequence),
                )


def _moved(event: Row, venue: str) -> str:
    """Parameters of the notice that an event has another place."""
    change = {"field": "venue", "before": "Летняя веранда", "after": venue}
    return dumps({"name": event["title"], "changes": [change]}, ensure_ascii=False)
