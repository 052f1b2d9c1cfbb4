"""PostgreSQL goes away and comes back: every answer in between says UNAVAILABLE and when to try again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import httpx2
import pytest
from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import create_async_engine

from database import Contended, is_cancelled_statement, is_outage
from integrations.embedded import EmbeddedServers
from tests.api.booking.test_registrations import an_event
from tests.api.chat.test_chats import a_group, fellows
from tests.clients import NO_TLS, gid
from tests.live import SEND, SENT, sign_in
from tests.sockets import Failed, Socket
from tests.transport.conftest import serving
from tests.transport.live.test_sse import STREAM, events

UNAVAILABLE = {"code": "UNAVAILABLE", "retryAfter": 2}
EVENTS = "{ events { nodes { id } } }"
SIGN_IN = 'mutation { signIn(input: {login: "ada", password: "secret secret"}) { errors { code } } }'
WATCH = "subscription ($id: ID!) { availabilityChanged(eventId: $id) { __typename } }"
REGISTER = "mutation ($id: ID!) { registerForEvent(input: {eventId: $id}) { errors { code } } }"
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
KEYED = """
mutation ($id: ID!) { registerForEvent(input: {eventId: $id, idempotencyKey: "12345678"}) { errors { code } } }
"""


def state(code: str) -> Exception:
    return asyncpg.PostgresError.new({"C": code, "M": "as PostgreSQL says it"})


def wrapped(error: Exception, *, invalidated: bool = False) -> Exception:
    """As SQLAlchemy hands on what its driver raises."""
    inner = Exception("of the driver")
    inner.__cause__ = error
    return exc.DBAPIError("SELECT 1", {}, inner, connection_invalidated=invalidated)


OUTAGES = [
    ConnectionRefusedError(),
    ConnectionResetError(),
    FileNotFoundError("the socket"),
    TimeoutError(),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
    exc.TimeoutError("QueuePool limit reached"),
    exc.PendingRollbackError("Can't reconnect until invalid transaction is rolled back."),
    wrapped(ValueError(), invalidated=True),
    Contended(),
    *(state(code) for code in ("08000", "08006", "53100", "53300", "57P01", "57P02", "57P03", "58030")),
    *(state(code) for code in ("25006", "25P03", "40001", "40P01", "55P03")),
]
FAULTS = [ValueError(), *(state(code) for code in ("22021", "22P02", "23505", "25P02", "42601", "42P01", "XX000"))]


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: f"{type(error).__name__} {error}"[:60])
def test_what_passes_by_itself_is_an_outage_however_it_is_wrapped(error):
    about = RuntimeError("of ours")
    about.__cause__ = error

    assert [is_outage(one) for one in (error, wrapped(error), about)] == [True] * 3


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: f"{type(error).__name__} {error}"[:60])
def test_a_fault_of_ours_is_none(error):
    assert [is_outage(one) for one in (error, wrapped(error), None)] == [False] * 3


def test_a_statement_that_took_too_long_is_told_apart():
    assert [is_cancelled_statement(one) for one in (state("57014"), wrapped(state("57014")), state("57P01"))] == [
        True,
        True,
        False,
    ]


@pytest.fixture
async def server(environment: dict[str, str]) -> AsyncIterator[Any]:
    async with serving(environment) as running:
        yield running


async def test_every_transport_says_unavailable_and_serves_again_when_postgres_is_back(
    server, save, ports, servers: EmbeddedServers
):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    _, event = await an_event(save, capacity=2)
    token = await sign_in(ports, ada)
    headers = {"Authorization": f"Bearer {token}"}
    send = {"chatId": gid(chat), "body": "Hello", "clientMessageId": "1"}
    asked: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        (EVENTS, {}, {}),
        (EVENTS, {}, headers),
        (SIGN_IN, {}, {}),
        (SEND, {"input": send}, headers),
        (SEND, {"input": send | {"idempotencyKey": "1234-5678"}}, headers),
    ]

    async def post(document: str, variables: dict[str, Any], sent: dict[str, str]) -> tuple[int, str | None, Any]:
        answer = await http.post("/graphql", json={"query": document, "variables": variables}, headers=sent)
        extensions = [one["extensions"] for one in answer.json().get("errors", ())]
        return answer.status_code, answer.headers.get("retry-after"), extensions

    async def streamed(sent: dict[str, str]) -> Any:
        request = {"query": WATCH, "variables": {"id": gid(event)}}
        async with http.stream("POST", "/graphql/stream", json=request, headers=STREAM | sent) as answer:
            if answer.status_code == 200:
                return [item["errors"][0]["extensions"] async for _, item in events(answer) if item]
            return answer.status_code

    async with (
        httpx2.AsyncClient(base_url=server.url, timeout=10, verify=NO_TLS) as http,
        Socket.connect(server.ws_url, token) as signed_in,
        Socket.connect(server.ws_url) as guest,
    ):
        before = [await post(*one) for one in asked]
        with away(servers):
            during = [await post(*one) for one in asked]
            streams = [await streamed({}), await streamed(headers)]
            failed = [
                await refusal(signed_in, EVENTS),
                await refusal(signed_in, SEND, {"input": send}),
                await refusal(signed_in, SENT, {"id": gid(chat)}),
                await refusal(guest, WATCH, {"id": gid(event)}),
            ]
            with pytest.raises(Failed) as closed:
                async with Socket.connect(server.ws_url, token):
                    pass
        after = [await post(*one) for one in asked]
        still = await signed_in.run(EVENTS)

    assert [(status, errors) for status, _, errors in before] == [(200, [])] * len(asked)
    assert during == [(503, "2", [UNAVAILABLE])] * len(asked)
    assert streams == [[UNAVAILABLE], 503]
    assert failed == [UNAVAILABLE] * 4
    assert closed.value.errors == [{"type": "closed", "code": 1013}]
    assert after == before
    assert still == {"events": {"nodes": [{"id": gid(event)}]}}


class away:
    """PostgreSQL is not there."""

    def __init__(self, servers: EmbeddedServers) -> None:
        self._servers = servers

    def __enter__(self) -> None:
        self._servers.postgres.stop()

    def __exit__(self, *_: object) -> None:
        self._servers.restart_postgres()


async def refusal(socket: Socket, document: str, variables: dict[str, Any] | None = None) -> Any:
    """Extensions of the error with which an operation of a socket ends."""
    with pytest.raises(Failed) as failed:
        await socket.run(document, variables)
    return failed.value.errors[0]["extensions"]


@pytest.mark.parametrize("document", [EVENTS, REGISTER, KEYED], ids=["query", "mutation", "with a key"])
async def test_a_connection_that_is_lost_amid_a_statement_is_an_outage(server, save, ports, document):
    ada, event = await an_event(save, capacity=2)
    headers = {"Authorization": f"Bearer {await sign_in(ports, ada)}"}
    request = {"query": document, "variables": {"id": gid(event)}}

    async with httpx2.AsyncClient(base_url=server.url, timeout=10, verify=NO_TLS) as http:
        async with ports.database.engine.connect() as connection:
            await connection.execute(text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
            asking = asyncio.create_task(http.post("/graphql", json=request, headers=headers))
            while not asking.done():  # what reads is asked once more
                async with ports.database.reading() as session:
                    await session.execute(text(TERMINATE))
                await asyncio.sleep(0.02)
            answer = await asking
            await connection.rollback()
        again = await http.post("/graphql", json=request, headers=headers)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert [error["extensions"] for error in answer.json()["errors"]] == [UNAVAILABLE]
    assert "errors" not in again.json()


async def test_how_sqlalchemy_tells_of_a_lost_connection(settings):
    engine = create_async_engine(settings.database_url.replace("postgresql:", "postgresql+asyncpg:"), pool_size=1)
    found: list[BaseException] = []
    async with engine.connect() as connection:
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
        other = await asyncpg.connect(settings.database_url)
        await other.execute(f"SELECT pg_terminate_backend({pid})")
        await other.close()
        for _ in range(2):
            try:
                await connection.execute(text("SELECT 1"))
            except Exception as error:
                found.append(error)
        with suppress(Exception):
            await connection.rollback()
    await engine.dispose()

    assert len(found) == 2
    assert [is_outage(error) for error in found] == [True, True]
