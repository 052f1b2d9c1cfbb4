"""A deadline of ours cancels as `asyncio.timeout` does."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import pytest

from transport.operations.deadline import Deadlines


class Sync(AbstractAsyncContextManager[None]):
    def __init__(self, seconds: float) -> None:
        self._deadline = Deadlines(seconds).block()

    async def __aenter__(self) -> None:
        self._deadline.__enter__()

    async def __aexit__(self, *raised: Any) -> None:
        self._deadline.__exit__(*raised)


KINDS = pytest.mark.parametrize("limit", [asyncio.timeout, Sync], ids=["asyncio", "ours"])


@KINDS
async def test_work_that_is_late_ends_with_a_timeout_and_the_task_goes_on(limit):
    with pytest.raises(TimeoutError):
        async with limit(0.01):
            await asyncio.sleep(5)

    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0
    await asyncio.sleep(0)


@KINDS
async def test_work_in_time_is_left_alone(limit):
    async with limit(0.1):
        await asyncio.sleep(0)
    await asyncio.sleep(0.15)


@KINDS
@pytest.mark.parametrize("error", [ValueError, KeyError])
async def test_other_errors_pass(limit, error):
    with pytest.raises(error):
        async with limit(5):
            raise error


@KINDS
async def test_a_cancellation_from_outside_stays_one(limit):
    async def work() -> None:
        async with limit(0.03):
            await asyncio.sleep(5)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.05)


@KINDS
async def test_a_cancellation_and_the_deadline_at_once_are_a_cancellation(limit):
    async def work() -> None:
        async with limit(0.0):
            await asyncio.sleep(5)

    task = asyncio.create_task(work())
    asyncio.get_running_loop().call_later(0.0, task.cancel)

    with pytest.raises(asyncio.CancelledError):
        await task


@KINDS
async def test_the_inner_of_two_ends_first(limit):
    inner = False
    with pytest.raises(TimeoutError):
        async with limit(0.25):
            with pytest.raises(TimeoutError):
                async with limit(0.005):
                    await asyncio.sleep(5)
            inner = True
            await asyncio.sleep(5)

    assert inner


@KINDS
async def test_work_that_ends_with_its_deadline_and_swallows_it_goes_on(limit):
    async with limit(0.005):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(5)

    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0


async def test_each_of_many_ends_in_its_own_time():
    deadlines = Deadlines(0.05)
    loop = asyncio.get_running_loop()
    began = loop.time()
    late: dict[int, float] = {}

    async def work(number: int, seconds: float) -> None:
        await asyncio.sleep(number * 0.02)
        start = loop.time()
        try:
            with deadlines.block():
                await asyncio.sleep(seconds)
        except TimeoutError:
            late[number] = loop.time() - start

    await asyncio.gather(*(work(number, 5 if number % 2 else 0.001) for number in range(6)))

    assert sorted(late) == [1, 3, 5]
    assert all(0.045 <= seconds < 0.5 for seconds in late.values()), late
    assert loop.time() - began < 1
    await asyncio.sleep(0.06)
    with deadlines.block():
        await asyncio.sleep(0)


def test_deadlines_go_on_in_another_event_loop():
    deadlines = Deadlines(0.02)

    async def late() -> bool:
        try:
            with deadlines.block():
                await asyncio.sleep(5)
        except TimeoutError:
            return True
        return False

    async def quick() -> None:
        with deadlines.block():
            await asyncio.sleep(0)

    asyncio.run(quick())

    assert asyncio.run(late())
    assert asyncio.run(late())
