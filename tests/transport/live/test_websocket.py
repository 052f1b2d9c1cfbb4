"""`graphql-transport-ws`, spoken rightly and wrongly, against a real server."""

from __future__ import annotations

import asyncio
import resource
import socket as sockets
from contextlib import AsyncExitStack

import orjson
import pytest
from sqlalchemy import update
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

import models
from realtime.streams import access_stream
from tests.api.booking.test_registrations import REGISTER, an_event
from tests.clients import gid
from tests.sockets import Failed, Socket
from tests.transport.conftest import metric, until
from transport.live.websocket import is_of_host

WATCH = "subscription ($id: ID!) { availabilityChanged(eventId: $id) { ... on AvailabilityChange { taken } } }"
VIEWER = "{ viewer { user { id } } }"


async def test_queries_mutations_and_subscriptions_run_over_one_socket(server, save, sign_in):
    ada, event = await an_event(save, capacity=2)
    token = await sign_in(ada, saved=True)

    async with Socket.connect(server.ws_url, token) as socket:
        watching = await socket.subscribe(WATCH, {"id": gid(event)})
        who = await socket.run(VIEWER)
        await asyncio.sleep(0.3)
        await socket.run(REGISTER, {"input": {"eventId": gid(event)}})
        change = await watching.next()

    assert who == {"viewer": {"user": {"id": gid(ada)}}}
    assert change == {"availabilityChanged": {"taken": 1}}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("null", 4400),
        ("[]", 4400),
        ("5", 4400),
        ('"ping"', 4400),
        ("{", 4400),
        ("{}", 4400),
        ("[" * 60000, 4400),
        ('{"type":null}', 4400),
        ('{"type":"start","id":"1"}', 4400),
        ('{"type":"subscribe"}', 4400),
        ('{"type":"subscribe","id":"1"}', 4400),
        ('{"type":"subscribe","id":"1","payload":"x"}', 4400),
        ('{"type":"subscribe","id":"1","payload":[]}', 4400),
        ('{"type":"subscribe","id":"","payload":{"query":"{__typename}"}}', 4400),
        ('{"type":"subscribe","id":1,"payload":{"query":"{__typename}"}}', 4400),
        ('{"type":"subscribe","payload":{"query":"{__typename}"}}', 4400),
        ('{"type":"subscribe","id":"1","payload":{"query":5}}', 4400),
        ('{"type":"subscribe","id":"1","payload":{"query":"{__typename}","variables":"x"}}', 4400),
        ('{"type":"subscribe","id":"1","payload":{"query":"{__typename}","operationName":1}}', 4400),
        ('{"type":"complete"}', 4400),
        ('{"type":"connection_init"}', 4429),
        (b"\x00\x01", 4400),
        ('{"type":"ping","payload":"' + "x" * 140_000 + '"}', 1009),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_broken_message_closes_the_socket(server, message, code):
    async with Socket.connect(server.ws_url) as socket:
        await socket.send_raw(message)

        assert await socket.closed() == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"type":"subscribe","id":"1","payload":{"query":"{__typename}"}}', 4401),
        ('{"type":"connection_init","payload":[]}', 4400),
        ('{"type":"connection_init","payload":"x"}', 4400),
        ('{"type":"connection_init","payload":{"Authorization":"Bearer nonsense"}}', 4403),
        ('{"type":"connection_init","payload":{"Authorization":7}}', 4403),
        ('{"type":"connection_init","payload":{"token":""}}', 4403),
        ('{"type":"connection_init","payload":{"token":{}}}', 4403),
    ],
)
async def test_what_comes_before_the_acknowledgement_is_checked(server, message, code):
    async with Socket.open(server.ws_url) as socket:
        await socket.send_raw(message)

        assert await socket.closed() == code


async def test_a_silent_client_is_closed_and_a_ping_does_not_save_it(server):
    async with Socket.open(server.ws_url) as socket:
        await socket.send({"type": "ping"})

        assert await socket.message() == {"type": "pong"}
        assert await socket.closed(3) == 4408


async def test_another_subprotocol_is_not_spoken(server):
    async with connect(server.ws_url) as connection:
        await connection.wait_closed()

    assert connection.close_code == 4406


