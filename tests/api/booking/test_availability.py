from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import pytest
from sqlalchemy import text

import models
from models import AvailabilityChange, EventStatus, EventVisibility
from outbox.relay import Relay
from outbox.sinks import to_live_streams
from realtime import cursors
from resolvers.booking import availability
from resolvers.booking.availability import AvailabilityStream
from tests.api.booking.test_bookings import BOOK, services_of
from tests.api.booking.test_registrations import CANCEL, REGISTER, an_event, rows
from tests.clients import gid
from tests.factories import make_club, make_user

WATCH = """
subscription ($id: ID!, $after: String) {
  availabilityChanged(eventId: $id, after: $after) {
    __typename
    ... on AvailabilityChange { taken free cursor services { serviceId capacity taken free isCancelled } }
    ... on ResyncRequired { reason cursor }
  }
}
"""


@pytest.fixture
async def relay(ports):
    relay = Relay(ports.database, {"live": to_live_streams(ports.hub)}, interval=0.05)
    relay.start()
    yield relay
    await relay.stop()


@pytest.fixture
def begun(monkeypatch):
    """`await begun(2)` waits until two streams have looked where they begin: what is written then reaches them."""
    looked: list[AvailabilityStream] = []
    original = AvailabilityStream.bounds

    async def noted(stream):
        found = await original(stream)
        looked.append(stream)
        return found

    async def until(number):
        async with asyncio.timeout(30):
            while len(looked) < number:
                await asyncio.sleep(0.01)

    monkeypatch.setattr(AvailabilityStream, "bounds", noted)
    return until


@asynccontextmanager
async def watching(client, event, after=None):
    """`await next()` gives the next entry, or the codes of the errors that ended the stream."""
    stream = await client.subscribe(WATCH, id=event, after=after)

    async def following():
        result = await asyncio.wait_for(anext(stream), 10)
        if result.errors:
            return [error.extensions["reason"] for error in result.errors]
        return result.data["availabilityChanged"]

    try:
        yield following
    finally:
        await stream.aclose()


async def test_changes_arrive_live_and_are_replayed_after_a_cursor(client, save, relay, begun):
    ada, event = await an_event(save, capacity=2)

    async with watching(client(), event) as following:
        waiting = asyncio.ensure_future(following())
        await begun(1)
        await client(ada).execute(REGISTER, eventId=event)
        first = await waiting
        await client(ada).execute(CANCEL, eventId=event)
        second = await following()
    async with watching(client(), event, after=first["cursor"]) as following:
        replayed = await following()

    assert (first["taken"], first["free"]) == (1, 1)
    assert (second["taken"], second["free"]) == (0, 2)
    assert replayed == second


async def test_each_event_has_a_sequence_of_its_own_without_holes(client, save, ports):
    ada, event = await an_event(save)
    bob, other = await an_event(save)
    for _ in range(3):
        await client(ada).execute(REGISTER, eventId=event)
        await client(bob).execute(REGISTER, eventId=other)
        await client(ada).execute(REGISTER, eventId=event)  # refused: takes no number
        await client(ada).execute(CANCEL, eventId=event)

    changes = await rows(ports, AvailabilityChange)

    numbers = {one.id: [row.sequence for row in changes if row.event_id == one.id] for one in (event, other)}
    assert numbers == {event.id: [1, 2, 3, 4, 5, 6], other.id: [1]}


async def test_a_backlog_comes_in_order_and_once(client, save):
    ada, event = await an_event(save)
    for _ in range(3):
        await client(ada).execute(REGISTER, eventId=event)
        await client(ada).execute(CANCEL, eventId=event)

    async with watching(client(), event, after=cursors.encode(event.id, 0)) as following:
        found = [await following() for _ in range(6)]

    assert [entry["taken"] for entry in found] == [1, 0, 1, 0, 1, 0]
    assert [entry["cursor"] for entry in found] == [cursors.encode(event.id, number) for number in range(1, 7)]


