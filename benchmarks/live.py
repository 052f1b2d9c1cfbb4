"""Live streams: how many deliveries a second, how much memory an idle subscriber takes, and what a burst costs others.

Messages are written and announced as another process would: straight into PostgreSQL and Redis, so that the server only
hears, reads and delivers.
"""

from __future__ import annotations

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle, islice
from uuid import UUID

import asyncpg
import orjson
from redis.asyncio import Redis

from benchmarks import load
from benchmarks.load import Sockets
from benchmarks.machine import cpu_seconds, resident
from benchmarks.measuring import Bench
from benchmarks.rows import HOT_MEMBERS, World, identifier
from benchmarks.servers import Running
from benchmarks.workloads import Ask, Callers, document, global_id, requests, user_id
from realtime.redis_backend import PREFIX
from realtime.streams import chat_stream

PATIENCE = 60.0
"""Seconds for all sockets to be subscribed, and for what was published to arrive."""
SETTLE = 2.0
BURST_RATE = 4
"""Messages a second to a thousand subscribers, while queries are timed."""

BODY = "Has everyone seen the new place?"
EVENT = (
    ["__typename", "cursor", "message"],
    ["id", "sequence", "body", "sentAt", "author"],
    ["id", "displayName"],
    BODY,
)
"""Names of the fields of an event, in their order, and what it says."""

SAY = f"""
WITH room AS (
    UPDATE chats SET last_sequence = last_sequence + 1, last_message_at = now() WHERE id = ANY($1::uuid[])
    RETURNING id, last_sequence, created_at
)
INSERT INTO messages (id, chat_id, sequence, author_id, body, client_message_id)
SELECT uuidv7(), id, last_sequence, $2, '{BODY}', 'live-' || last_sequence FROM room
RETURNING chat_id, sequence
"""
ANNOUNCE = "for each, channel in ipairs(KEYS) do redis.call('publish', channel, ARGV[each]) end"
"""One command for many messages: fifty commands took the load's core as long as serving them took the server's."""


@dataclass(frozen=True)
class Scene:
    """Who listens where: chats by their event's number, and the subscribers of each."""

    name: str
    chats: Sequence[int]
    subscribers: int
    batch: int
    """Messages written at once, each to another chat."""

    def places(self, world: World) -> list[tuple[int, int]]:
        """(chat, user) for each socket. Hosts do not listen: they write."""
        return [
            (chat, user)
            for chat in self.chats
            for user in [one for one in world.members(chat) if one not in world.hosts(chat)][: self.subscribers]
        ]


def scenes(world: World) -> list[Scene]:
    return [
        Scene("1 x 1000", [world.hot_chat], HOT_MEMBERS, 1),
        Scene("200 x 5", world.busy[:200], 5, 50),
    ]


@dataclass(frozen=True)
class Delivered:
    """What one scene gave: deliveries a second, server time for each in microseconds, memory in KiB."""

    rate: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Burst:
    """Latency of a query in milliseconds, while nothing and while much is delivered."""

    idle_p50: float
    idle_p99: float
    busy_p50: float
    busy_p99: float


class LiveError(Exception):
    """A server lost sockets or messages; the message says how many."""


def _frame(message: object) -> bytes:
    """Return a text frame of a client, masked by zeros."""
    payload = orjson.dumps(message)
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + payload