@pytest.mark.parametrize(
    "document",
    ["{", "{ nonsense }", "query A { __typename } query B { __typename }", "{ " + "__typename " * 1001 + "}"],
    ids=lambda text: text[:20],
)
async def test_a_bad_operation_ends_alone(server, document):
    async with Socket.connect(server.ws_url) as socket:
        bad = await socket.subscribe(document)
        message = await bad.message()
        again = await socket.run("{ __typename }")

    assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "BAD_USER_INPUT")
    assert again == {"__typename": "Query"}


async def test_an_id_may_be_used_again_but_not_twice_at_once(server, save):
    _, event = await an_event(save, capacity=2)

    async with Socket.connect(server.ws_url) as socket:
        await (await socket.subscribe("{ __typename }", id="same")).next()
        await socket.subscribe("{ __typename }", id="same")
        await asyncio.sleep(0.2)
        await socket.subscribe(WATCH, {"id": gid(event)}, id="stream")
        await socket.subscribe(WATCH, {"id": gid(event)}, id="stream")

        assert await socket.closed() == 4409


async def test_operations_of_a_socket_are_limited_and_freed(server, save, http):
    _, event = await an_event(save, capacity=2)

    async def streams_are(number: int) -> bool:
        return await metric(http, 'wingding_subscriptions{transport="websocket"}') == number

    async with Socket.connect(server.ws_url) as socket:
        running = [await socket.subscribe(WATCH, {"id": gid(event)}) for _ in range(3)]
        with pytest.raises(Failed) as refused:
            await (await socket.subscribe("{ __typename }")).next()
        await running[0].stop()
        again = await socket.run("{ __typename }")
        assert await until(lambda: streams_are(2))

    assert refused.value.codes == ["RATE_LIMITED"]
    assert again == {"__typename": "Query"}

    assert await until(lambda: streams_are(0))


