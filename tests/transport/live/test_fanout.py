"""Live subscriptions of real sockets, followed in groups."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import socket as sockets
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from types import CoroutineType

import orjson
import pytest
import uvicorn

import transport.live.fanout
from app import create_app
from commands.listening import listen
from commands.serve import configuration
from engine.live import EntryAnswers
from models import ChatKind, ClubRole
from realtime import cursors
from settings import Settings
from tests.api.chat.test_chats import LEAVE, a_group, fellows
from tests.clients import free_port, gid
from tests.factories import make_chat, make_club, make_member, make_membership, make_message, make_user
from tests.live import SEND
from tests.sockets import Completed, Failed, Socket
from tests.transport.conftest import RunningServer, metric, until
from tests.transport.live.test_websocket import frame
from transport.live.frames import FrameProtocol

SENT = """
subscription ($id: ID!, $after: String) {
  messageSent(chatId: $id, after: $after) {
    ... on MessageSent { message { sequence body author { handle } } }
    ... on ResyncRequired { reason }
  }
}
"""
OWN = """
subscription ($id: ID!, $after: String) {
  messageSent(chatId: $id, after: $after) { ... on MessageSent { message { body isOwn } } }
}
"""

MAY = """
subscription ($id: ID!, $after: String) {
  messageSent(chatId: $id, after: $after) {
    ... on MessageSent { message { chat { club { viewerCan { update leave } } } } }
  }
}
"""


@asynccontextmanager
async def a_crowd(server, save, sign_in, number, document=SENT):
    """A chat and its members, each with a socket and a subscription that has brought its first message."""
    users = await fellows(save, number)
    chat = await a_group(save, *users)
    async with AsyncExitStack() as stack:
        followers = []
        for user in users:
            token = await sign_in(user, saved=True)
            socket = await stack.enter_async_context(Socket.connect(server.ws_url, token))
            given = {"id": gid(chat), "after": cursors.encode(chat.id, 0)}
            followers.append(await socket.subscribe(document, given))
        await say(followers[0], chat, "first")
        for follower in followers:
            await hear(follower, 1)
        yield chat, users, followers


async def say(follower, chat, *bodies):
    """Send messages over the follower's own socket."""
    for body in bodies:
        given = {"input": {"chatId": gid(chat), "body": body, "clientMessageId": body[:50]}}
        assert (await follower.socket.run(SEND, given))["sendMessage"]["errors"] == []


async def hear(follower, number):
    return [(await follower.next())["messageSent"]["message"] for _ in range(number)]


async def test_an_entry_is_executed_and_encoded_once_for_all_sockets(server, save, sign_in, monkeypatch):
    executed, encoded = [], []
    run, write = EntryAnswers._run, transport.live.fanout.write_json

    async def counted(self, entries):
        executed.append(len(entries))
        return await run(self, entries)

    def counting(body):
        encoded.append(body)
        return write(body)

    async with a_crowd(server, save, sign_in, 8) as (chat, users, followers):
        monkeypatch.setattr(EntryAnswers, "_run", counted)
        monkeypatch.setattr(transport.live.fanout, "write_json", counting)
        await say(followers[0], chat, "hello")
        heard = [await hear(follower, 1) for follower in followers]

    assert heard == [[{"sequence": 2, "body": "hello", "author": {"handle": users[0].handle}}]] * 8
    assert executed == [1]
    assert len(encoded) == 1


async def test_what_depends_on_the_viewer_is_told_to_each_alone(server, save, sign_in):
    async with a_crowd(server, save, sign_in, 3, OWN) as (chat, _users, followers):
        await say(followers[1], chat, "mine")
        heard = [await hear(follower, 1) for follower in followers]

    assert [messages[0]["isOwn"] for messages in heard] == [False, True, False]


async def test_what_each_may_do_is_told_to_each_alone(server, save, sign_in):
    people = {role: make_user() for role in (ClubRole.OWNER, ClubRole.MEMBER)}
    club = make_club()
    chat = make_chat(kind=ChatKind.CLUB, club=club)
    await save(*people.values(), club)
    await save(*(make_membership(club, user, role=role) for role, user in people.items()), chat)
    await save(*(make_member(chat, user) for user in people.values()))
    async with AsyncExitStack() as stack:
        followers = []
        for user in people.values():
            token = await sign_in(user, saved=True)
            socket = await stack.enter_async_context(Socket.connect(server.ws_url, token))
            given = {"id": gid(chat), "after": cursors.encode(chat.id, 0)}
            followers.append(await socket.subscribe(MAY, given))
        await say(followers[0], chat, "hello")
        heard = [(await hear(follower, 1))[0]["chat"]["club"]["viewerCan"] for follower in followers]

    # The only owner has to stay.
    assert heard == [{"update": True, "leave": False}, {"update": False, "leave": True}]


