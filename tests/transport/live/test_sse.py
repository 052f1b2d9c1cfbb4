"""Server-sent events, read as bytes come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import orjson
import pytest
from sqlalchemy import update

import models
from realtime.streams import access_stream
from tests.api.booking.test_registrations import REGISTER, an_event
from tests.clients import gid
from tests.transport.conftest import metric, until
from transport.live.sessions import ConnectionLimiter, SessionWatch
from transport.live.sse import StreamEndpoint
from transport.observing.metrics import Metrics
from transport.operations.operations import Operations

WATCH = "subscription ($id: ID!) { availabilityChanged(eventId: $id) { ... on AvailabilityChange { taken } } }"
STREAM = {"Accept": "text/event-stream"}


async def events(response: httpx2.Response) -> AsyncIterator[tuple[str, Any]]:
    """Events of a stream; comments are skipped."""
    name = ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data:"):
            text = line[5:].strip()
            yield name, orjson.loads(text) if text else None


async def test_changes_arrive_and_leaving_ends_the_stream(http, save, client):
    ada, event = await an_event(save, capacity=2)
    request = {"query": WATCH, "variables": {"id": gid(event)}}

    async with http.stream("POST", "/graphql/stream", json=request, headers=STREAM) as response:
        found = events(response)
        waiting = asyncio.ensure_future(anext(found))
        await asyncio.sleep(0.3)
        await http.post("/graphql", json={"query": "{ __typename }"})
        await client(ada).execute(REGISTER, eventId=event)
        name, result = await asyncio.wait_for(waiting, 5)
        during = await metric(http, 'wingding_subscriptions{transport="sse"}')

    async def ended() -> bool:
        return await metric(http, 'wingding_subscriptions{transport="sse"}') == 0

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (name, result) == ("next", {"data": {"availabilityChanged": {"taken": 1}}})
    assert during == 1
    assert await until(ended)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("{ __typename }", {"data": {"__typename": "Query"}}),
        ("{ nonsense }", None),
        ("{", None),
        ('subscription { availabilityChanged(eventId: "x") { __typename } }', None),
    ],
)
async def test_every_operation_ends_with_complete(http, query, first):
    async with http.stream("GET", "/graphql/stream", params={"query": query}, headers=STREAM) as response:
        found = [item async for item in events(response)]

    assert [name for name, _ in found] == ["next", "complete"]
    if first is None:
        assert found[0][1]["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    else:
        assert found[0][1] == first


async def test_what_is_no_request_gets_no_stream(http):
    answers = [
        await http.post("/graphql/stream", json={"query": "{__typename}"}, headers={"Accept": "application/json"}),
        await http.post("/graphql/stream", content=b"[]", headers=STREAM | {"Content-Type": "application/json"}),
        await http.post("/graphql/stream", json={"query": "{__typename}"}, headers=STREAM | {"Authorization": "no"}),
        await http.get("/graphql/stream", params={"query": "mutation { x }"}, headers=STREAM),
        await http.delete("/graphql/stream", headers=STREAM),
    ]

    assert [answer.status_code for answer in answers] == [406, 400, 401, 405, 405]


async def test_the_end_of_the_session_ends_the_stream(http, save, sign_in, ports):
    ada, event = await an_event(save, capacity=2)
    headers = STREAM | {"Authorization": f"Bearer {await sign_in(ada, saved=True)}"}
    request = {"query": WATCH, "variables": {"id": gid(event)}}

    async with http.stream("POST", "/graphql/stream", json=request, headers=headers) as response:
        found = events(response)
        waiting = asyncio.ensure_future(anext(found))
        await asyncio.sleep(0.5)
        async with ports.database.writing() as uow:
            await uow.session.execute(update(models.Session).values(ended_at=models.utcnow()))
        await ports.hub.publish(access_stream(ada.id), "{}")
        name, result = await asyncio.wait_for(waiting, 2)
        rest = [item async for item in found]

    assert (name, result["errors"][0]["extensions"]) == (
        "next",
        {"code": "UNAUTHENTICATED", "reason": "TOKEN_REVOKED"},
    )
    assert rest == [("complete", None)]


async def test_comments_keep_the_connection_alive(ports, schema, save):
    _, event = await an_event(save, capacity=2)
    operations = Operations(schema, Metrics(), None, timeout=5)
    endpoint = StreamEndpoint(operations, ports, ConnectionLimiter(5), SessionWatch(ports), keep_alive=0.05)
    sent: list[Any] = []
    body = orjson.dumps({"query": WATCH, "variables": {"id": gid(event)}})
    headers = [(b"content-type", b"application/json"), (b"accept", b"text/event-stream")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    messages = [{"type": "http.request", "body": body}]

    async def receive() -> Any:
        if not messages:
            await asyncio.sleep(0.3)
            return {"type": "http.disconnect"}
        return messages.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    await endpoint(scope, receive, send)

    assert [message["body"] for message in sent[1:]].count(b":\n\n") >= 3
    assert operations.metrics.text().count(b'wingding_subscriptions{transport="sse"} 0.0') == 1
