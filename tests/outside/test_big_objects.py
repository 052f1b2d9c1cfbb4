"""Mutations of big objects through HTTP: how long they take, and how long everybody else waits meanwhile.

`pytest -m outside tests/outside/test_big_objects.py --log-cli-level=INFO` shows the numbers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from database import dsn_of
from models import Broadcast, Notification, NotificationType, OutboxDelivery, Session, User, uuid7
from tests.clients import NO_TLS, ServerProcess, gid
from tests.factories import (
    in_days,
    make_category,
    make_chat,
    make_event,
    make_host,
    make_member,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    now,
)

pytestmark = pytest.mark.outside
log = logging.getLogger(__name__)

PEOPLE = """
INSERT INTO users (id, handle, email, email_verified_at, role, is_active, is_trusted, locale, time_zone, display_name)
SELECT gen_random_uuid(), 'big-' || n, 'big-' || n || '@example.org', now(), 'USER', true, false, 'en',
    'Europe/Moscow', 'Person ' || n
FROM generate_series(1, $1) AS n
"""
MEMBERS = "INSERT INTO chat_members (chat_id, user_id) SELECT $1, id FROM users WHERE handle LIKE 'big-%'"
REGISTRATIONS = """
INSERT INTO registrations (id, event_id, user_id, admission, attendance, recorded_by_id)
SELECT gen_random_uuid(), $1, id, 'CONFIRMED', 'EXPECTED', id FROM users WHERE handle LIKE 'big-%' LIMIT $2
"""
IN_CHAT = """
INSERT INTO chat_members (chat_id, user_id) SELECT chats.id, user_id FROM registrations
JOIN chats ON chats.event_id = registrations.event_id WHERE registrations.event_id = $1
"""
CONFIRMED = """
INSERT INTO notifications (id, user_id, sequence, type, subject_type, subject_id, params, topic)
SELECT gen_random_uuid(), user_id, 1, 'REGISTRATION_CONFIRMED', 'Event', event_id, '{}',
    'registered:' || event_id || ':' || user_id
