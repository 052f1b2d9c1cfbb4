"""The rows of the big dataset (`make bench BIG=1`): large objects beside a hundred thousand ordinary ones.

PostgreSQL makes them itself, by the statements in `big/`, and so the same ones each time. Triggers and foreign keys are
off meanwhile: what triggers would have written is counted beforehand, or written at the end (`3_kept.sql`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import md5
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

FIRST_MILLISECOND = 1_700_000_000_000
SPECIAL_USERS = 100
"""Users below have parts to play; participants, members and hosts are among those above."""
HOST, INBOX, CHATTY, TALKER, ADMIN, MODERATOR, OWNER, NEWCOMER = range(8)
CLUB_CHATS, DIRECT_CHATS = 10_000_000, 20_000_000
"""Chats of clubs and of pairs are numbered from here; the chat of an event has the event's number."""
SERVICES_OF_CROWD = 14
USUAL_INTEREST, RARE_INTEREST = 0, 39
RARE_WORD = "зимородок"
TEXTS = ("в", "вечер", "джаз", "вечер джаза", RARE_WORD, "квазар")
"""Which say little, much, very much, something together, something rare, and what is not there at all."""
FOLDER = Path(__file__).with_name("big")
SLICE = 2_000
"""Events whose words one statement writes."""


def identifier(kind: str, number: int) -> UUID:
    """Make a UUID of version 7, ordered like the rows. `bench.id` makes the same."""
    return UUID(f"{FIRST_MILLISECOND + number:012x}70008{md5(f'{kind}{number}'.encode()).hexdigest()[:15]}")


@dataclass(frozen=True)
class BigWorld:
    """How many rows there are. The defaults are the full size."""

    events: int = 100_200
    """Half of them are over, and all but the last of these are archived."""
    users: int = 100_000
    clubs: int = 2_000
    venues: int = 20_000
    people: int = 10
    """Participants of an ordinary event; every other one has one more."""
    crowd: int = 20_000
    """Participants of the largest event to come, and of the one with the most reviews."""
    bookings: tuple[int, int] = (5_000, 2_000)
    """Of the two largest services, both of the largest event to come."""
    talk_members: int = 1_000
    talk: int = 1_000_000
    """Messages of the longest chat."""
    club_members: int = 50_000
    """Of the largest club, who all read its chat to the end."""
    notifications: int = 200_000
    """Unread ones of one person."""
    direct_chats: int = 8_000
    """Of one person, who has as many chats of events."""
    ongoing: int = 100
    lately_over: int = 300
    """Events that are over and not archived yet."""

    @classmethod
    def scaled(cls, scale: float) -> BigWorld:
        """All numbers times `scale`, but not how many take part in an ordinary event."""

        def times(value: Any) -> Any:
            return tuple(times(item) for item in value) if isinstance(value, tuple) else max(1, round(value * scale))

        defaults = {field.name: field.default for field in fields(cls) if field.name != "people"}
        numbers = {name: times(value) for name, value in defaults.items()}
        return cls(
            **numbers | {"events": numbers["events"] // 2 * 2, "talk_members": min(1_000, numbers["users"] // 2)}
        )

    @property
    def half(self) -> int:
        """The number of the first event that is not over."""
        return self.events // 2

    @property
    def crowd_event(self) -> int:
        return self.events - 1

    @property
    def talk_event(self) -> int:
        return self.events - 2

    @property
    def reviewed_event(self) -> int:
        return self.half - 1

    @property
    def open_event(self) -> int:
        """One to come, without services, with places for all."""
        return next(
            number
            for number in range(self.half + self.half // 2, self.events)
            if number % 6 == 0 and number % 50 == 10 and number % 40 < 30
        )

    @property
    def big_services(self) -> tuple[int, int]:
        return self.crowd_event * 100, self.crowd_event * 100 + 1

    def parameters(self) -> dict[str, Any]:
        return {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "half": self.half,
            "crowd_event": self.crowd_event,
            "talk_event": self.talk_event,
            "reviewed_event": self.reviewed_event,
            "rare": max(11, self.events // 10),
            "booked_first": self.bookings[0],
            "booked_second": sum(self.bookings),
            "usual": self.users - SPECIAL_USERS,
            "club_chats": CLUB_CHATS,
            "direct": DIRECT_CHATS,
            "special": SPECIAL_USERS,
            "host": HOST,
            "inbox": INBOX,
            "chatty": CHATTY,
            "talker": TALKER,
            "owner": OWNER,
            "admin": ADMIN,
            "moderator": MODERATOR,
            "crowd_services": SERVICES_OF_CROWD,
            "rare_word": RARE_WORD,
        }


WORDS = (("write_event_words", "events"), ("write_club_words", "clubs"))
"""Functions that write what lists are searched by, and of what."""


def _statements(file: str, world: BigWorld) -> list[str]:
    text = (FOLDER / f"{file}.sql").read_text().format(**world.parameters())
    return [statement for statement in text.split(";\n") if statement.strip()]


async def _work(url: str, statements: list[str]) -> None:
    connection = await asyncpg.connect(url, server_settings={"session_replication_role": "replica"})
    try:
        while statements:
            await connection.execute(statements.pop(0))
    finally:
        await connection.close()


async def _side_by_side(url: str, statements: Sequence[str]) -> None:
    shared = list(statements)
    await asyncio.gather(_work(url, shared), _work(url, shared))


async def fill(url: str, world: BigWorld) -> None:
    """Fill a migrated, empty database."""
    await _work(url, _statements("1_places", world))
    await _side_by_side(url, _statements("2_rows", world))
    words = [
        f"SELECT {write}(ARRAY(SELECT id FROM {table} ORDER BY id LIMIT {SLICE} OFFSET {start}))"
        for write, table in WORDS
        for start in range(0, getattr(world, table), SLICE)
    ]
    await _side_by_side(url, [*_statements("3_kept", world), *words])
    await _work(url, ["DROP TABLE bench.plan, bench.places", "VACUUM ANALYZE"])
