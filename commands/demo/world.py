"""The demo world: the rows of all tables, to which each area adds its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from random import Random
from typing import Any
from uuid import UUID

Row = dict[str, Any]


@dataclass(frozen=True)
class DemoSize:
    """How much there is at scale 1."""

    events: int = 300
    people: int = 60


@dataclass(eq=False)
class DemoWorld:
    """Rows by table name. The areas share what they look up of each other.

    The same day and scale give the same rows, ids included. The dice fall alike on every day, so the world is as large
    and as varied whenever it is made. Its clock stands at the beginning of the day (UTC): nothing has happened later
    than that.
    """

    today: date
    scale: int
    password_hash: str
    size: DemoSize = DemoSize()
    tables: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    users: list[Row] = field(default_factory=list)
    """The accounts that are told of first, then the others."""
    categories: dict[str, UUID] = field(default_factory=dict)
    interests: dict[str, UUID] = field(default_factory=dict)
    clubs: list[tuple[Row, list[Row]]] = field(default_factory=list)
    """Clubs with their members, the owner first."""
    service_types: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(f"wingding {self.scale}")
        self.now = datetime.combine(self.today, time(), UTC)

    def id(self) -> UUID:
        """Make a version 7 UUID from the world's own randomness."""
        value = int(self.now.timestamp() * 1000) << 80 | self.random.getrandbits(80)
        return UUID(int=(value & ~(0xF << 76) & ~(0x3 << 62)) | 0x7 << 76 | 0x2 << 62)

    def add(self, table: str, **values: Any) -> Row:
        self.tables[table].append(values)
        return values

    def catalogue(self, table: str, entries: Iterable[tuple[str, str, str]]) -> dict[str, UUID]:
        """Add entries with a slug and their names in Russian and English. Returns ids by slug."""
        return {
            slug: self.add(table, id=self.id(), slug=slug, name_ru=name_ru, name_en=name_en)["id"]
            for slug, name_ru, name_en in entries
        }