def script(server: Running, callers: Callers, chat: int, user: int) -> tuple[bytes, bytes, bytes]:
    """Handshake, `connection_init` and `subscribe` of one subscriber."""
    key = base64.b64encode(user.to_bytes(16, "big")).decode()
    handshake = (
        f"GET {server.path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    proof = {"token": callers.token(user)} if server.kind.is_ours else {"user": str(user_id(user))}
    payload = {"query": document("live"), "variables": {"chat": global_id("Chat", chat)}}
    return (
        handshake.encode(),
        _frame({"type": "connection_init", "payload": proof}),
        _frame({"type": "subscribe", "id": "1", "payload": payload}),
    )


class Publisher:
    """Writes messages and announces them."""

    def __init__(self, connection: asyncpg.Connection, redis: Redis, author: UUID) -> None:
        self._connection = connection
        self._redis = redis
        self._author = author
        self.said = 0

    async def say(self, chats: Sequence[UUID]) -> None:
        rows = await self._connection.fetch(SAY, list(chats), self._author)
        channels = [PREFIX + chat_stream(row["chat_id"]) for row in rows]
        news = [orjson.dumps({"sequence": row["sequence"], "name": "chat.message.sent"}) for row in rows]
        await self._redis.eval(ANNOUNCE, len(rows), *channels, *news)
        self.said += len(rows)


async def _until(condition: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.001)
    return True


async def _all_listen(sockets: Sockets, publisher: Publisher, chats: Sequence[UUID], number: int) -> None:
    """There is no answer to `subscribe`: messages are sent until every socket has heard one."""
    until = time.monotonic() + PATIENCE
    while sockets.heard().listeners < number:
        heard = sockets.heard()
        if time.monotonic() > until or heard.lost:
            words = f"{heard.listeners} of {number} sockets hear, {heard.lost} were lost, {heard.other} were refused"
            raise LiveError(f"{words}: {sockets.refusal()[:300]}")
        await publisher.say(chats)
        await _until(lambda: sockets.heard().listeners >= number, 1.0)
    await _quiet(sockets)


async def _quiet(sockets: Sockets) -> None:
    """Until nothing comes any more."""
    last = -1
    for _ in range(int(PATIENCE)):
        before, last = last, sockets.heard().messages
        if before == last:
            return
        await asyncio.sleep(0.5)


def check(event: bytes) -> None:
    """Whether an event is what all servers must send. Raises `LiveError`."""
    try:
        found = orjson.loads(event)["payload"]["data"]["messageSent"]
    except (ValueError, KeyError, TypeError):
        raise LiveError(f"sent something else: {event[:300]!r}") from None
    message = found.get("message") or {}
    names = (list(found), list(message), list(message.get("author") or {}), message.get("body"))
    if names != EVENT or not isinstance(message.get("sequence"), int):
        raise LiveError(f"sent something else: {event[:300]!r}")


async def _flood(scene: Scene, sockets: Sockets, publisher: Publisher, chats: Sequence[UUID], seconds: float) -> float:
    """Publish as fast as messages arrive, a few ahead; deliveries per second."""
    before, said = sockets.heard().messages, publisher.said
    ahead = 3 * scene.batch * scene.subscribers
    turns = cycle(chats)
    began = time.monotonic()

    def outstanding() -> int:
        return (publisher.said - said) * scene.subscribers - (sockets.heard().messages - before)

    while time.monotonic() < began + seconds:
        await publisher.say(list(islice(turns, scene.batch)))
        if not await _until(lambda: outstanding() < ahead, PATIENCE):
            raise LiveError(f"{outstanding()} deliveries did not come")
    if not await _until(lambda: outstanding() <= 0, PATIENCE):
        raise LiveError(f"{outstanding()} deliveries did not come")
    heard = sockets.heard()
    return (heard.messages - before) / (heard.last - began)


async def _scene(
    bench: Bench, server: Running, scene: Scene, redis_url: str, seconds: float, *, with_burst: bool
) -> tuple[Delivered, Burst | None]:
    places = scene.places(bench.dataset.world)
    chats = [identifier("Chat", chat) for chat in scene.chats]
    author = user_id(bench.dataset.world.hosts(scene.chats[0])[0])
    scripts = [script(server, bench.callers, chat, user) for chat, user in places]
    connection = await asyncpg.connect(bench.dataset.url)
    try:
        async with Redis.from_url(redis_url) as redis:
            publisher = Publisher(connection, redis, author)
            empty = resident(server.pid)
            with load.sockets(bench.home, server.port, scripts) as sockets:
                if not await _until(lambda: sockets.heard().subscribed == len(places), PATIENCE):
                    raise LiveError(f"{sockets.heard().subscribed} of {len(places)} sockets could subscribe")
                await asyncio.sleep(SETTLE)
                memory = (resident(server.pid) - empty) / len(places)
                await _all_listen(sockets, publisher, chats, len(places))
                check(sockets.sample())
                used, before = cpu_seconds(server.pid), sockets.heard().messages
                rate = await _flood(scene, sockets, publisher, chats, seconds)
                spent = cpu_seconds(server.pid) - used
                delivered = sockets.heard().messages - before
                burst = await _burst(bench, server, publisher, chats, seconds) if with_burst else None
                if lost := sockets.heard().lost:
                    raise LiveError(f"{lost} sockets were lost")
                return Delivered(rate, spent / delivered * 1e6, memory), burst
    finally:
        await connection.close()


async def _burst(bench: Bench, server: Running, publisher: Publisher, chats: Sequence[UUID], seconds: float) -> Burst:
    """Time a small query alone, and while a message goes to a thousand subscribers a few times a second."""
    texts = requests(
        server, [Ask("event", {"id": global_id("Event", event)}) for event in bench.dataset.world.big], bench.callers
    )
    found: list[load.Run] = []

    def query() -> None:
        found.append(load.http(bench.home, server.port, texts, connections=1, seconds=max(2.0, seconds)))

    for is_busy in (False, True):
        asking = threading.Thread(target=query)
        asking.start()
        while asking.is_alive():
            if is_busy:
                await publisher.say(chats)
            await asyncio.sleep(1 / BURST_RATE)
    if len(found) < 2:
        raise LiveError("queries failed during the burst")
    idle, busy = found
    return Burst(idle.p50, idle.p99, busy.p50, busy.p99)


def run(
    bench: Bench, server: Running, scene: Scene, redis_url: str, *, with_burst: bool
) -> tuple[Delivered, Burst | None]:
    """One scene on a server that was started for it. Raises `LiveError` where something was lost."""
    load.http(bench.home, server.port, requests(server, [Ask("typename")], bench.callers), connections=4, seconds=0.5)
    seconds = bench.seconds * 2
    try:
        return asyncio.run(_scene(bench, server, scene, redis_url, seconds, with_burst=with_burst))
    finally:
        with suppress(OSError):
            bench.undo()
