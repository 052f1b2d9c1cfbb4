"""Who sends many requests at once, beside somebody who sends one, and beside nobody."""

from __future__ import annotations

import asyncio

from documents.slices import in_slices, pause_if_due
from transport.operations.pacing import MOST_ALONE, RequestPacer
from transport.operations.refusal_delay import FREE, LEAST, RefusalDelay


async def test_a_network_begins_one_request_in_a_turn_where_there_are_others():
    pace, begun = RequestPacer(), []
    for number in range(5):
        pace.start("2001:db8::1", lambda number=number: begun.append(number))
    pace.start("2001:db8::2", lambda: begun.append("of the same /64"))
    pace.start("203.0.113.5", lambda: begun.append("somebody else"))

    assert begun == [0, "somebody else"]
    for expected in (1, 2, 3, 4, "of the same /64"):
        await asyncio.sleep(0)
        assert begun[-1] == expected
    await asyncio.sleep(0)
    assert (len(begun), pace._lines) == (7, {})


async def test_who_is_alone_begins_several_in_a_turn():
    pace, begun = RequestPacer(), []
    pace._last = "203.0.113.5"

    for number in range(MOST_ALONE + 3):
        pace.start("203.0.113.5", lambda number=number: begun.append(number))

    assert begun == list(range(MOST_ALONE))
    await asyncio.sleep(0)
    assert begun == list(range(MOST_ALONE + 3))


async def test_long_work_lets_others_go_on_and_ends_as_it_would():
    def work(pieces: int) -> int:
        until = asyncio.get_running_loop().time() + 0.02
        while asyncio.get_running_loop().time() < until:
            pause_if_due()
        if not pieces:
            raise ZeroDivisionError
        return pieces

    working = asyncio.create_task(in_slices(work, 7))
    turns = 0
    while not working.done():
        await asyncio.sleep(0)
        turns += 1

    assert (await working, turns > 5) == (7, True)
    (failed,) = await asyncio.gather(in_slices(work, 0), return_exceptions=True)
    assert isinstance(failed, ZeroDivisionError)


async def test_many_refusals_are_told_later():
    holding, loop = RefusalDelay(), asyncio.get_running_loop()

    await asyncio.gather(*(holding.delay_refusal("203.0.113.5") for _ in range(FREE)))
    began = loop.time()
    await holding.delay_refusal("203.0.113.6")
    at_once = loop.time() - began
    holding._second, holding._refused["203.0.113.5"] = int(loop.time()), FREE
    await holding.delay_refusal("203.0.113.5")

    assert loop.time() - began >= LEAST > at_once