async def test_sockets_are_limited_by_user_and_by_address(server, sign_in, http):
    token = await sign_in()

    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(Socket.connect(server.ws_url, token))
        async with Socket.open(server.ws_url) as sixth:
            await sixth.send({"type": "connection_init", "payload": {"token": token}})
            assert await sixth.closed() == 4429
        for _ in range(5):
            await stack.enter_async_context(Socket.connect(server.ws_url))
        with pytest.raises(InvalidStatus) as refused:
            await stack.enter_async_context(Socket.connect(server.ws_url))
        assert refused.value.response.status_code == 429

    async def left() -> bool:
        return await metric(http, "wingding_sockets") == 0

    assert await until(left)
    async with Socket.connect(server.ws_url, token) as socket:
        assert await socket.run("{ __typename }") == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("origin", "is_welcome"),
    [
        ("https://stranger.example", False),
        ("null", False),
        ("https://friend.example", True),
        ("http://127.0.0.1:{port}", True),
        ("http://127.0.0.1:1", False),
        ("HTTPS://Friend.example:443", True),
        ("http://friend.example", False),
        ("https://friend.example:8443", False),
        ("http://127.0.0.1:nonsense", False),
        ("http://", False),
    ],
)
async def test_pages_of_other_origins_are_refused(server, origin, is_welcome, caplog):
    header = {"Origin": origin.format(port=server.port)}
    try:
        async with Socket.connect(server.ws_url, additional_headers=header):
            status = 101
    except InvalidStatus as refused:
        status = refused.response.status_code

    assert status == (101 if is_welcome else 403)
    assert [line.message for line in caplog.records if line.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Sec-WebSocket-Key": "x"}, "400 Bad Request"),
        ({"Sec-WebSocket-Version": "7"}, "400 Bad Request"),
        ({"Sec-WebSocket-Key": None}, "400 Bad Request"),
    ],
)
async def test_a_handshake_that_is_not_good_is_told_no_text_of_an_exception(server, change, status):
    headers = {"Host": "x", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    given = headers | {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} | change
    lines = [f"{name}: {value}" for name, value in given.items() if value is not None]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write("\r\n".join(["GET /graphql HTTP/1.1", *lines, "", ""]).encode())
    answer = (await asyncio.wait_for(reader.read(), 5)).decode()
    writer.close()

    assert answer.startswith(f"HTTP/1.1 {status}\r\n")
    assert answer.partition("\r\n\r\n")[2] == status[4:] + "\n"


@pytest.mark.parametrize(
    ("origin", "host", "is_own"),
    [
        ("https://club.example", "club.example:443", True),
        ("https://club.example:443", "CLUB.example", True),
        ("http://club.example", "club.example:80", True),
        ("https://club.example", "club.example:80", False),
        ("http://[::1]:80", "[::1]", True),
        ("http://[::1]", "[::2]", False),
        ("https://friend.example", "", False),
        ("http://", "", False),
    ],
)
def test_a_default_port_may_be_named_or_not(origin, host, is_own):
    assert is_of_host(origin, host) is is_own


async def test_the_end_of_the_session_ends_everything_at_once(server, save, sign_in, ports):
    ada, event = await an_event(save, capacity=2)
    token = await sign_in(ada, saved=True)

    async with Socket.connect(server.ws_url, token) as socket:
        streams = [await socket.subscribe(WATCH, {"id": gid(event)}) for _ in range(2)]
        await asyncio.sleep(0.5)
        async with ports.database.writing() as uow:
            await uow.session.execute(update(models.Session).values(ended_at=models.utcnow()))
        await ports.hub.publish(access_stream(ada.id), "{}")

        for stream in streams:
            with pytest.raises(Failed) as ended:
                await stream.next(2)
            assert ended.value.errors[0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "TOKEN_REVOKED"}
        assert await socket.closed(2) == 4403


async def test_a_socket_does_not_outlive_its_token(server, save, sign_in, ports, monkeypatch):
    ada, event = await an_event(save, capacity=2)
    monkeypatch.setattr(ports.tokens, "lifetime", 2)
    token = await sign_in(ada, saved=True)

    async with Socket.connect(server.ws_url, token) as socket:
        stream = await socket.subscribe(WATCH, {"id": gid(event)})
        with pytest.raises(Failed) as ended:
            await stream.next(4)

        assert ended.value.errors[0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "TOKEN_EXPIRED"}
        assert await socket.closed(2) == 4403


async def test_a_hidden_event_answers_with_an_error_and_the_socket_lives(server):
    async with Socket.connect(server.ws_url) as socket:
        stream = await socket.subscribe(WATCH, {"id": gid(models.Event(id=models.uuid7()))})
        with pytest.raises(Failed) as refused:
            await stream.next()
        stays = await socket.run("{ __typename }")

    assert refused.value.errors[0]["extensions"] == {"code": "BAD_USER_INPUT", "reason": "NOT_FOUND"}
    assert stays == {"__typename": "Query"}


async def test_a_reader_that_stalls_is_dropped(server, http):
    """It asks again and again for long answers and takes none of them."""
    stalled = sockets.socket()
    stalled.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    stalled.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(stalled, ("127.0.0.1", server.port))
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    head = f"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}"
    await loop.sock_sendall(stalled, f"{head}Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode())
    assert (await loop.sock_recv(stalled, 1000)).startswith(b"HTTP/1.1 101 ")
    await loop.sock_sendall(stalled, frame({"type": "connection_init"}))
    document = "{ __schema { types { name description fields { name description } } } }"

    async def ask() -> None:
        for number in range(2000):
            payload = {"type": "subscribe", "id": str(number), "payload": {"query": document}}
            await loop.sock_sendall(stalled, frame(payload))

    asking = asyncio.create_task(ask())

    async def sockets_are(number: int) -> bool:
        return await metric(http, "wingding_sockets") == number

    assert await until(lambda: sockets_are(1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert await until(lambda: sockets_are(0), 40)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000
    asking.cancel()
    stalled.close()


def frame(message: object) -> bytes:
    """One masked text frame; the mask is zero."""
    data = orjson.dumps(message)
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + data


async def test_complete_ends_an_operation_without_a_word(server, save):
    _, event = await an_event(save, capacity=2)

    async with Socket.connect(server.ws_url) as socket:
        stream = await socket.subscribe(WATCH, {"id": gid(event)}, id="gone")
        await socket.send({"type": "complete", "id": "gone"})
        await socket.send({"type": "complete", "id": "never was"})
        assert await socket.run("{ __typename }") == {"__typename": "Query"}
        with pytest.raises(TimeoutError):
            await stream.message(0.3)
