"""Requests nested without end, numbers of any size and shapes that nobody expects: refused by a code, never a 5xx."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from documents.limits import MAX_INPUT_DEPTH
from tests.sockets import Completed, Failed, Socket, Subscription
from tests.transport.live.test_sse import STREAM, events

FILTERED = "query ($x: EventFilter) { events(filter: $x) { nodes { id } } }"
SIZED = "query ($x: Int) { events(first: $x) { nodes { id } } }"
INTROSPECTION = "{ __schema { queryType { name } } }"
LIMIT = ("BAD_USER_INPUT", "LIMIT")
WRONG = ("BAD_USER_INPUT", None)
INVALID = ("BAD_USER_INPUT", "INVALID")
JSON = {"Content-Type": "application/json"}


def within(levels: int, *, left: str = "[", right: str = "]", innermost: str = "") -> str:
    return left * levels + innermost + right * levels


def objects(levels: int) -> str:
    return within(levels, left='{"a":', right="}", innermost="1")


def fields(levels: int) -> str:
    """As `objects`, in a document."""
    return within(levels, left="{a:", right="}", innermost="1")


def request(document: str, variable: str = "null", *, more: str = "") -> str:
    return f'{{"query":{orjson.dumps(document).decode()},"variables":{{"x":{variable}}}{more}}}'


DEEP = (MAX_INPUT_DEPTH + 1, 990, 1000)
REQUESTS: list[tuple[str, tuple[str, str | None]]] = [
    *((request(FILTERED, within(levels)), LIMIT) for levels in DEEP),
    *((request(FILTERED, objects(levels)), LIMIT) for levels in DEEP),
    *((request(INTROSPECTION, objects(levels)), LIMIT) for levels in DEEP),
    *((request(FILTERED, more=f',"extensions":{{"a":{objects(levels)}}}'), LIMIT) for levels in DEEP),
    *((request(FILTERED, more=f',"a":{{"a":{within(levels)}}}'), LIMIT) for levels in DEEP),
    *((request(f"{{ nodes(ids: {within(levels)}) {{ id }} }}"), LIMIT) for levels in (31, 80, 900)),
    *((request(f"{{ node(id: {fields(levels)}) {{ id }} }}"), LIMIT) for levels in (31, 80, 900)),
    *((request(f"query ($a: {within(levels, innermost='Int')}) {{ __typename }}"), LIMIT) for levels in (31, 900)),
    *((request(f"query ($a: [ID] = {within(levels)}) {{ __typename }}"), LIMIT) for levels in (31, 900)),
    *((request(f"{{ __typename @include(if: {within(levels)}) }}"), LIMIT) for levels in (31, 900)),
    (request("{ " + within(300, left="... { ", right="}", innermost="__typename") + " }"), LIMIT),
    (request("{ " + within(300, left="a { ", right="}", innermost="a") + " }"), LIMIT),
    (request(f"{{ events(first: {'9' * 5000}) {{ nodes {{ id }} }} }}"), LIMIT),
    (request(f"{{ node(id: -{'9' * 5000}) {{ id }} }}"), LIMIT),
    (request(FILTERED, f"[{','.join(['[]'] * 2_000)}]"), LIMIT),
    (request(FILTERED, within(MAX_INPUT_DEPTH)), INVALID),
    (request(SIZED, str(2**63)), INVALID),
    (request(SIZED, str(2**64)), INVALID),
    (request(SIZED, "-1e308"), INVALID),
    (request(SIZED, "true"), INVALID),
    (request(FILTERED, orjson.dumps({f"k{number}": 1 for number in range(500)}).decode()), INVALID),
    (request(FILTERED, '{"a\\u0000":1}'), INVALID),
    (request("query A { __typename }", more=f',"operationName":"{"x" * 50_000}"'), WRONG),
]  # fmt: skip
NO_REQUESTS: list[tuple[str | bytes, tuple[str, str | None]]] = [
    *((text, WRONG) for text in ("", "[]", "null", '"x"', "5", "{}", "{", b'{"query":"\xff"}')),
    *((request(SIZED, number), WRONG) for number in ("9" * 5000, "1e999", "NaN", "Infinity", '"\\ud800"', "-", "01")),
    *((request(FILTERED, within(levels)), LIMIT) for levels in (1030, 50_000)),
    *((request(FILTERED, objects(levels)), LIMIT) for levels in (1030, 20_000)),
    ('{"query":"{ __typename }","operationName":["a"]}', WRONG),
    ('{"query":"{ __typename }","variables":[]}', WRONG),
    ('{"query":"{ __typename }","extensions":"x"}', WRONG),
    ('{"query":"{ __typename }","documentId":{"a":1}}', WRONG),
    ('{"query":"{ __typename }","extensions":{"persistedQuery":[[[]]]}}', WRONG),
]
"""What no operation can be made of: over a WebSocket they break the protocol."""


def told(body: Any) -> tuple[str, str | None]:
    extensions = body["errors"][0]["extensions"]
    return extensions["code"], extensions.get("reason")


async def test_whatever_is_posted_is_refused_by_a_code(http):
    async def outcome(text: str | bytes) -> tuple[int, Any]:
        answer = await http.post("/graphql", content=text, headers=JSON)
        return answer.status_code, answer.json()

    assert await wrong(outcome) == {}


async def test_event_streams_refuse_the_same(http):
    async def outcome(text: str | bytes) -> tuple[int, Any]:
        async with http.stream("POST", "/graphql/stream", content=text, headers=JSON | STREAM) as answer:
            if answer.status_code == 200:
                return 200, await anext(body async for _, body in events(answer))
            return answer.status_code, orjson.loads(await answer.aread())

    assert await wrong(outcome) == {}


async def wrong(outcome: Callable[[str | bytes], Awaitable[tuple[int, Any]]]) -> dict[Any, Any]:
    """Status and body of each answer that is not what was expected."""
    asked, turns = [*REQUESTS, *NO_REQUESTS], asyncio.Semaphore(4)

    async def ask(text: str | bytes) -> tuple[int, Any]:
        async with turns:
            return await outcome(text)

    found = await asyncio.gather(*(ask(text) for text, _ in asked))
    return {
        (text[:80], text[-20:]): (status, body)
        for (text, expected), (status, body) in zip(asked, found, strict=True)
        if status not in (200, 400, 422) or told(body) != expected
    }


async def test_a_socket_refuses_the_same_operation_by_operation_and_stays_open(server):
    found = {}
    async with Socket.connect(server.ws_url) as socket:
        for number, (text, expected) in enumerate(REQUESTS):
            running = socket.operations[str(number)] = Subscription(socket, str(number))
            await socket.send_raw(f'{{"type":"subscribe","id":"{number}","payload":{text}}}')
            try:
                code = await running.next()
            except (Failed, Completed) as failed:
                code = told({"errors": failed.errors}) if isinstance(failed, Failed) else "closed"
            if code != expected:
                found[text[:80], text[-20:]] = code

        assert await socket.run("{ __typename }") == {"__typename": "Query"}
    assert found == {}


@pytest.mark.parametrize("text", [text for text, _ in NO_REQUESTS if isinstance(text, str)], ids=lambda text: text[:30])
async def test_a_socket_is_closed_by_what_is_no_message(server, text):
    async with Socket.connect(server.ws_url) as socket:
        await socket.send_raw(f'{{"type":"subscribe","id":"1","payload":{text}}}')

        assert await socket.closed() == 4400


async def test_nesting_within_the_limit_is_not_counted_as_too_deep(http):
    answer = await http.post("/graphql", content=request("{ __typename }", within(MAX_INPUT_DEPTH)), headers=JSON)

    assert answer.json() == {"data": {"__typename": "Query"}}
