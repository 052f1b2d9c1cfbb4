from __future__ import annotations

import asyncio

from outbox.relay import Relay
from realtime.tasks import end


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same():
    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    async def failing() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(failing())]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end(tasks)

    assert all(task.done() for task in tasks)


async def test_a_relay_stops_also_in_the_moment_in_which_it_is_woken(ports):
    for pauses in range(6):
        relay = Relay(ports.database, {"live": lambda *_: asyncio.sleep(0)}, interval=60)
        relay.start()
        await asyncio.sleep(0.05)
        relay.wake()
        for _ in range(pauses):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await relay.stop()
