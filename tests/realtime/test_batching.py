from __future__ import annotations

import asyncio

import pytest

from realtime.batching import MOST_KEYS, MOST_WORKING, Batcher


class Clerk:
    """Answers when told to, and notes what was asked for together."""

    def __init__(self):
        self.calls, self.may_answer = [], asyncio.Event()
        self.may_answer.set()

    async def work(self, keys):
        self.calls.append(list(keys))
        await self.may_answer.wait()
        if "bad" in keys:
            raise OSError("bad")
        return {key: key * 2 for key in keys if key != "unknown"}


async def test_what_is_asked_for_at_the_same_time_is_one_call_and_each_gets_their_own():
    clerk = Clerk()
    together = Batcher(clerk.work)

    found = await asyncio.gather(*(together.load(key) for key in ("a", "b", "a", "unknown")))

    assert found == ["aa", "bb", "aa", None]
    assert clerk.calls == [["a", "b", "unknown"]]


async def test_what_comes_while_all_are_busy_waits_for_one_call_together():
    clerk = Clerk()
    together = Batcher(clerk.work)
    clerk.may_answer.clear()
    asking = []
    for key in range(MOST_WORKING + 3):
        asking.append(asyncio.create_task(together.load(key)))
        for _ in range(3):
            await asyncio.sleep(0)
    busy = [list(call) for call in clerk.calls]
    clerk.may_answer.set()

    assert await asyncio.gather(*asking) == [key * 2 for key in range(MOST_WORKING + 3)]
    assert busy == [[key] for key in range(MOST_WORKING)]
    assert clerk.calls[MOST_WORKING:] == [[MOST_WORKING, MOST_WORKING + 1, MOST_WORKING + 2]]


async def test_no_call_asks_for_more_than_is_allowed():
    clerk = Clerk()
    together = Batcher(clerk.work)

    await asyncio.gather(*(together.load(key) for key in range(MOST_KEYS + 1)))

    assert [len(call) for call in clerk.calls] == [MOST_KEYS, 1]


async def test_a_call_that_fails_fails_for_those_who_asked_and_for_nobody_later():
    clerk = Clerk()
    together = Batcher(clerk.work)

    found = await asyncio.gather(together.load("bad"), together.load("good"), return_exceptions=True)

    assert [type(one) for one in found] == [OSError, OSError]
    assert await together.load("good") == "goodgood"


async def test_who_is_cancelled_takes_nothing_from_the_others():
    clerk = Clerk()
    together = Batcher(clerk.work)
    clerk.may_answer.clear()
    first, second = (asyncio.create_task(together.load("same")) for _ in range(2))
    for _ in range(3):
        await asyncio.sleep(0)
    first.cancel()
    clerk.may_answer.set()

    assert await second == "samesame"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_call_that_fails_may_be_tried_for_each_by_itself():
    clerk = Clerk()
    together = Batcher(clerk.work, isolates=True)

    found = await asyncio.gather(*(together.load(key) for key in ("a", "bad", "b")), return_exceptions=True)

    assert [found[0], type(found[1]), found[2]] == ["aa", OSError, "bb"]
    assert clerk.calls == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]


async def test_nothing_is_done_for_those_who_have_left():
    clerk = Clerk()
    together = Batcher(clerk.work)
    clerk.may_answer.clear()
    asking = []
    for key in range(MOST_WORKING + 2):
        asking.append(asyncio.create_task(together.load(key)))
        for _ in range(3):
            await asyncio.sleep(0)
    asking[-1].cancel()
    await asyncio.sleep(0)
    clerk.may_answer.set()

    await asyncio.gather(*asking, return_exceptions=True)

    assert clerk.calls[MOST_WORKING:] == [[MOST_WORKING]]


async def test_who_asks_in_the_turn_in_which_all_calls_end_is_answered():
    """All calls end in one turn of the loop, and the first whom they answer asks again before it is over."""
    gates: list[asyncio.Future[None]] = []

    async def work(keys):
        gates.append(asyncio.get_running_loop().create_future())
        await gates[-1]
        return {key: key for key in keys}

    together = Batcher(work)

    async def ask(*keys: str) -> list[str | None]:
        return [await together.load(key) for key in keys]

    asking = []
    for number, keys in enumerate((["a", "again"], *([str(one)] for one in range(1, MOST_WORKING))), 1):
        asking.append(asyncio.create_task(ask(*keys)))
        async with asyncio.timeout(5):
            while len(gates) < number:
                await asyncio.sleep(0)
    for gate in gates:
        gate.set_result(None)
    async with asyncio.timeout(5):
        while not all(one.done() for one in asking):
            await asyncio.sleep(0)
            for gate in gates:
                if not gate.done():
                    gate.set_result(None)

    assert asking[0].result() == ["a", "again"]
