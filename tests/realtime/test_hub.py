from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from database import StatementLog, statements
from realtime.hub import QUEUE_SIZE, Gap, Hub
from realtime.redis_backend import PREFIX


@pytest.fixture
async def hub(environment) -> AsyncIterator[Hub]:
    made = Hub(environment["REDIS_URL"])
    await made.connect()
    await until(lambda: made.is_connected)
    yield made
    await made.disconnect()


async def until(is_so, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.01)


async def messages(listener, number: int) -> list[str]:
    """The next messages, gaps aside."""
    found: list[str] = []
    async with asyncio.timeout(5):
        while len(found) < number:
            event = await listener.get()
            if not isinstance(event, Gap):
                found.append(event.message)
    return found


async def test_everyone_who_joins_at_once_hears_the_first_message(hub):
    is_in, publish = [], asyncio.Event()

    async def listen(channel: str) -> list[str]:
        async with hub.listen(channel, "all") as listener:
            is_in.append(channel)
            await publish.wait()
            return await messages(listener, 2)

    tasks = [asyncio.create_task(listen(f"room {number % 5}")) for number in range(50)]
    await until(lambda: len(is_in) == 50)
    await hub.publish_all([(f"room {number}", "one") for number in range(5)] + [("all", "two")])
    publish.set()

    assert await asyncio.gather(*tasks) == [["one", "two"]] * 50


async def test_nothing_is_lost_where_joining_and_leaving_cross(hub):
    async def join_and_leave(number: int) -> int:
        async with hub.listen("crossing") as listener:
            await hub.publish_all([("crossing", str(number))])
            async with asyncio.timeout(5):
                while True:
                    event = await listener.get()
                    if isinstance(event, Gap) or event.message == str(number):
                        return number

    found = [await join_and_leave(number) for number in range(100)]
    found += await asyncio.gather(*(join_and_leave(number) for number in range(100, 200)))

    assert found == list(range(200))


async def test_redis_restarts_and_listeners_go_on_after_a_gap(hub, servers):
    async with hub.listen("news") as listener:
        await hub.publish_all([("news", "before")])
        before = await messages(listener, 1)

        await asyncio.to_thread(servers.restart_redis, down_seconds=0.3)
        async with asyncio.timeout(10):
            event = await listener.get()
        gap = (type(event), event.channel)
        await publish_when_back(hub, "after")
        after = await messages(listener, 1)

    assert (before, gap, after) == (["before"], (Gap, "news"), ["after"])


async def publish_when_back(hub, message):
    async with asyncio.timeout(5):
        while True:
            try:
                await hub.publish_all([("news", message)])
                return
            except OSError:
                await asyncio.sleep(0.05)
            except Exception as error:
                assert "onnect" in type(error).__name__
                await asyncio.sleep(0.05)


async def test_who_joins_while_redis_is_away_is_not_kept_waiting(environment):
    hub = Hub("unix:///nowhere/redis")
    await hub.connect()
    async with asyncio.timeout(0.5), hub.listen("news"):
        pass
    await hub.disconnect()


@pytest.fixture
async def watchful(environment, monkeypatch) -> AsyncIterator[Hub]:
    """Asks Redis for a sign of life after 50 ms of silence."""
    monkeypatch.setattr(Hub, "SILENCE", 0.05)
    made = Hub(environment["REDIS_URL"])
    await made.connect()
    await until(lambda: made.is_connected)
    yield made
    await made.disconnect()


async def test_a_quiet_connection_is_kept(watchful):
    reconnections = []
    watchful.on_reconnect = lambda: reconnections.append(1)
    async with watchful.listen("quiet") as listener:
        await asyncio.sleep(0.3)
        await watchful.publish_all([("quiet", "still there")])
        found = await messages(listener, 1)

    assert found == ["still there"]
    assert reconnections == []


async def test_a_connection_that_does_not_answer_is_made_anew(watchful, environment):
    reconnections = []
    watchful.on_reconnect = lambda: reconnections.append(1)
    async with Redis.from_url(environment["REDIS_URL"]) as redis:
        await redis.client_pause(300)

    await until(lambda: reconnections)

    async with watchful.listen("quiet") as listener:
        await watchful.publish_all([("quiet", "back again")])
        assert await messages(listener, 1) == ["back again"]


async def test_a_slow_listener_gets_one_gap_instead_of_a_growing_queue(hub):
    async with hub.listen("flood") as listener:
        await hub.publish_all([("flood", str(number)) for number in range(QUEUE_SIZE + 1)])
        await until(lambda: any(isinstance(event, Gap) for event in listener._queue._queue))

        heard = listener.get_all()

    assert len(heard) == 1
    assert isinstance(heard[0], Gap)


async def test_a_message_that_is_no_text_deafens_nobody(hub, environment):
    redis = Redis.from_url(environment["REDIS_URL"])
    async with hub.listen("news") as listener:
        await redis.publish(PREFIX + "news", b"\xff\xfe")
        await hub.publish_all([("news", "fine")])
        found = await messages(listener, 2)
    await redis.aclose()

    assert found[1] == "fine"


async def test_listeners_that_are_cancelled_leave_nothing_behind(hub, environment):
    async def listen() -> None:
        async with hub.listen("short", "lived"):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(listen()) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[:10]:
        task.cancel()
    await asyncio.sleep(0.05)
    for task in tasks[10:]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    redis = Redis.from_url(environment["REDIS_URL"])
    async with asyncio.timeout(5):
        while any(number for _, number in await redis.pubsub_numsub(f"{PREFIX}short", f"{PREFIX}lived")):
            await asyncio.sleep(0.01)
    await redis.aclose()
    assert hub._listeners == {}


async def test_what_all_listeners_read_is_read_once_until_the_next_message(hub):
    readings = []

    async def read() -> int:
        readings.append(1)
        await asyncio.sleep(0.01)
        return len(readings)

    async with hub.listen("shared") as listener:
        first = await asyncio.gather(*(hub.once("shared", 0, read) for _ in range(10)))
        await hub.publish_all([("shared", "news")])
        await messages(listener, 1)
        second = await asyncio.gather(*(hub.once("shared", 0, read) for _ in range(10)))

    assert (first, second) == ([1] * 10, [2] * 10)


async def test_a_reading_that_failed_is_tried_again_and_survives_who_began_it(hub):
    outcomes = iter([ValueError("once"), 7])

    async def read() -> int:
        await asyncio.sleep(0.01)
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with pytest.raises(ValueError, match="once"):
        await hub.once("shared", 0, read)
    began = asyncio.create_task(hub.once("shared", 0, read))
    await asyncio.sleep(0)
    joined = asyncio.create_task(hub.once("shared", 0, read))
    await asyncio.sleep(0)
    began.cancel()

    assert await joined == 7


async def test_a_shared_reading_outlives_the_operation_that_began_it(hub, ports):
    """When an operation ends, its statements are cancelled; what others wait for is not one of them."""
    own = StatementLog()

    async def read() -> int:
        async with ports.database.reading() as session:
            await session.execute(text("SELECT pg_sleep(0.1)"))
        return 7

    async def begin() -> None:
        statements.set(own)
        await hub.once("shared", 0, read)

    async with hub.listen("shared"):
        began = asyncio.create_task(begin())
        await asyncio.sleep(0.05)
        joined = asyncio.create_task(hub.once("shared", 0, read))
        await asyncio.sleep(0)
        began.cancel()
        own.cancel()

        assert await joined == 7
