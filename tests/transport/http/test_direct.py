"""Requests that are answered past ASGI: which they are, and that nobody can tell by the answer."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import pytest

import transport.http.direct
from tests.transport.conftest import RunningServer, metric, serving, until, waiting_statements
from tests.transport.raw import chunked, connected, get, named, post

RESPONSE = "application/graphql-response+json"
LONG = orjson.dumps({"query": "{ __schema { types { name fields { name } } } }"})
TYPE = "type { name ofType { name } }"
FIELDS = f"fields {{ name description args {{ name description {TYPE} }} {TYPE} }} inputFields {{ name description }}"
LARGE = orjson.dumps({"query": f"{{ __schema {{ types {{ name description {FIELDS} }} }} }}"})
FRIEND, STRANGER = "https://friend.example", "https://stranger.example"


class Witness:
    """Sees which requests go through ASGI."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.seen.append(f"{scope['method']} {scope['path']}")
        await self._app(scope, receive, send)


@pytest.fixture(scope="package")
async def watched(environment: dict[str, str]) -> AsyncIterator[tuple[RunningServer, list[str]]]:
    """A server, and the requests that went through ASGI."""
    made: list[Witness] = []

    def witness(app: Any) -> Witness:
        made.append(Witness(app))
        return made[0]

    async with serving(environment, around=witness) as server:
        yield server, made[0].seen


PLAIN = {
    "plain": post(),
    "no body": post(b"", content_length=""),
    "closing": post(connection="close"),
    "from a browser": post(origin=FRIEND, accept_encoding="gzip, deflate, br"),
    "signed in, badly": post(authorization="Bearer x"),
    "of a wrong type": post(content_type="text/plain"),
    "through a proxy": post(x_forwarded_for="203.0.113.9, 127.0.0.1", x_forwarded_proto="https"),
    "no request": post(b"[]"),
}
OTHER = {
    "a QUERY": post().replace(b"POST", b"QUERY", 1),
    "a GET": get("/graphql?query={__typename}"),
    "of another path": post(path="/graphql/stream"),
    "with a query string": post(path="/graphql?a=1"),
    "written otherwise": post(path="/%67raphql"),
    "chunked": chunked(),
    "too long": post(b" " * 70_000),
    "of HTTP 1.0": post(version="1.0"),
    "wanting another protocol": post(connection="upgrade", upgrade="h2c"),
    "with a header twice": post(accept="*/*", Accept="application/json"),
    "asking before it sends": post(expect="100-continue"),
}


@pytest.mark.parametrize("request_", PLAIN.values(), ids=PLAIN)
async def test_a_plain_request_goes_past_asgi(watched, request_):
    server, seen = watched
    seen.clear()

    async with connected(server.port) as wire:
        await wire.send(request_)
        await wire.reply()

    assert seen == []


@pytest.mark.parametrize("request_", OTHER.values(), ids=OTHER)
async def test_any_other_request_goes_through_asgi(watched, request_):
    server, seen = watched
    seen.clear()

    async with connected(server.port) as wire:
        await wire.send(request_)
        answer = await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), 5)

    assert answer.startswith(b"HTTP/1.1 ")
    assert len(seen) == 1


