"""How many operations run at once, who waits, who is refused, and that one caller takes no more than a share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from auth.password_hashing import MOST_WAITING, Passwords
from database import Busy
from database.operation_slots import slot_released
from settings import Settings
from tests.clients import NO_TLS
from tests.sockets import Failed, Socket
from tests.transport.conftest import RunningServer, metric, serving, until, waiting_statements
from tests.transport.live.test_sse import STREAM, events
from transport.operations.admission_control import LONGEST_RETRY, AdmissionControl, Overloaded

EVENTS = "{ events { nodes { id } } }"


class Works:
    """Operations that run until they are told to end, as `begin` names them."""

    def __init__(self, admission: AdmissionControl) -> None:
        self.admission = admission
        self.running: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, caller: str, name: str = "") -> asyncio.Task[None]:
        name = name or caller
        self._ends[name] = asyncio.Event()

        async def work() -> None:
            async with self.admission.slot(caller):
                self.running.append(name)
                await self._ends[name].wait()

        task = self._tasks[name] = asyncio.create_task(work())
        await settle()
        return task

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
            self.running.remove(name)
        await settle()

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Works]]:
    made: list[Works] = []

    def start(**limits: Any) -> Works:
        made.append(Works(AdmissionControl(**limits)))
        return made[-1]

    yield start
    for one in made:
        await one.stop()
        assert (one.admission.running, one.admission.waiting) == (0, 0)
        assert not one.admission._running and not one.admission._lines and not one.admission._returning


async def test_so_many_run_so_many_wait_and_the_next_is_refused_at_once(make):
    works = make(running=2, waiting=1)
    for name in "abc":
        await works.begin(name)

    refused = await works.begin("d")

    assert works.running == ["a", "b"]
    with pytest.raises(Overloaded):
        refused.result()
    await works.end("a")
    assert works.running == ["b", "c"]


async def test_a_turn_goes_to_whom_has_the_fewest_and_has_waited_longest(make):
    works = make(running=2, waiting=9)
    for number in range(6):
        await works.begin("greedy", f"greedy {number}")
    await works.begin("ada")
    await works.begin("bob")

    for first in ("greedy 0", "greedy 1", "ada", "bob"):
        await works.end(first)

    assert works.running == ["greedy 2", "greedy 3"]


async def test_who_comes_takes_a_place_from_whom_has_the_most(make):
    works = make(running=1, waiting=4)
    greedy = [await works.begin("greedy", f"greedy {number}") for number in range(5)]

    ada = [await works.begin("ada", f"ada {number}") for number in range(3)]

    # Two places each are fair: the third of ada's is refused, not another of theirs.
    assert [isinstance(one.exception(), Overloaded) if one.done() else None for one in greedy] == [
        None, None, None, True, True,
    ]  # fmt: skip
    assert [one.done() for one in ada] == [False, False, True]
    assert works.admission.waiting == 4


async def test_nobody_waits_for_ever(make):
    works = make(running=1, waiting=5, patience=0.01)
    await works.begin("a")

    waiting = await works.begin("b")
    await asyncio.wait({waiting})

    assert isinstance(waiting.exception(), Overloaded)
    assert works.admission.waiting == 0


async def test_who_leaves_the_line_leaves_it_to_others(make):
    works = make(running=1, waiting=2)
    await works.begin("a")
    leaving = await works.begin("b")
    await works.begin("c")

    leaving.cancel()
    await settle()
    await works.begin("d")
    await works.end("a")
    await works.end("c")

    assert works.running == ["d"]


async def test_a_turn_that_comes_to_whom_is_being_cancelled_goes_on_to_the_next(make):
    works = make(running=1, waiting=2)
    await works.begin("a")
    leaving = await works.begin("b")
    await works.begin("c")

    works._ends["a"].set()
    works.running.remove("a")
    await asyncio.sleep(0)
    leaving.cancel()
    await settle()

    assert works.running == ["c"]


async def test_a_turn_is_given_back_while_something_else_is_waited_for():
    admission = AdmissionControl(running=1, waiting=5)
    elsewhere, last, seen = asyncio.Event(), asyncio.Event(), []

    async def hashing() -> None:
        async with admission.slot("a"):
            async with slot_released():
                seen.append(admission.running)
                await elsewhere.wait()
            seen.append("a again")

    async def reading(name: str) -> None:
        async with admission.slot(name):
            seen.append(name)
            if name == "c":
                await last.wait()

    slow = asyncio.create_task(hashing())
    await settle()
    await reading("b")
    quick = [asyncio.create_task(reading(name)) for name in "cd"]
    await settle()
    elsewhere.set()
    await settle()
    last.set()
    await asyncio.gather(slow, *quick)

    # Who had a turn before goes before those who had none yet.
    assert seen == [0, "b", "c", "a again", "d"]
    assert admission.running == 0


async def test_who_is_cancelled_while_their_turn_is_given_back_holds_none():
    admission = AdmissionControl(running=1, waiting=5)

    async def hashing() -> None:
        async with admission.slot("a"), slot_released():
            await asyncio.sleep(60)

    slow = asyncio.create_task(hashing())
    await settle()
    async with admission.slot("b"):
        slow.cancel()
        await asyncio.wait({slow})

    assert (admission.running, slow.cancelled()) == (0, True)


async def test_without_a_turn_there_is_none_to_give_back():
    async with slot_released():
        pass


async def test_the_time_to_come_back_grows_with_the_line_and_differs(make):
    works = make(running=1, waiting=4)
    works.admission._mean = 2.0
    for name in "abcde":
        await works.begin(name)

    told = [(await works.begin("f", f"f{number}")).exception().retry_after for number in range(8)]

    assert sorted(set(told)) == [10, 11, 12, 13]
    works.admission._mean = 100.0
    assert (await works.begin("g")).exception().retry_after == LONGEST_RETRY


async def test_hashing_has_a_line_that_ends(settings, monkeypatch):
    passwords = Passwords(settings)
    monkeypatch.setattr(passwords, "_waiting", MOST_WAITING)

    with pytest.raises(Busy):
        await passwords.hash("a password of some length")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (20, 100)),
        ({"DATABASE_POOL_SIZE": "4"}, (4, 20)),
        ({"RUNNING_OPERATIONS": "3", "WAITING_OPERATIONS": "7"}, (3, 7)),
    ],
)
def test_the_limits_follow_the_pool_unless_they_are_set(environment, expected):
    settings = Settings.load(environment)

    assert (settings.most_running, settings.most_waiting) == expected


@pytest.fixture
async def small(environment: dict[str, str]) -> AsyncIterator[RunningServer]:
    limits = {"RUNNING_OPERATIONS": "2", "WAITING_OPERATIONS": "1", "OPERATION_TIMEOUT": "10"}
    async with serving(environment | limits) as running:
        yield running


async def test_every_transport_refuses_at_once_while_as_many_as_may_be_run(small, ports):
    request = {"query": EVENTS}
    async with (
        httpx2.AsyncClient(base_url=small.url, timeout=10, verify=NO_TLS) as http,
        Socket.connect(small.ws_url) as socket,
    ):
        async with ports.database.engine.connect() as connection:
            await connection.execute(text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
            running = [asyncio.create_task(http.post("/graphql", json=request)) for _ in range(3)]
            await until(lambda: is_two(waiting_statements(ports)))
            loop = asyncio.get_running_loop()
            began = loop.time()
            posted = await http.post("/graphql", json=request)
            with pytest.raises(Failed) as failed:
                await socket.run(EVENTS)
            with pytest.raises(Failed) as watching:
                await socket.run('subscription { availabilityChanged(eventId: "x") { __typename } }')
            async with http.stream("POST", "/graphql/stream", json=request, headers=STREAM) as streamed:
                streams = [item async for _, item in events(streamed) if item]
            cheap = await http.post("/graphql", json={"query": "{ __typename }"})
            counted = [
                await metric(http, name)
                for name in (
                    "wingding_operations_running",
                    "wingding_operations_waiting",
                    'wingding_refusals_total{reason="OVERLOADED"}',
                )
            ]
            took = loop.time() - began
            await connection.rollback()
        answers = await asyncio.gather(*running)

    told = [posted.json()["errors"], failed.value.errors, watching.value.errors, streams[0]["errors"]]
    extensions = [error["extensions"] for (error,) in told]
    assert [(one["code"], one["reason"]) for one in extensions] == [("UNAVAILABLE", "OVERLOADED")] * 4
    assert (posted.status_code, posted.headers["retry-after"]) == (503, str(extensions[0]["retryAfter"]))
    assert all(1 <= one["retryAfter"] <= 5 for one in extensions)
    assert told[0][0]["message"] == "There are too many requests right now. Try again in a moment."
    assert cheap.json() == {"data": {"__typename": "Query"}}
    assert counted == [2, 1, 4]
    assert took < 3
    assert [answer.status_code for answer in answers] == [200] * 3


async def is_two(count: Any) -> bool:
    return await count() == 2


async def test_one_caller_has_a_fifth_of_the_turns_and_others_do_not_wait_behind_them():
    admission = AdmissionControl(running=50, waiting=50)
    ready = [admission.try_take("ada") for _ in range(11)]
    waiting = asyncio.create_task(admission.wait("ada"))
    await asyncio.sleep(0)

    assert ready == [True] * 10 + [False]
    assert admission.try_take("bob")
    admission.release("bob")
    assert not waiting.done()
    admission.release("ada")
    await waiting
