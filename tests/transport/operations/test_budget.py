"""What one caller may use up in a minute, with Redis and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import pytest
from redis.asyncio import Redis

from auth.viewer import GUEST, Viewer
from integrations.quick_redis import QuickRedis
from integrations.token_buckets import Balance
from schema.core.context import Caller, Context
from tests.clients import NO_TLS, free_port
from tests.factories import make_user
from tests.sockets import Failed, Socket
from transport.observing.metrics import Metrics
from transport.operations.budget import SLICES, Budget
from transport.operations.operations import Operations
from transport.operations.requests import BadRequest, Parameters

MINUTE = 6_000
"""Tokens: 100 a second, which is also a slice."""
SLICE = MINUTE // SLICES


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def nowhere() -> AsyncIterator[QuickRedis]:
    """A Redis that refuses connections."""
    made = QuickRedis(f"redis://127.0.0.1:{free_port()}", pause=60)
    yield made
    await made.disconnect()


def someone() -> Viewer:
    return Viewer(make_user())


def budget(redis: QuickRedis, **options: object) -> Budget:
    return Budget(redis, **{"users": MINUTE, "guests": MINUTE} | options)


async def test_a_full_bucket_can_be_spent_at_once_and_no_more(redis):
    spending, ada = budget(redis), someone()

    paid = [await spending.take(ada, "", 1_000) for _ in range(7)]

    assert [balance.wait for balance in paid[:6]] == [0] * 6
    assert paid[0].remaining == MINUTE - 1_000
    assert 8 <= paid[6].wait <= 10


async def test_a_bucket_fills_up_again(redis):
    spending, ada = budget(redis), someone()
    await spending.take(ada, "", MINUTE)

    refused = await spending.take(ada, "", 100)
    await asyncio.sleep(1.2)
    paid = await spending.take(ada, "", 100)

    assert (refused.wait, paid.wait) == (1, 0)


async def test_callers_do_not_pay_for_each_other(redis):
    spending, ada = budget(redis), someone()
    await spending.take(ada, "203.0.113.5", MINUTE)

    assert (await spending.take(ada, "203.0.113.5", 1_000)).wait > 0
    assert (await spending.take(someone(), "203.0.113.5", 1_000)).wait == 0
    assert (await spending.take(GUEST, "203.0.113.5", 1_000)).wait == 0


async def test_guests_of_one_network_share_a_bucket(redis):
    spending = budget(redis)
    await spending.take(GUEST, "2001:db8:1:2::1", MINUTE)

    assert (await spending.take(GUEST, "2001:db8:1:2:ffff::9", 1_000)).wait > 0
    assert (await spending.take(GUEST, "2001:db8:1:3::1", 1_000)).wait == 0


async def test_processes_share_a_bucket(redis):
    first, second, ada = budget(redis), budget(redis), someone()

    paid = await asyncio.gather(*[one.take(ada, "", 500) for one in (first, second) for _ in range(20)])

    assert sum(500 for balance in paid if not balance.wait) == MINUTE


async def test_most_queries_do_not_ask_redis(redis, settings, monkeypatch):
    spending, ada = budget(redis), someone()
    asked = []
    run = redis.run

    async def counted(*arguments, **options):
        asked.append(options["arguments"])
        return await run(*arguments, **options)

    monkeypatch.setattr(redis, "run", counted)
    for _ in range(50):
        await spending.take(ada, "", 4)

    assert asked == [[MINUTE, 4, SLICE, 60_000]] * 2


async def test_a_flood_of_refused_requests_does_not_ask_redis(redis, monkeypatch):
    clock = Clock()
    spending, ada = budget(redis, clock=clock), someone()
    await spending.take(ada, "", MINUTE)
    await spending.take(ada, "", 100)
    run, asked = redis.run, []

    async def counted(*arguments, **options):
        asked.append(options["arguments"])
        return await run(*arguments, **options)

    monkeypatch.setattr(redis, "run", counted)
    waits = [(await spending.take(ada, "", cost)).wait for cost in (100, 100, 200)]
    clock.now += 1
    await spending.take(ada, "", 5_000)

    assert waits == [1, 1, 2]
    assert asked == [[MINUTE, 5_000, 5_000, 60_000]]


async def test_an_operation_dearer_than_a_bucket_needs_a_full_one_and_leaves_a_debt(redis):
    spending, ada = budget(redis), someone()

    paid = await spending.take(ada, "", MINUTE + 1_000)
    refused = await spending.take(ada, "", 50)

    assert paid == Balance(0, 0)
    assert 9 <= refused.wait <= 11
    assert 66 < (await spending.take(ada, "", MINUTE + 1_000)).wait <= 70


async def test_a_bucket_that_is_full_again_is_forgotten(redis, settings):
    ada = someone()
    await budget(redis).take(ada, "", 600)

    async with Redis.from_url(settings.redis_url) as client:
        milliseconds = await client.pttl(f"wingding:budget:user:{ada.id}")

    assert 6_500 < milliseconds <= 7_000


async def test_zero_means_no_limit(nowhere):
    spending = budget(nowhere, users=0, guests=0)

    assert await spending.take(someone(), "", 10**9) == Balance(None, 0)
    assert await spending.take(GUEST, "203.0.113.5", 10**9) == Balance(None, 0)


async def test_without_redis_the_process_has_buckets_of_its_own(nowhere):
    clock = Clock()
    spending, ada = budget(nowhere, clock=clock), someone()

    paid = [await spending.take(ada, "", 2_000) for _ in range(3)]
    refused = await spending.take(ada, "", 500)
    clock.now += 5
    again = await spending.take(ada, "", 500)

    assert paid == [Balance(4_000), Balance(2_000), Balance(0)]
    assert refused == Balance(0, 5)
    assert again == Balance(0, 0)


async def test_a_redis_that_does_not_answer_delays_one_request_and_not_the_next_ones(unused_server):
    redis = QuickRedis(f"redis://127.0.0.1:{unused_server}", patience=0.2, pause=60)
    spending, loop = budget(redis), asyncio.get_running_loop()

    started = loop.time()
    await asyncio.gather(*[spending.take(someone(), "", 10) for _ in range(50)])
    first = loop.time() - started
    await asyncio.gather(*[spending.take(someone(), "", 10) for _ in range(50)])
    await redis.disconnect()

    assert 0.2 <= first < 2
    assert loop.time() - started - first < 1


@pytest.fixture
async def unused_server() -> AsyncIterator[int]:
    """The port of a server that takes connections and says nothing."""

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(5)
        finally:
            writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_redis_is_asked_again_after_a_pause(settings):
    redis = QuickRedis(settings.redis_url, patience=5, pause=0.2)
    ada = someone()
    redis._away_until = asyncio.get_running_loop().time() + 0.2
    spending = budget(redis)

    alone = await spending.take(ada, "", 1_000)
    await asyncio.sleep(0.25)
    together = await budget(redis).take(ada, "", 1_000)
    await redis.disconnect()

    assert (alone.remaining, together.remaining) == (MINUTE - 1_000, MINUTE - 1_000)


async def test_the_purses_of_a_process_are_bounded(nowhere, monkeypatch):
    monkeypatch.setattr("integrations.token_buckets.MOST_KEYS", 10)
    spending = budget(nowhere)

    for _ in range(30):
        await spending.take(someone(), "", 1)

    assert len(spending._buckets._local) == 10


async def test_the_refusal_says_when_to_come_back_and_in_the_callers_language(ports, schema, redis):
    operations = Operations(schema, Metrics(), None, timeout=5, max_cost=MINUTE, budget=budget(redis))
    context = Context(
        ports=ports, caller=Caller(address=f"203.0.113.{uuid4().int % 250}", accept_language="ru"), viewer=someone()
    )
    await operations._budget.take(context.viewer, "", MINUTE)

    with operations.observing("http") as seen, pytest.raises(BadRequest) as refused:
        operation = await operations.prepare(Parameters("{ events(first: 79) { nodes { id } } }", None, None), seen, "")
        await operations.admit(operation, context, seen)

    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
    (error,) = refused.value.body["errors"]
    # A token comes back every few milliseconds.
    assert error["extensions"]["cost"].pop("remaining") < 50
    assert error == {
        "message": "Вы запросили слишком много за короткое время. Повторите через 1 секунду.",
        "extensions": {
            "code": "RATE_LIMITED",
            "cost": {"requested": 100, "maximum": MINUTE, "retryAfter": 1},
        },
    }
    assert (seen.outcome, seen.statements.count) == ("refused", 0)


@pytest.mark.outside
async def test_every_transport_says_that_the_budget_is_spent(start_server):
    server = await asyncio.to_thread(start_server, GUEST_COST_PER_MINUTE="1700", MAX_COST="1200")
    query = "{ events(first: 0) { totalCount } }"
    new = "{ __typename " * 20 + "}" * 20

    async with httpx2.AsyncClient(base_url=server.url, verify=NO_TLS) as http:
        paid = [
            (await http.post("/graphql", json={"query": query, "extensions": {"cost": True}})).json() for _ in range(2)
        ]
        refused = await http.post("/graphql", json={"query": query})
        unread = await http.post("/graphql", json={"query": new})
        unsent = await http.post("/graphql", json={"query": query, "variables": {"x": "x" * 100_000}})
        long = [await http.post("/graphql", json={"query": "", "variables": {"x": "x" * 900_000}}) for _ in range(5)]
        streamed = await http.get("/graphql/stream", params={"query": query})
        metrics = (await http.get("/metrics")).text
    async with Socket.connect(server.ws_url) as socket:
        with pytest.raises(Failed) as failed:
            await socket.run(query)
        with pytest.raises(Failed) as invalid:
            await socket.run("{ nonsense }")

    remaining = [body["extensions"]["cost"]["remaining"] for body in paid]
    # The document itself costs 425, once.
    assert 754 <= remaining[0] < 1_000 and 233 <= remaining[1] < 521
    assert (refused.status_code, streamed.status_code) == (429, 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 11
    asked = [one.json()["errors"][0]["extensions"]["cost"]["requested"] for one in (unread, unsent)]
    assert (unread.status_code, unsent.status_code, asked) == (429, 429, [1_600, 9_597])
    # The answer is read by who is still writing, too.
    assert [one.status_code for one in long] == [429] * 5
    told = [refused.json()["errors"][0], streamed.json()["errors"][0], failed.value.errors[0]]
    assert [error["extensions"]["code"] for error in told] == ["RATE_LIMITED"] * 3
    assert [error["extensions"]["cost"]["requested"] for error in told] == [521] * 3
    assert invalid.value.codes == ["BAD_USER_INPUT"]
    assert 'wingding_refusals_total{reason="RATE_LIMITED"} 9.0' in metrics
