from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import select, text, update

from database import Database
from models import DomainEvent, OutboxDelivery, OutboxEvent, StreamEvent, uuid7
from outbox.relay import Relay, lag
from outbox.sinks import RedisStreamSink, _entry, to_sink
from settings import Settings
from tests.factories import (
    make_category,
    make_chat,
    make_event,
    make_host,
    make_member,
    make_user,
    make_venue,
    now,
)
from tests.live import SEND

REGISTER = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"


@dataclass(frozen=True, kw_only=True)
class Happened(DomainEvent):
    name: ClassVar[str] = "test.happened"
    subject_type: ClassVar[str] = "Test"
    has_job: ClassVar[bool] = True
    number: int


@dataclass(frozen=True, kw_only=True)
class Grew(StreamEvent):
    name: ClassVar[str] = "test.grew"
    subject_type: ClassVar[str] = "Test"


class Taker:
    """A consumer that takes notes, and raises what it is told to."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.calls = 0
        self.refuses: set[int] = set()
        self.fails_with: Exception | None = None

    async def __call__(self, _connection, events) -> None:
        self.calls += 1
        if self.fails_with is not None:
            raise self.fails_with
        numbers = [event.event_metadata["number"] for event in events]
        if self.refuses & set(numbers):
            raise ValueError("not this one")
        self.taken += numbers


async def happen(database: Database, *numbers: int) -> None:
    async with database.writing() as uow:
        for number in numbers:
            uow.record(Happened(subject_id=uuid7(), number=number))


async def test_an_event_is_there_with_its_change_or_not_at_all(ports, count):
    user = make_user()

    with pytest.raises(ZeroDivisionError):
        async with ports.database.writing() as uow:
            uow.session.add(user)
            uow.record(Happened(subject_id=user.id, number=1))
            await uow.flush_events()
            raise ZeroDivisionError
    await happen(ports.database, 2)

    async with ports.database.reading() as session:
        [event] = await session.scalars(select(OutboxEvent))
    assert (event.name, event.subject_type, event.event_metadata) == ("test.happened", "Test", {"number": 2})
    assert await count(OutboxDelivery) == 1


async def test_only_who_is_owed_an_event_gets_a_delivery(ports, environment):
    with_sink = Database(Settings.load(environment | {"SINK_STREAM": "events"}))
    stream = Grew(subject_id=uuid7(), stream="s", sequence=1)

    for database in (ports.database, with_sink):
        async with database.writing() as uow:
            uow.record(stream)
            uow.record(Happened(subject_id=uuid7(), number=1))
    await with_sink.dispose()

    async with ports.database.reading() as session:
        owed = await session.execute(
            select(OutboxEvent.name, OutboxDelivery.consumer)
            .join(OutboxDelivery, OutboxDelivery.event_id == OutboxEvent.id)
            .order_by(OutboxEvent.name, OutboxDelivery.consumer)
        )
    assert [tuple(row) for row in owed] == [
        ("test.grew", "live"), ("test.grew", "live"), ("test.grew", "sink"),
        ("test.happened", "jobs"), ("test.happened", "jobs"), ("test.happened", "sink"),
    ]  # fmt: skip


async def test_events_are_delivered_in_the_order_of_writing(ports, count):
    taker = Taker()
    await happen(ports.database, *range(1, 51))
    await happen(ports.database, *range(51, 101))

    while await Relay(ports.database, {"jobs": taker}, interval=1).deliver("jobs"):
        pass

    assert taker.taken == list(range(1, 101))
    assert await count(OutboxDelivery) == 0


async def test_one_bad_event_holds_up_no_other(ports):
    taker = Taker()
    taker.refuses = {2}
    relay = Relay(ports.database, {"jobs": taker}, interval=1)
    await happen(ports.database, 1, 2, 3)

    first = await relay.deliver("jobs")
    async with ports.database.reading() as session:
        [owed] = await session.scalars(select(OutboxDelivery))
    taker.refuses = set()
    await make_due(ports.database)
    second = await relay.deliver("jobs")

    assert (first, second) == (2, 1)
    assert (owed.attempts, owed.last_error) == (1, "ValueError")
    assert taker.taken == [1, 3, 2]


async def test_a_lost_server_leaves_events_as_they_are(ports):
    taker = Taker()
    relay = Relay(ports.database, {"jobs": taker}, interval=1)
    await happen(ports.database, 1, 2)
    taker.fails_with = RedisConnectionError("down")

    with pytest.raises(RedisConnectionError):
        await relay.deliver("jobs")
    async with ports.database.reading() as session:
        attempts = (await session.scalars(select(OutboxDelivery.attempts))).all()
        waited = await lag(session)
    taker.fails_with = None
    await happen(ports.database, 3)
    await relay.deliver("jobs")

    assert attempts == [0, 0]
    assert list(waited) == ["jobs"] and waited["jobs"][0] == 2 and 0 <= waited["jobs"][1] < 5
    assert taker.taken == [1, 2, 3]


async def test_relays_side_by_side_deliver_each_event_once(ports, environment, count):
    other = Database(Settings.load(environment))
    taker = Taker()
    relays = [Relay(database, {"jobs": taker}, interval=0.01) for database in (ports.database, other)]
    for relay in relays:
        relay.start()

    for start in range(0, 600, 100):
        await happen(ports.database, *range(start, start + 100))
    async with asyncio.timeout(10):
        while await count(OutboxDelivery):
            await asyncio.sleep(0.01)
    for relay in relays:
        await relay.stop()
    await other.dispose()

    assert sorted(taker.taken) == list(range(600))


async def test_a_relay_that_died_gives_its_events_back(ports, environment):
    """As a process killed amid a delivery: its connection goes, and with it its locks."""
    dying = Database(Settings.load(environment))
    stuck, taker = asyncio.Event(), Taker()

    async def hang(_connection, _events) -> None:
        stuck.set()
        await asyncio.sleep(60)

    await happen(ports.database, 1)
    task = asyncio.create_task(Relay(dying, {"jobs": hang}, interval=1).deliver("jobs"))
    await stuck.wait()
    meanwhile = await Relay(ports.database, {"jobs": taker}, interval=1).deliver("jobs")
    async with ports.database.writing() as uow:
        await uow.session.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' "
                 "AND datname = current_database()")
        )  # fmt: skip
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await dying.dispose()
    afterwards = await Relay(ports.database, {"jobs": taker}, interval=1).deliver("jobs")

    assert (meanwhile, afterwards, taker.taken) == (0, 1, [1])


async def test_the_sink_gets_every_event_in_order_and_whole(ports, settings, environment):
    database = Database(Settings.load(environment | {"SINK_STREAM": "events"}))
    sink = RedisStreamSink(settings.redis_url, "events", length=1000)
    redis = Redis.from_url(settings.redis_url)
    await redis.delete("events")
    await happen(database, 1, 2, 3)

    await Relay(database, {"sink": to_sink(sink)}, interval=1).deliver("sink")
    entries = [entry for _id, entry in await redis.xrange("events")]
    await sink.close()
    await redis.aclose()
    await database.dispose()

    assert [entry[b"metadata"] for entry in entries] == [b'{"number":1}', b'{"number":2}', b'{"number":3}']
    assert [entry[b"type"] for entry in entries] == [b"test.happened"] * 3
    assert len({entry[b"event_id"] for entry in entries}) == 3
    assert set(entries[0]) == {b"event_id", b"type", b"timestamp", b"subject_type", b"subject_id", b"metadata"}


async def test_entries_of_live_streams_carry_their_number_to_the_sink(client, save, ports):
    ada, bob = make_user(), make_user()
    category, venue, chat = make_category(), make_venue(), make_chat(title="Hike")
    await save(ada, bob, category, venue, chat)
    event = make_event(ada, category, venue)
    await save(event, make_member(chat, ada), make_member(chat, bob))
    await save(make_host(event, ada))

    for number in (1, 2):
        await client(ada).execute(SEND, chatId=chat, body="Hello", clientMessageId=str(number))
    await client(bob).execute(REGISTER, eventId=event)

    async with ports.database.reading() as session:
        rows = (await session.scalars(select(OutboxEvent).order_by(OutboxEvent.id))).all()
    found = [_entry(row) for row in rows if row.stream is not None]
    assert {(one["type"], one["stream"], one["sequence"]) for one in found} == {
        ("chat.message.sent", f"chat:{chat.id}", 1),
        ("notification.sent", f"inbox:{bob.id}", 1),
        ("chat.message.sent", f"chat:{chat.id}", 2),
        ("event.availability.changed", f"availability:{event.id}", 1),
        ("notification.sent", f"inbox:{bob.id}", 2),
        ("notification.sent", f"inbox:{ada.id}", 1),
    }
    assert "sequence" not in _entry(OutboxEvent(event_metadata={}, stream="access:1", sequence=0, occurred_at=now()))


async def test_only_one_relay_at_a_time_feeds_the_sink(ports, environment):
    database = Database(Settings.load(environment | {"SINK_STREAM": "events"}))
    begun, go_on, taker = asyncio.Event(), asyncio.Event(), Taker()

    async def slow(connection, events) -> None:
        begun.set()
        await go_on.wait()
        await taker(connection, events)

    await happen(database, *range(250))
    first = asyncio.create_task(Relay(database, {"sink": slow}, interval=1).deliver("sink"))
    await begun.wait()
    second = await Relay(ports.database, {"sink": taker}, interval=1).deliver("sink")
    go_on.set()
    delivered = await first
    third = await Relay(ports.database, {"sink": taker}, interval=1).deliver("sink")
    await database.dispose()

    assert (second, delivered, third) == (0, 200, 50)
    assert taker.taken == list(range(250))


async def make_due(database: Database) -> None:
    async with database.writing() as uow:
        await uow.session.execute(update(OutboxDelivery).values(due_at=text("now()")))