FROM registrations WHERE event_id = $1
"""
INBOXES = """
INSERT INTO inboxes (user_id, last_sequence) SELECT user_id, max(sequence) FROM notifications GROUP BY user_id
ON CONFLICT (user_id) DO UPDATE SET last_sequence = excluded.last_sequence
"""
BOOKINGS = """
INSERT INTO bookings (id, service_id, event_id, user_id, admission, attendance, recorded_by_id)
SELECT gen_random_uuid(), $1, event_id, user_id, 'CONFIRMED', 'EXPECTED', user_id
FROM registrations WHERE event_id = $2
"""
HISTORY = """
INSERT INTO outbox (id, name, subject_type, subject_id, metadata)
SELECT gen_random_uuid(), 'event.updated', 'Event', gen_random_uuid(), '{}' FROM generate_series(1, 50000)
"""
"""As after some days: plans that are made over an empty table are for an empty table."""
INBOX = """
INSERT INTO notifications (id, user_id, sequence, type, subject_type, subject_id, params)
SELECT gen_random_uuid(), $1, n, 'EVENT_CHANGED', 'Event', $2, '{}' FROM generate_series(1, $3) AS n
"""


@dataclass
class World:
    """Real servers over a database with big objects, and people who go on asking while something big happens."""

    server: ServerProcess
    http: httpx2.AsyncClient
    tokens: dict[Any, str]
    connection: asyncpg.Connection
    waits: dict[str, list[float]] = field(default_factory=dict)
    quiet: float = 0
    """The longest wait while nothing big happened: what other processes of the machine do counts for nobody."""

    async def ask(self, user: User | None, document: str, **input: Any) -> Any:
        headers = {"authorization": f"Bearer {self.tokens[user.id]}"} if user else {}
        body = {"query": document} | ({"variables": {"input": input}} if user else {})
        answer = (await self.http.post(f"{self.server.url}/graphql", json=body, headers=headers)).json()
        assert "errors" not in answer, answer
        [payload] = answer["data"].values()
        assert not isinstance(payload, dict) or payload.get("errors", []) == [], payload
        return payload

    async def timed(self, user: User, document: str, **input: Any) -> float:
        began = time.perf_counter()
        await self.ask(user, document, **input)
        return (time.perf_counter() - began) * 1000

    async def watch(self, name: str, *asking: Any, pause: float = 0.01) -> None:
        """Ask again and again, and note how long each answer takes."""
        while True:
            for one in asking:
                began = time.perf_counter()
                try:
                    await one()
                except StopAsyncIteration:
                    return
                self.waits.setdefault(name, []).append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(pause)

    def worst(self) -> dict[str, int]:
        return {name: round(max(all) - self.quiet) for name, all in self.waits.items()}

    def memory(self) -> float:
        """Return the megabytes of the server."""
        for line in Path(f"/proc/{self.server.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise AssertionError


@pytest.fixture
async def world(ports, save, servers, start_server, environment, tmp_path):
    """`await world(users)` starts the servers for these people."""
    connection = await asyncpg.connect(dsn_of(servers.urls.database))
    # So that a world is there at once; the servers' own connections ask everything.
    await connection.execute("SET session_replication_role = replica")
    worker = ServerProcess(environment | {"MAIL_URL": "", "WINGDING_HOME": str(tmp_path)}, command=("worker",))
    async with httpx2.AsyncClient(verify=NO_TLS, timeout=60) as http:

        async def made(*users: User) -> World:
            sessions = [
                Session(id=uuid7(), user_id=one.id, expires_at=now() + timedelta(hours=1), last_used_at=now())
                for one in users
            ]
            await save(*sessions)
            await connection.execute(HISTORY)
            tokens = {one.user_id: ports.tokens.issue(one.user_id, one.id)[0] for one in sessions}
            await connection.execute("ANALYZE")
            return World(start_server(), http, tokens, connection)

        made.connection = connection
        yield made
    worker.stop()
    await connection.close()


class Meanwhile:
    """Others who go on asking while something big happens, and before it."""

    def __init__(self, world: World, *askers: Any) -> None:
        self._world, self._askers = world, askers

    async def __aenter__(self) -> None:
        self._tasks = [asyncio.create_task(one) for one in self._askers]
        await asyncio.sleep(2)
        world = self._world
        world.quiet = max(world.quiet, *(max(all) for all in world.waits.values()))
        world.waits.clear()

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        done = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert [one for one in done if isinstance(one, Exception)] == []


async def an_event(save: Any, guests: int, *, capacity: int = 100_000) -> tuple[User, Any, Any, list[User]]:
    host, category, venue = make_user(is_trusted=True), make_category(), make_venue()
    others = [make_user() for _ in range(guests)]
    await save(host, category, venue, *others)
    event = make_event(host, category, venue, title="Walk", starts_at=in_days(3), capacity=capacity)
    await save(event, make_host(event, host))
    chat = make_chat(event_id=event.id, kind="EVENT")
    await save(chat, make_member(chat, host))
    return host, event, chat, others


async def each_of(users: list[User]) -> Any:
    for one in users:
        yield one


async def all_are_told(count: Any, seconds: float) -> float:
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while await count(Broadcast) or await count(OutboxDelivery, OutboxDelivery.consumer == "live"):
            await asyncio.sleep(0.05)
    return time.monotonic() - began


SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { errors { code } } }"
REGISTER = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"
UPDATE = "mutation ($input: UpdateEventInput!) { updateEvent(input: $input) { errors { code } } }"
CANCEL = "mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { errors { code } } }"
CANCEL_SERVICE = "mutation ($input: CancelServiceInput!) { cancelService(input: $input) { errors { code } } }"
MARK_ALL = (
    "mutation ($input: MarkAllNotificationsReadInput!) { markAllNotificationsRead(input: $input) { errors { code } } }"
)
PROBE = "{ __typename }"
LONGEST_WAIT = 100
"""Milliseconds that anybody else may wait."""
LONGEST_CANCELLING = 1500
"""Milliseconds for 5,000 bookings, during which nobody else books at the event. 500 are wanted (ADR 37)."""


async def test_a_message_to_50_000_members(world, save, count):
    connection = world.connection
    await connection.execute(PEOPLE, 50_000)
    host, event, _, others = await an_event(save, 200)
    chat, small = make_chat(title="Big"), make_chat(title="Small")
    await save(chat, small)
    await save(make_member(chat, host), make_member(small, host))
    await connection.execute(MEMBERS, chat.id)
    running = await world(host, *others)
    registering = each_of(others)

    async def register():
        await running.ask(await anext(registering), REGISTER, eventId=gid(event))

    async def probe():
        await running.ask(None, PROBE)

    async def send(number, to=chat):
        return await running.timed(host, SEND, chatId=gid(to), body="Hi", clientMessageId=f"{number}")

    await send(0, small)
    before = running.memory()
    async with Meanwhile(running, running.watch("register", register, pause=0.2), running.watch("lag", probe)):
        first = await send(1)
        second = await send(2)
        took = await all_are_told(count, 300)
    third = await send(3)
    again = await send(4)
    report = {
        "first": first, "second": second, "took": took, "third": third, "again": again, **running.worst(),
        "grew": running.memory() - before,
    }  # fmt: skip
    log.info("%s", report)
    told = await count(Notification, Notification.type == NotificationType.NEW_MESSAGE)
    assert told == 50_000, report
    assert max(first, second, again) - running.quiet < LONGEST_WAIT, report
    assert max(running.worst().values()) <= LONGEST_WAIT, report


async def test_an_event_of_20_000_is_moved_and_cancelled(world, save, count):
    connection = world.connection
    await connection.execute(PEOPLE, 20_000)
    host, event, _, others = await an_event(save, 600)
    await connection.execute(REGISTRATIONS, event.id, 20_000)
    await connection.execute(IN_CHAT, event.id)
    await connection.execute(CONFIRMED, event.id)
    await connection.execute(INBOXES)
    await connection.execute("UPDATE events SET taken = 20000 WHERE id = $1", event.id)
    running = await world(host, *others)
    registering = each_of(others)

    async def register():
        await running.ask(await anext(registering), REGISTER, eventId=gid(event))

    async def probe():
        await running.ask(None, PROBE)

    before, report = running.memory(), {}
    async with Meanwhile(running, running.watch("register", register, pause=0.05), running.watch("lag", probe)):
        starts = in_days(3) + timedelta(hours=1)
        values = {"startsAt": starts.isoformat(), "endsAt": (starts + timedelta(hours=1)).isoformat()}
        report["update"] = await running.timed(host, UPDATE, eventId=gid(event), expectedVersion=1, **values)
        report["told in s"] = await all_are_told(count, 300)
    async with Meanwhile(running, running.watch("lag", probe)):
        report["cancel"] = await running.timed(host, CANCEL, eventId=gid(event))
        report["all told in s"] = await all_are_told(count, 300)
    report |= {**running.worst(), "grew": running.memory() - before}
    log.info("%s", report)
    assert await count(Notification, Notification.type == NotificationType.EVENT_CHANGED) >= 20_000, report
    assert await count(Notification, Notification.type == NotificationType.EVENT_CANCELLED) >= 20_000, report
    assert max(running.worst().values()) <= LONGEST_WAIT, report


async def test_a_service_with_5_000_bookings_is_cancelled(world, save, count):
    connection = world.connection
    await connection.execute(PEOPLE, 5_000)
    host, event, _, others = await an_event(save, 100, capacity=6000)
    kind = make_service_type()
    await save(kind)
    service, other = (make_service(event, kind, capacity=6000) for _ in range(2))
    await save(service, other)
    await connection.execute(REGISTRATIONS, event.id, 5_000)
    await connection.execute(IN_CHAT, event.id)
    await connection.execute(CONFIRMED, event.id)
    await connection.execute(BOOKINGS, service.id, event.id)
    await connection.execute(INBOXES)
    await connection.execute("UPDATE events SET taken = 5000 WHERE id = $1", event.id)
    await connection.execute("UPDATE services SET taken = 5000 WHERE id = $1", service.id)
    running = await world(host, *others)
    booking = each_of(others)
    book = "mutation ($input: BookServicesInput!) { bookServices(input: $input) { errors { code } } }"

    async def register():
        await running.ask(await anext(booking), book, serviceIds=[gid(other)])

    async def probe():
        await running.ask(None, PROBE)

    before, report = running.memory(), {}
    async with Meanwhile(running, running.watch("book", register, pause=0.2), running.watch("lag", probe)):
        report["cancel"] = await running.timed(host, CANCEL_SERVICE, serviceId=gid(service))
        report["told in s"] = await all_are_told(count, 300)
    report |= {**running.worst(), "grew": running.memory() - before}
    log.info("%s", report)
    assert await count(Notification, Notification.type == NotificationType.REGISTRATION_CANCELLED) == 5_000, report
    assert report["cancel"] - running.quiet <= LONGEST_CANCELLING, report
    assert (report["lag"] <= LONGEST_WAIT, report["book"] <= LONGEST_CANCELLING) == (True, True), report


async def test_200_000_notifications_are_read_at_once(world, save, ports, row):
    host, event, _, [calm] = await an_event(save, 1)
    await world.connection.execute(INBOX, calm.id, event.id, 1)
    await world.connection.execute(INBOX, host.id, event.id, 200_000)
    await world.connection.execute(INBOXES)
    running = await world(host, calm)

    async def probe():
        await running.ask(None, PROBE)

    await running.ask(calm, MARK_ALL)
    before = running.memory()
    async with Meanwhile(running, running.watch("lag", probe)):
        took = await running.timed(host, MARK_ALL)
    report = {"took": took - running.quiet, **running.worst(), "grew": running.memory() - before}
    log.info("%s", report)
    assert report["took"] < LONGEST_WAIT, report
    assert report["grew"] < 20, report