ALIKE = PLAIN | {
    "of a stranger's page": post(origin=STRANGER),
    "of a friend's page, refused": post(b"{}", origin=FRIEND),
    "a long answer": post(LONG),
    "a long answer, compressed": post(LONG, accept_encoding="gzip"),
    "a large answer, compressed": post(LARGE, accept_encoding="gzip"),
    "a large answer, compressed, to a friend": post(LARGE, accept_encoding="gzip", origin=FRIEND),
    "a newer type": post(accept=RESPONSE),
    "a newer type, refused": post(b'{"query":"{ nonsense }"}', accept=RESPONSE),
    "a newer type, no request": post(b"[]", accept=RESPONSE),
    "a newer type, no GraphQL": post(b'{"query":"{"}', accept=RESPONSE),
    "a newer type, in part": post(b'{"query":"{ __typename node(id: \\"x\\") { id } }"}', accept=RESPONSE),
    "no type": post(accept="text/plain"),
    "no plain JSON": post(accept="application/json;q=0, */*"),
    "a quoted charset": post(accept='application/json; charset="UTF-8"'),
    "not compressed": post(LONG, accept_encoding="gzip;q=0"),
    "compressed by a wildcard": post(LONG, accept_encoding="*"),
    "a compressed body": post(content_encoding="gzip"),
    "a subscription": post(b'{"query":"subscription { availabilityChanged(eventId: \\"x\\") { __typename } }"}'),
    "no JSON": post(b'{"query": NaN}'),
    "a wrong password": post(authorization="Basic eDp5"),
    "a broken header": post(accept="\xff\xfe", authorization="Bearer \xff"),
}


@pytest.mark.parametrize("request_", ALIKE.values(), ids=ALIKE)
async def test_both_ways_answer_alike(direct_server, asgi_server, request_):
    found = []
    for server in (direct_server, asgi_server):
        async with connected(server.port) as wire:
            await wire.send(request_)
            reply = await wire.reply()
            assert len(reply.headers.pop("x-request-id")) == 16
            # RFC 9110, 6.6.1. uvicorn writes it once a second.
            said = parsedate_to_datetime(reply.headers.pop("date"))
            assert abs(datetime.now(UTC) - said) < timedelta(seconds=30)
            found.append(reply)

    assert found[0] == found[1]


async def test_a_compressed_answer_is_the_answer(direct_server):
    async with connected(direct_server.port) as wire:
        await wire.send(post(LARGE))
        plain = await wire.reply()
        await wire.send(post(LARGE, accept_encoding="gzip"))
        small = await wire.reply()

    assert gzip.decompress(small.body) == plain.body
    assert len(plain.body) > 128 * 1024 > len(small.body)


async def test_a_connection_is_kept_until_somebody_ends_it(direct_server):
    async with connected(direct_server.port) as wire:
        for number in range(5):
            await wire.send(post(named(f"a{number}")))
            assert (await wire.reply()).json == {"data": {f"a{number}": "Query"}}
        await wire.send(post(connection="close"))
        last = await wire.reply()

        assert last.headers["connection"] == "close"
        assert await wire.ended() == b""


async def test_a_body_may_come_after_its_head(watched):
    server, seen = watched
    seen.clear()
    whole = post()

    async with connected(server.port) as wire:
        await wire.send(whole[:30], whole[30:-10], whole[-10:-2], whole[-2:])
        assert (await wire.reply()).status == 200

    assert seen == []


async def test_a_body_that_is_slow_goes_the_long_way(watched, monkeypatch):
    server, seen = watched
    seen.clear()
    monkeypatch.setattr(transport.http.direct, "PATIENCE", 0.05)
    whole = post(named("slow"))

    async with connected(server.port) as wire:
        await wire.send(whole[:-9], whole[-9:-4], whole[-4:], pause=0.2)
        assert (await wire.reply()).json == {"data": {"slow": "Query"}}
        await wire.send(post())
        assert (await wire.reply()).status == 200

    assert seen == ["POST /graphql"]


async def test_answers_come_in_the_order_of_requests(direct_server):
    makers = [post, chunked, lambda body: post(body, version="1.1", origin=FRIEND), lambda body: post(body, expect="x")]
    requests = [makers[number % 4](named(f"n{number}")) for number in range(24)]

    async with connected(direct_server.port) as wire:
        await wire.send(b"".join(requests))
        found = [next(iter((await wire.reply()).json["data"])) for _ in requests]

    assert found == [f"n{number}" for number in range(24)]


async def test_a_connection_may_become_a_socket_later(direct_server):
    handshake = (
        b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
    )

    async with connected(direct_server.port) as wire:
        await wire.send(post())
        assert (await wire.reply()).status == 200
        await wire.send(handshake)
        head = await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), 5)

    assert head.startswith(b"HTTP/1.1 101 ")


