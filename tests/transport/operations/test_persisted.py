"""Operations by hash or id: automatic persisted queries, and trusted documents."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from integrations.quick_redis import QuickRedis
from models import uuid7
from tests.clients import NO_TLS, free_port
from tests.sockets import Socket
from tests.transport.live.test_sse import STREAM, events
from transport.operations.persisted import (
    KEY,
    LIFETIME,
    DocumentRequest,
    FoundDocument,
    Persisted,
    PersistedQueryNotFound,
)

NOT_FOUND = {
    "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}],
}
NOT_SUPPORTED = {
    "errors": [{"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}],
}


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def named(text: str) -> dict[str, Any]:
    """The extensions of a request that names this text by its hash."""
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_of(text)}}


def new_query() -> str:
    """A query that nobody has stored yet."""
    return f"query Q{uuid7().hex} {{ __typename }}"


async def test_a_hash_is_unknown_until_it_came_with_its_text(http):
    query = new_query()

    first = await http.post("/graphql", json={"extensions": named(query)})
    taught = await http.post("/graphql", json={"query": query, "extensions": named(query)})
    again = await http.post("/graphql", json={"extensions": named(query)})

    assert (first.status_code, first.json()) == (200, NOT_FOUND)
    assert taught.json() == again.json() == {"data": {"__typename": "Query"}}


async def test_get_takes_a_hash_too(http):
    query = "query ($n: Int) { events(first: $n) { totalCount } }"
    await http.post("/graphql", json={"query": query, "extensions": named(query)})

    answer = await http.get(
        "/graphql", params={"extensions": json.dumps(named(query)), "variables": '{"n": 1}', "operationName": ""}
    )

    assert answer.json() == {"data": {"events": {"totalCount": 0}}}


async def test_a_mutation_by_its_hash_still_needs_post(http):
    mutation = "mutation { signOut(input: {}) { errors { code } } }"
    await http.post("/graphql", json={"query": mutation, "extensions": named(mutation)})

    answer = await http.get("/graphql", params={"extensions": json.dumps(named(mutation))})

    assert answer.status_code == 405


async def test_an_event_stream_takes_a_hash(http):
    query = new_query()
    request = {"extensions": named(query)}

    async with http.stream("POST", "/graphql/stream", json=request, headers=STREAM) as response:
        unknown = [item async for item in events(response)]
    await http.post("/graphql", json={"query": query} | request)
    async with http.stream("POST", "/graphql/stream", json=request, headers=STREAM) as response:
        known = [item async for item in events(response)]

    assert unknown == [("next", NOT_FOUND), ("complete", None)]
    assert known == [("next", {"data": {"__typename": "Query"}}), ("complete", None)]


@pytest.mark.parametrize("without_text", [{}, {"query": ""}, {"query": None}], ids=str)
async def test_a_socket_takes_a_hash(server, without_text):
    query = new_query()

    async with Socket.connect(server.ws_url) as socket:
        answers = []
        for id, payload in (("a", without_text), ("b", {"query": query}), ("c", without_text)):
            message = {"type": "subscribe", "id": id, "payload": payload | {"extensions": named(query)}}
            answers.append(await ask(socket, message))

    assert answers[0] == ("error", NOT_FOUND["errors"])
    assert answers[1] == answers[2] == ("next", {"data": {"__typename": "Query"}})


async def ask(socket: Socket, message: dict[str, Any]) -> tuple[str, Any]:
    """Type and payload of the first answer to a raw `subscribe`."""
    await socket.send(message)
    while (found := await socket.message()).get("id") != message["id"]:
        pass
    return found["type"], found["payload"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"query": "{ __typename }", "extensions": named("{ viewer { id } }")}, "does not match its hash"),
        ({"query": "{ __typename }", "documentId": 5}, "id or hash is not a string"),
        ({"documentId": ""}, "empty"),
        ({"documentId": "x" * 201}, "too long"),
        ({"extensions": {"persistedQuery": None}}, "`query` is missing"),
        ({"extensions": {"persistedQuery": "abc"}}, "not an object of version 1"),
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "a" * 64}}}, "not an object of version 1"),
        ({"extensions": {"persistedQuery": {"version": 1}}}, "`sha256Hash` is missing"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": ["a"]}}}, "`sha256Hash` is missing"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a" * 100_000}}}, "too long"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_what_names_no_document_is_told_so(http, request_, message):
    answer = await http.post("/graphql", json=request_, headers={"Accept": "application/graphql-response+json"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert message in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("hash", ["abc", "A" * 64, "*", "used", "é" * 64, hash_of("x").upper()])
async def test_what_is_no_hash_of_ours_is_merely_unknown(http, hash):
    request = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}}

    assert (await http.post("/graphql", json=request)).json() == NOT_FOUND


async def test_nonsense_is_not_kept(http):
    query = f"query Q{uuid7().hex} {{ nonsense }}"

    await http.post("/graphql", json={"query": query, "extensions": named(query)})

    assert (await http.post("/graphql", json={"extensions": named(query)})).json() == NOT_FOUND


async def test_processes_share_what_they_were_taught(redis):
    query = new_query()
    first, second = Persisted(redis), Persisted(redis)

    await first.learn(DocumentRequest(query, hash=hash_of(query)))

    assert await second.find(DocumentRequest(hash=hash_of(query))) == FoundDocument(query, "automatic")


async def test_a_process_asks_redis_once_for_a_hash(redis, settings):
    query = new_query()
    await Persisted(redis).learn(DocumentRequest(query, hash=hash_of(query)))
    knowing = Persisted(redis)
    await knowing.find(DocumentRequest(hash=hash_of(query)))

    async with Redis.from_url(settings.redis_url) as client:
        await client.delete(KEY + hash_of(query))

    assert (await knowing.find(DocumentRequest(hash=hash_of(query)))).text == query
    with pytest.raises(PersistedQueryNotFound):
        await Persisted(redis).find(DocumentRequest(hash=hash_of(query)))


async def test_a_text_that_was_changed_in_redis_does_not_run(redis, settings):
    query = new_query()
    await Persisted(redis).learn(DocumentRequest(query, hash=hash_of(query)))

    async with Redis.from_url(settings.redis_url) as client:
        await client.set(KEY + hash_of(query), "{ viewer { email } }")

    with pytest.raises(PersistedQueryNotFound):
        await Persisted(redis).find(DocumentRequest(hash=hash_of(query)))


async def test_what_redis_keeps_is_bounded_and_expires(redis, settings, monkeypatch):
    monkeypatch.setattr("transport.operations.persisted.MOST", 3)
    monkeypatch.setattr("transport.operations.persisted.KEY", prefix := f"test:{uuid7().hex}:")
    queries = [new_query() for _ in range(5)]
    for query in queries:
        await Persisted(redis).learn(DocumentRequest(query, hash=hash_of(query)))

    async with Redis.from_url(settings.redis_url, decode_responses=True) as client:
        kept = {key async for key in client.scan_iter(f"{prefix}*")} - {f"{prefix}used"}
        lifetimes = [await client.ttl(key) for key in kept]

    assert len(kept) == 3
    assert kept <= {prefix + hash_of(query) for query in queries}
    assert all(LIFETIME - 60 < seconds <= LIFETIME for seconds in lifetimes)


async def test_what_a_process_keeps_is_bounded(redis, monkeypatch):
    monkeypatch.setattr("caches.CacheLimit.bytes", 100_000)
    persisted = Persisted(redis)

    for _ in range(40):
        query = new_query()
        await persisted.learn(DocumentRequest(query, hash=hash_of(query)))

    assert 0 < persisted._kept.weight <= 4_000
    assert 0 < len(persisted._kept) < 20


async def test_a_document_that_is_very_long_runs_but_is_not_kept(http):
    query = new_query() + ("#" + "x" * 8_000 + "\n") * 5
    taught = await http.post("/graphql", json={"query": query, "extensions": named(query)})

    assert taught.json() == {"data": {"__typename": "Query"}}
    assert (await http.post("/graphql", json={"extensions": named(query)})).json() == NOT_FOUND


async def test_without_redis_a_process_knows_what_it_was_taught_itself():
    redis = QuickRedis(f"redis://127.0.0.1:{free_port()}", pause=60)
    persisted, query = Persisted(redis), new_query()

    with pytest.raises(PersistedQueryNotFound):
        await persisted.find(DocumentRequest(hash=hash_of(query)))
    await persisted.learn(DocumentRequest(query, hash=hash_of(query)))

    assert (await persisted.find(DocumentRequest(hash=hash_of(query)))).text == query
    await redis.disconnect()


@pytest.mark.outside
async def test_automatic_ones_can_be_turned_off(start_server):
    server = await asyncio.to_thread(start_server, PERSISTED_QUERIES="off")
    query = new_query()

    async with httpx2.AsyncClient(base_url=server.url, verify=NO_TLS) as http:
        asked = await http.post("/graphql", json={"extensions": named(query)})
        full = await http.post("/graphql", json={"query": query, "extensions": named(query)})

    assert asked.json() == NOT_SUPPORTED
    assert full.json() == {"data": {"__typename": "Query"}}