@pytest.mark.parametrize("number", [0, 1, 9], ids=["old", "just too old", "from the future"])
async def test_a_cursor_that_is_of_no_use_asks_for_a_new_start(client, save, ports, number):
    ada, event = await an_event(save)
    for _ in range(2):
        await client(ada).execute(REGISTER, eventId=event)
        await client(ada).execute(CANCEL, eventId=event)
    async with ports.database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM availability_changes WHERE sequence <= 2"))

    async with watching(client(), event, after=cursors.encode(event.id, number)) as following:
        first = await following()

    assert first == {
        "__typename": "ResyncRequired",
        "reason": "CURSOR_NOT_KEPT",
        "cursor": cursors.encode(event.id, 4),
    }


async def test_the_oldest_cursor_that_is_kept_is_followed(client, save, ports):
    ada, event = await an_event(save)
    await client(ada).execute(REGISTER, eventId=event)
    await client(ada).execute(CANCEL, eventId=event)
    async with ports.database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM availability_changes WHERE sequence <= 1"))

    async with watching(client(), event, after=cursors.encode(event.id, 1)) as following:
        first = await following()

    assert (first["__typename"], first["cursor"]) == ("AvailabilityChange", cursors.encode(event.id, 2))


async def test_a_cursor_of_another_event_is_refused(client, save):
    _, event = await an_event(save)
    _, other = await an_event(save)

    found = []
    for after in (cursors.encode(other.id, 0), cursors.encode(UUID(int=0), 0), "nonsense", "я"):
        async with watching(client(), event, after=after) as following:
            found.append(await following())

    assert found == [["INVALID_CURSOR"]] * 4


async def test_after_a_new_start_the_stream_goes_on_live(client, save, relay):
    ada, event = await an_event(save)
    await client(ada).execute(REGISTER, eventId=event)

    async with watching(client(), event, after=cursors.encode(event.id, 7)) as following:
        first = await following()
        waiting = asyncio.ensure_future(following())
        await asyncio.sleep(0.2)
        await client(ada).execute(CANCEL, eventId=event)
        second = await waiting

    assert first["__typename"] == "ResyncRequired"
    assert (second["taken"], second["cursor"]) == (0, cursors.encode(event.id, 2))


async def test_an_entry_shows_every_service(client, save):
    ada, event = await an_event(save, capacity=9)
    yoga, tea = await services_of(save, event, {"capacity": 2}, {"capacity": 9, "cancelled_at": models.utcnow()})
    await client(ada).execute(BOOK, serviceIds=[yoga])

    async with watching(client(), event, after=cursors.encode(event.id, 0)) as following:
        entry = await following()

    assert sorted(entry["services"], key=lambda one: one["capacity"]) == [
        {"serviceId": gid(yoga), "capacity": 2, "taken": 1, "free": 1, "isCancelled": False},
        {"serviceId": gid(tea), "capacity": 9, "taken": 0, "free": 9, "isCancelled": True},
    ]


@pytest.mark.parametrize("values", [{"status": EventStatus.DRAFT}, {"visibility": EventVisibility.CLUB}], ids=str)
async def test_a_hidden_event_is_not_watched(client, save, values):
    club = make_club()
    stranger = make_user()
    await save(club, stranger)
    _, event = await an_event(save, club_id=club.id, **values)

    async with watching(client(stranger), event) as following:
        found = await following()

    assert found == ["NOT_FOUND"]


async def test_many_who_follow_from_one_process_read_a_change_once(client, save, relay, begun, monkeypatch):
    ada, event = await an_event(save)
    readings = []
    original = availability.AvailabilityStream.read

    async def counted(*arguments):
        readings.append(arguments)
        return await original(*arguments)

    async with AsyncExitStack() as stack:
        following = [await stack.enter_async_context(watching(client(), event)) for _ in range(20)]
        waiting = [asyncio.ensure_future(one()) for one in following]
        await begun(20)
        monkeypatch.setattr(availability.AvailabilityStream, "read", counted)
        await client(ada).execute(REGISTER, eventId=event)
        entries = await asyncio.wait_for(asyncio.gather(*waiting), 5)

    assert [entry["taken"] for entry in entries] == [1] * 20
    # Once for all, unless some were still beginning to follow: those may have read it before the reads were counted.
    assert len(readings) < 4