async def test_two_subscriptions_of_one_socket_are_told_by_their_ids(server, save, sign_in):
    async with a_crowd(server, save, sign_in, 2) as (chat, _users, followers):
        given = {"id": gid(chat), "after": cursors.encode(chat.id, 1)}
        second = await followers[0].socket.subscribe(SENT, given, id='quoted " id')
        await say(followers[1], chat, "x" * 200, "y" * 9_000)
        heard = [await hear(one, 2) for one in (followers[0], second, followers[1])]

    assert heard[0] == heard[1] == heard[2]
    assert [len(message["body"]) for message in heard[0]] == [200, 9_000]


async def test_leaving_a_chat_ends_that_members_stream_alone(server, save, sign_in, client, http):
    async with a_crowd(server, save, sign_in, 3) as (chat, users, followers):
        await client(users[1]).execute(LEAVE, chatId=chat)
        with pytest.raises(Failed) as ended:
            await followers[1].next()
        await say(followers[0], chat, "after")
        heard = [await hear(followers[number], 1) for number in (0, 2)]
        stays = await followers[1].socket.run("{ __typename }")

        assert await metric(http, 'wingding_subscriptions{transport="websocket"}') == 2

    assert ended.value.errors[0]["extensions"] == {"code": "FORBIDDEN", "reason": "FORBIDDEN"}
    assert [messages[0]["body"] for messages in heard] == ["after", "after"]
    assert stays == {"__typename": "Query"}


async def test_complete_leaves_the_group(server, save, sign_in, http):
    async with a_crowd(server, save, sign_in, 2) as (chat, _users, followers):
        stopped = followers[0]
        await stopped.socket.send({"type": "complete", "id": stopped.id})
        assert await stopped.socket.run("{ __typename }") == {"__typename": "Query"}
        await say(followers[1], chat, "after")
        await hear(followers[1], 1)
        with pytest.raises(TimeoutError):
            await stopped.next(0.3)

        assert await metric(http, 'wingding_subscriptions{transport="websocket"}') == 1

    async def none_are_left():
        return await metric(http, 'wingding_subscriptions{transport="websocket"}') == 0

    assert await until(none_are_left)


async def test_a_failed_execution_is_told_to_every_member_of_the_group(server, save, sign_in, monkeypatch):
    async def failing(self, entries):
        raise ValueError("secret")

    async with a_crowd(server, save, sign_in, 2) as (chat, _users, followers):
        monkeypatch.setattr(EntryAnswers, "_run", failing)
        await say(followers[0], chat, "hello")
        errors = []
        for follower in followers:
            with pytest.raises(Failed) as ended:
                await follower.next()
            errors.append(ended.value.errors)

    assert [one[0]["extensions"] for one in errors] == [{"code": "INTERNAL"}] * 2
    assert "secret" not in str(errors)


async def test_what_fails_within_an_entry_leaves_the_rest_of_it(server, save, sign_in):
    document = SENT.replace("handle", "handle clubs(first: 0, last: 0) { totalCount }")
    async with a_crowd(server, save, sign_in, 1) as (chat, _users, [follower]):
        other = await follower.socket.subscribe(document, {"id": gid(chat), "after": cursors.encode(chat.id, 0)})
        found = (await other.message())["payload"]

    assert found["data"]["messageSent"] == {"message": {"sequence": 1, "body": "first", "author": None}}
    assert [error["path"] for error in found["errors"]] == [["messageSent", "message", "author", "clubs"]]


async def test_who_joins_in_the_middle_of_a_burst_misses_and_repeats_nothing(server, save, sign_in):
    dice = random.Random(3)
    async with a_crowd(server, save, sign_in, 4) as (chat, _users, followers):

        async def write():
            for number in range(60):
                await say(followers[0], chat, f"message {number}")

        async def join(follower, after):
            await asyncio.sleep(dice.random() * 0.4)
            cursor = cursors.encode(chat.id, after)
            joined = await follower.socket.subscribe(SENT, {"id": gid(chat), "after": cursor})
            return [message["sequence"] for message in await hear(joined, 61 - after)]

        writing = asyncio.create_task(write())
        joining = [join(follower, 0) for follower in followers[1:] for _ in range(2)]
        found = await asyncio.gather(*joining)
        first = [message["sequence"] for message in await hear(followers[0], 60)]
        await writing

    assert found == [list(range(1, 62))] * 6
    assert first == list(range(2, 62))


