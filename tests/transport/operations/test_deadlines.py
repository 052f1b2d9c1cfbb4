"""Operations that take too long, and clients that do not wait."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import text

from tests.api.booking.test_registrations import REGISTER, an_event
from tests.clients import gid
from tests.sockets import Failed, Socket
from tests.transport.conftest import none_waiting, until, waiting_statements
from tests.transport.live.test_sse import STREAM, events

EVENT = "query ($id: ID!) { node(id: $id) { id ... on Event { title venue { name } } } }"


async def test_a_query_ends_at_its_deadline_and_so_does_its_statement(http, ports, blocked, save):
    started = time.monotonic()
    answer = await http.post("/graphql", json={"query": "{ events(first: 1) { nodes { id venue { name } } } }"})

    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"] == {"code": "INTERNAL", "reason": "TIMEOUT"}
    assert answer.json()["data"] is None
    assert 1.4 < time.monotonic() - started < 4
    assert await until(none_waiting(ports))


async def test_a_loaders_statement_ends_with_its_operation(http, ports, save):
    _, event = await an_event(save, capacity=1)
    async with ports.database.engine.connect() as connection:
        await connection.execute(text("LOCK TABLE venues IN ACCESS EXCLUSIVE MODE"))
        answer = await http.post("/graphql", json={"query": EVENT, "variables": {"id": gid(event)}})

        assert answer.json()["errors"][0]["extensions"]["reason"] == "TIMEOUT"
        assert await until(none_waiting(ports), 2)


async def test_a_mutation_ends_at_its_deadline_and_changes_nothing(http, ports, save, sign_in, count):
    ada, event = await an_event(save, capacity=1)
    headers = {"Authorization": f"Bearer {await sign_in(ada, saved=True)}"}
    async with ports.database.engine.connect() as connection:
        await connection.execute(text("LOCK TABLE registrations IN ACCESS EXCLUSIVE MODE"))
        request = {"query": REGISTER, "variables": {"input": {"eventId": gid(event)}}}
        answer = await http.post("/graphql", json=request, headers=headers)

        assert answer.json()["errors"][0]["extensions"]["reason"] == "TIMEOUT"
        assert await until(none_waiting(ports), 2)
        await connection.rollback()

    async with ports.database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM registrations")) == 0


async def test_a_deadline_over_a_socket_ends_one_operation(server, ports, blocked):
    async with Socket.connect(server.ws_url) as socket:
        slow = await socket.subscribe("{ events(first: 1) { nodes { id } } }")
        quick = await socket.run("{ __typename }")
        with pytest.raises(Failed) as late:
            await slow.next()

    assert quick == {"__typename": "Query"}
    assert late.value.errors[0]["extensions"]["reason"] == "TIMEOUT"


async def test_a_client_that_goes_away_takes_its_work_along(http, server, ports, blocked):
    _reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    body = b'{"query":"{ events(first: 1) { nodes { id } } }"}'
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    assert await until(waiting_statements(ports))

    left = time.monotonic()
    writer.close()

    assert await until(none_waiting(ports), 2)
    assert time.monotonic() - left < 1.2


async def test_a_deadline_over_an_event_stream_is_its_last_word(http, ports, blocked):
    query = {"query": "{ events(first: 1) { nodes { id } } }"}

    async with http.stream("POST", "/graphql/stream", json=query, headers=STREAM) as response:
        found = [item async for item in events(response)]

    assert [name for name, _ in found] == ["next", "complete"]
    assert found[0][1]["errors"][0]["extensions"] == {"code": "INTERNAL", "reason": "TIMEOUT"}
    assert await until(none_waiting(ports), 2)