async def test_a_quiet_connection_keeps_nothing_of_what_was_sent(environment):
    async with serving(environment) as server, connected(server.port) as wire:
        await wire.send(post(named("a") + b" " * 60_000))
        await wire.reply()
        assert server.uvicorn is not None
        (connection,) = server.uvicorn.server_state.connections
        await asyncio.sleep(0)

        assert connection.cycle.response_complete
        assert connection.cycle.request.body is None
        assert connection.tasks == set()


async def test_a_head_without_end_is_cut_off(direct_server):
    async with connected(direct_server.port) as wire:
        await wire.send(b"POST /graphql HTTP/1.1\r\nhost: x\r\n", *[b"x-a: " + b"a" * 30_000] * 4, pause=0.02)
        answer = await wire.ended()

    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_what_fails_is_told_and_logged(direct_server, monkeypatch, caplog):
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("transport.http.direct.Direct.head", broken)
    async with connected(direct_server.port) as wire:
        await wire.send(post())
        answer = await wire.ended()

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"connection: close" in answer
    assert b"secret" not in answer
    assert "secret detail" in caplog.text


async def test_ids_of_one_request_do_not_reach_the_next(direct_server):
    async with connected(direct_server.port) as wire:
        await wire.send(post(x_request_id="mine"), post(), post(x_request_id="bad id"))
        ids = [(await wire.reply()).headers["x-request-id"] for _ in range(3)]

    assert ids[0] == "mine"
    assert len({*ids}) == 3
    assert "bad id" not in ids


async def test_a_client_that_leaves_is_counted_as_gone(http, server, ports):
    gone = 'wingding_operations_total{operation="unnamed",outcome="client_gone",transport="http",type="none"}'
    before = await metric(http, gone)

    async with connected(server.port) as wire:
        await wire.send(post()[:-3])
        await asyncio.sleep(0.05)

    async def counted() -> bool:
        return await metric(http, gone) == before + 1

    assert await until(counted)


async def test_a_request_is_answered_before_the_server_ends(environment, ports, blocked):
    async with serving(environment) as server, connected(server.port) as running, connected(server.port) as arriving:
        await running.send(post(b'{"query":"{ events(first: 1) { nodes { id } } }"}'))
        await arriving.send(post()[:-3])
        assert await until(waiting_statements(ports))
        assert server.uvicorn is not None

        server.uvicorn.should_exit = True
        await asyncio.sleep(0.15)
        await arriving.send(post()[-3:])
        replies = [await arriving.reply(), await running.reply()]

    assert [reply.headers["connection"] for reply in replies] == ["close", "close"]
    assert replies[0].json == {"data": {"__typename": "Query"}}
    assert replies[1].json["errors"][0]["extensions"]["reason"] == "TIMEOUT"


@pytest.mark.skipif(os.environ.get("EXECUTION") == "reference", reason="it takes seconds for these large answers")
@pytest.mark.parametrize("pause", [0.0, 0.004], ids=["in one go", "one by one"])
async def test_a_reader_who_does_not_read_is_not_read_either(environment, pause):
    async with serving(environment) as server, connected(server.port) as wire:
        await wire.send(post(LARGE))
        size = len((await wire.reply()).body)
        assert server.uvicorn is not None
        (connection,) = server.uvicorn.server_state.connections
        kept: list[int] = []

        async def stalled() -> bool:
            kept.append(connection.transport.get_write_buffer_size())
            return kept[-1] > 0

        for _ in range(150):
            wire.writer.write(post(LARGE))
            await asyncio.sleep(pause)
            await stalled()
        await until(stalled)
        for _ in range(10):
            await asyncio.sleep(0.02)
            await stalled()
        sizes = {len((await wire.reply(20)).body) for _ in range(150)}

    assert sizes == {size}
    assert max(kept) < 3 * size