async def test_a_reader_that_stalls_for_a_moment_gets_everything_in_order(server, save, sign_in, http):
    users = await fellows(save, 2)
    total, size = 120, 9_000
    chat = await a_group(save, *users, last_sequence=total)
    await save(*(make_message(chat, users[0], number, body=f"{number} ".ljust(size, "x")) for number in range(1, 121)))
    token = await sign_in(users[1], saved=True)
    payload = {"query": SENT, "variables": {"id": gid(chat), "after": cursors.encode(chat.id, 0)}}

    reader, writer = await opened(server, token)
    writer.write(frame({"type": "subscribe", "id": "1", "payload": payload}))
    await asyncio.sleep(1)
    found = []
    while len(found) < total:
        message = await asyncio.wait_for(read_message(reader), 5)
        found.append(message["payload"]["data"]["messageSent"]["message"]["sequence"])
    writer.close()

    assert found == list(range(1, total + 1))


async def opened(server, token):
    """A socket with little room for what comes, acknowledged."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", server.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=4096)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    head = f"GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}"
    writer.write(f"{head}Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.write(frame({"type": "connection_init", "payload": {"token": token}}))
    assert (await read_message(reader))["type"] == "connection_ack"
    return reader, writer


async def read_message(reader):
    first, size = await reader.readexactly(2)
    assert first == 0x81
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    return orjson.loads(await reader.readexactly(size))


async def test_a_server_without_the_second_door_delivers_all_the_same(environment, save, sign_in, monkeypatch):
    monkeypatch.setattr("transport.live.fanout.SocketSubscription.deliver", None)
    settings = Settings.load(environment | {"PORT": str(free_port())})
    config = configuration(settings, app=create_app(settings), factory=False, loop="none", ws="websockets-sansio")
    plain = uvicorn.Server(config)
    task = asyncio.create_task(plain._serve([listen(settings)]))
    while not plain.started:
        await asyncio.sleep(0.02)
    async with a_crowd(RunningServer(settings), save, sign_in, 2) as (chat, _users, followers):
        await say(followers[0], chat, "hello")
        heard = [await hear(follower, 1) for follower in followers]
    plain.should_exit = True
    await task

    assert [messages[0]["body"] for messages in heard] == ["hello", "hello"]


@pytest.mark.outside
async def test_the_end_of_the_server_ends_live_subscriptions(start_server, save, ports, sign_in):
    users = await fellows(save, 1)
    chat = await a_group(save, *users)
    process = start_server()
    async with Socket.connect(process.ws_url, await sign_in(users[0], saved=True)) as socket:
        follower = await socket.subscribe(SENT, {"id": gid(chat)})
        await asyncio.sleep(0.3)
        await asyncio.to_thread(process.stop)

        with pytest.raises(Completed):
            await follower.next()
        assert await socket.closed() == 1012
    assert process.process.returncode == -signal.SIGTERM


async def test_a_live_subscriber_keeps_nothing_of_how_it_came(server, save, sign_in):
    """Neither who read the handshake, nor its scope, nor the layers of the application, nor the executor: without the
    collector of cycles, which comes late.
    """

    def kept():
        objects = gc.get_objects()
        names = Counter(type(one).__name__ for one in objects)
        waiting = {one.cr_code.co_qualname for one in objects if type(one) is CoroutineType}
        scopes = [one.scope for one in objects if type(one) is FrameProtocol]
        return (names["DirectProtocol"], names["Executor"]), waiting, scopes

    async with a_crowd(server, save, sign_in, 1):
        # What a process or a group has one of is there now.
        gc.collect()
        gc.disable()
        try:
            before, _, _ = kept()
            async with a_crowd(server, save, sign_in, 3):
                after, waiting, scopes = kept()
        finally:
            gc.enable()

    assert after == before
    assert scopes == [{}] * 4
    assert "SocketConnection.run" in waiting
    assert not waiting & {"WebSocketRoute.handle", "SocketEndpoint.__call__"}
