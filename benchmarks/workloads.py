"""What is asked: documents, variables and callers, as whole HTTP requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from auth.tokens import Tokens
from benchmarks.rows import World, identifier
from benchmarks.servers import ISSUER, Kind, Running
from dataloaders.core.keyset_pages import encode_cursor, mark_of
from models import EventTiming
from schema.core import ids
from schema.events.search import EventFilterInput
from settings import Settings

DOCUMENTS = Path(__file__).with_name("documents")
PAGES = 24
"""The first pages of the feed, as people turn them. No two requests in a row ask for the same one."""
TOKEN_SECONDS = 86_400.0
NETWORKS = 64
"""From which the requests come, in turns."""


@dataclass(frozen=True)
class Ask:
    """One operation. `user` is the number of the caller; null is a guest."""

    document: str
    variables: dict[str, Any] = field(default_factory=dict)
    user: int | None = None


@dataclass(frozen=True)
class Workload:
    """A kind of load. With `once` each request is sent a single time and the database is put back before."""

    name: str
    about: str
    asks: Callable[[World], list[Ask]]
    once: bool = False
    connections: int = 16


def user_id(number: int) -> UUID:
    return identifier("User", number)


def global_id(kind: str, number: int) -> str:
    return ids.encode(kind, identifier(kind, number))


def _feed(world: World) -> list[Ask]:
    firsts = [world.events // 2 + turn * 20 for turn in range(PAGES)]
    mark = mark_of("events", EventFilterInput(timings=[EventTiming.UPCOMING]), None)
    cursors = [encode_cursor([world.starts_at(event) - timedelta(seconds=1), UUID(int=0)], mark) for event in firsts]
    return [Ask("feed", {"after": cursor}) for cursor in cursors]


def _event(world: World) -> list[Ask]:
    return [Ask("event", {"id": global_id("Event", event)}) for event in world.big]


def _chat(world: World) -> list[Ask]:
    """Every busy chat, by different members, and the hot one in between."""
    asks = []
    for turn, event in enumerate([*world.busy, world.hot_chat] * 2):
        members = world.members(event)
        asks.append(Ask("chat", {"id": global_id("Chat", event)}, members[turn % 5]))
    return asks


def _typename(_world: World) -> list[Ask]:
    return [Ask("typename")] * NETWORKS


def _search(_world: World) -> list[Ask]:
    words = ("dance", "chess evening", "поэзия", "concert", "прогулка", "музыка", "winter tasting", "lect")
    return [
        Ask("search", {"text": text, "category": global_id("EventCategory", category)})
        for text in words
        for category in range(8)
    ]


def _inbox(world: World) -> list[Ask]:
    return [Ask("inbox", {}, user) for user in list(world.inbox_readers)[:200]]


def _register_hot(world: World) -> list[Ask]:
    hosts = world.hosts(world.hot_event)
    people = [user for user in range(1_000 + len(hosts)) if user not in hosts]
    return [Ask("register", {"event": global_id("Event", world.hot_event)}, user) for user in people[:1_000]]


def _register_spread(world: World) -> list[Ask]:
    """Register a thousand people over all empty events, a few times each, never twice for the same and never their
    host.
    """
    asks = []
    for turn in range(4):
        for user in range(1_000):
            event = world.spread[(user * 7 + turn * 31) % len(world.spread)]
            if user not in world.hosts(event):
                asks.append(Ask("register", {"event": global_id("Event", event)}, user))
    return asks


def _send(world: World) -> list[Ask]:
    asks = []
    for turn, event in enumerate(islice(cycle(world.busy), 4_000)):
        members = world.members(event)
        variables = {"chat": global_id("Chat", event), "body": f"See you soon, number {turn}!", "client": f"b{turn}"}
        asks.append(Ask("send", variables, members[turn // len(world.busy) % 4]))
    return asks


def _read(world: World) -> list[Ask]:
    """Each member of a busy chat reads it once: each has a notice of it to settle."""
    asks = [
        Ask("read", {"chat": global_id("Chat", event)}, world.members(event)[turn])
        for turn in range(8)
        for event in world.busy
    ]
    return asks[:4_000]


def _mixed(world: World) -> list[Ask]:
    """Of a hundred: 40 feeds, 25 events, 15 chats, 10 inboxes, 5 searches, 3 messages, 2 readings."""
    parts: list[tuple[int, Iterator[Ask]]] = [
        (40, cycle(_feed(world))),
        (25, cycle(_event(world))),
        (15, cycle(_chat(world))),
        (10, cycle(_inbox(world))),
        (5, cycle(_search(world))),
        (3, iter(_send(world))),
        (2, iter(_read(world)[:1_000])),
    ]
    # Every kind comes at even distances: the one that is furthest behind its share is next.
    asked, asks = [0] * len(parts), []
    for turn in range(1, 10_001):
        behind = max(range(len(parts)), key=lambda part: parts[part][0] * turn / 100 - asked[part])
        asked[behind] += 1
        asks.append(next(parts[behind][1]))
    return asks


WORKLOADS = (
    Workload("feed", "20 events with 7 relations and aggregates", _feed),
    Workload("event", "an event with 50 participants", _event),
    Workload("chat", "the last 50 messages of a chat with authors", _chat),
    Workload("typename", "{ __typename }", _typename),
    Workload("search", "events found by words, category and time", _search),
    Workload("inbox", "the last 20 notifications and the number of unread ones", _inbox),
    Workload("mixed", "a mix of all reads with a few writes", _mixed, once=True),
    Workload("register hot", "a thousand people register for one event", _register_hot, once=True),
    Workload("register spread", "registering for 500 events", _register_spread, once=True),
    Workload("send", "sending messages to busy chats", _send, once=True),
    Workload("read", "marking busy chats as read", _read, once=True),
)


@cache
def document(name: str, folder: str = "") -> str:
    return (DOCUMENTS / folder / f"{name}.graphql").read_text()


class Callers:
    """What proves who is calling: our access tokens, and a plain header for peers, who trust it."""

    def __init__(self, home: Path, identify: Callable[[str, int], UUID] = identifier) -> None:
        self._identify = identify
        settings = Settings.load({"WINGDING_HOME": str(home), "PUBLIC_URL": ISSUER})
        self._tokens = Tokens.load(settings)
        self._tokens.lifetime = TOKEN_SECONDS
        self._known: dict[int, str] = {}

    def token(self, user: int) -> str:
        if user not in self._known:
            self._known[user] = self._tokens.issue(self._identify("User", user), self._identify("Session", user))[0]
        return self._known[user]

    def header(self, kind: Kind, user: int | None) -> str:
        if user is None:
            return ""
        return f"authorization: Bearer {self.token(user)}\r\n" if kind.is_ours else f"x-user: {user_id(user)}\r\n"


def body_of(kind: Kind, ask: Ask) -> bytes:
    return orjson.dumps({"query": document(ask.document, kind.documents), "variables": ask.variables})


def requests(server: Running, asks: Sequence[Ask], callers: Callers) -> list[bytes]:
    """Whole HTTP requests, as a proxy passes them on: the full document each time, each from another network."""
    return [_request(server, ask, callers, number % NETWORKS) for number, ask in enumerate(asks)]


def _request(server: Running, ask: Ask, callers: Callers, network: int) -> bytes:
    body = body_of(server.kind, ask)
    head = (
        f"POST {server.path} HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\ncontent-type: application/json\r\n"
        f"accept: application/json\r\nx-forwarded-for: 198.18.{network}.1\r\n"
        f"{callers.header(server.kind, ask.user)}content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
