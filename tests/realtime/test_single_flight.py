from __future__ import annotations

import asyncio

import pytest

from realtime.single_flight import SingleFlight


class Desk:
    """Counts the calls that are begun, and ends them when told to."""

    def __init__(self):
        self.begun, self.may_end = 0, asyncio.Event()

    async def call(self):
        self.begun += 1
        number = self.begun
        await self.may_end.wait()
        if number == 1:
            raise OSError
        return number


async def asked(flight, desk, key="a"):
    found = asyncio.create_task(flight.get(key, desk.call))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return found


async def test_those_who_ask_meanwhile_share_one_call_and_its_failure():
    flight, desk = SingleFlight(), Desk()
    asking = [await asked(flight, desk) for _ in range(3)]
    desk.may_end.set()

    found = await asyncio.gather(*asking, return_exceptions=True)

    assert [type(one) for one in found] == [OSError] * 3
    assert await flight.get("a", desk.call) == 2
    assert await flight.get("a", desk.call) == 3


async def test_results_that_are_kept_are_the_newest_and_never_failures():
    flight, desk = SingleFlight(kept=2), Desk()
    desk.may_end.set()

    with pytest.raises(OSError):
        await flight.get("a", desk.call)

    assert [await flight.get(key, desk.call) for key in "abacb"] == [2, 3, 2, 4, 3]
    assert await flight.get("a", desk.call) == 5


async def test_who_is_cancelled_ends_the_call_for_nobody():
    flight, desk = SingleFlight(), Desk()
    desk.begun = 1
    first, second = await asked(flight, desk), await asked(flight, desk)
    first.cancel()
    desk.may_end.set()

    assert await second == 2
    with pytest.raises(asyncio.CancelledError):
        await first
