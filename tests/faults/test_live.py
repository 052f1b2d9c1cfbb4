"""Live messages while Redis, servers and sockets fail: nothing is lost, nothing comes twice, the order stays."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing
from itertools import count as counting

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from models import OutboxDelivery
from realtime import cursors
from tests.api.chat.test_chats import LEAVE, a_group, fellows
from tests.clients import NO_TLS, gid
from tests.live import SEND, SENT, opened, relaying, sign_in
from tests.realtime.test_message_sent import following, send

numbers = counting(1)


async def post(server, token, chat, body) -> dict:
    """Send a message over HTTP."""
    variables = {"input": {"chatId": gid(chat), "body": body, "clientMessageId": body}}
    async with httpx2.AsyncClient(timeout=20, verify=NO_TLS) as http:
        answer = await http.post(
            f"{server.url}/graphql",
            json={"query": SEND, "variables": variables},
            headers={"Authorization": f"Bearer {token}"},
        )
    found: dict = answer.json()["data"]["sendMessage"]
    assert found["errors"] == []
    return found["message"]


def body_of(message: dict) -> str:
    return str(message["payload"]["data"]["messageSent"]["message"]["body"])


async def test_streams_go_on_by_themselves_when_redis_restarts(client, save, ports, servers):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    async with relaying(ports), following(client, bob, chat, ports) as (waiting, stream):
        await send(client, ada, chat, "before")
        found = [(await asyncio.wait_for(waiting, 5)).data["messageSent"]["message"]["body"]]
        restart = asyncio.create_task(asyncio.to_thread(servers.restart_redis, down_seconds=0.5))
        for number in range(10):
            await send(client, ada, chat, f"while {number}")
            await asyncio.sleep(0.1)
        await restart
        await send(client, ada, chat, "after")
        for _ in range(11):
            result = await asyncio.wait_for(anext(stream), 10)
            found.append(result.data["messageSent"]["message"]["body"])

    assert found == ["before", *(f"while {number}" for number in range(10)), "after"]


async def test_messages_sent_while_redis_is_down_arrive_when_it_is_back(client, save, ports, servers):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    async with relaying(ports), following(client, bob, chat, ports) as (waiting, stream):
        servers.redis.stop()
        try:
            await asyncio.wait_for(send(client, ada, chat, "one", "two"), 2)
        finally:
            await asyncio.to_thread(servers.restart_redis)
        first = (await asyncio.wait_for(waiting, 10)).data["messageSent"]["message"]["body"]
        second = (await asyncio.wait_for(anext(stream), 10)).data["messageSent"]["message"]["body"]

    assert (first, second) == ("one", "two")


async def test_who_begins_to_follow_while_redis_is_down_loses_nothing(client, save, ports, servers):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    await send(client, ada, chat, "old")
    async with relaying(ports):
        servers.redis.stop()
        try:
            stream = await client(bob).subscribe(SENT, id=chat, after=cursors.encode(chat.id, 0))
            old = (await asyncio.wait_for(anext(stream), 5)).data["messageSent"]["message"]["body"]
            waiting = asyncio.ensure_future(anext(stream))
            await send(client, ada, chat, "new")
        finally:
            await asyncio.to_thread(servers.restart_redis)
        new = (await asyncio.wait_for(waiting, 10)).data["messageSent"]["message"]["body"]
        await stream.aclose()

    assert (old, new) == ("old", "new")


async def test_what_a_killed_process_left_behind_is_delivered_by_another(client, save, ports, count):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    async with following(client, bob, chat, ports) as (waiting, _stream):
        # Committed, with its event in the outbox, and this process has no relay: what a kill before publishing leaves.
        await send(client, ada, chat, "orphan")
        async with relaying(ports):
            found = (await asyncio.wait_for(waiting, 5)).data["messageSent"]["message"]["body"]
            await asyncio.sleep(0.2)

    assert found == "orphan"
    assert await count(OutboxDelivery, OutboxDelivery.consumer == "live") == 0


@pytest.mark.outside
async def test_one_process_sends_and_another_has_the_subscriber(start_server, client, save, ports):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    first, second = start_server(), start_server(RELAY_INTERVAL="0.1")
    tokens = [await sign_in(ports, user) for user in (ada, bob)]

    async with opened(second.ws_url, tokens[1]) as socket:
        await socket.subscribe(SENT, id=gid(chat), after=cursors.encode(chat.id, 0))
        for number in range(3):
            await post(first, tokens[0], chat, f"message {number}")
        found = [body_of(await socket.next()) for _ in range(3)]

        # The sender's process dies after a commit that nobody published: the relay of the other one takes over.
        first.kill()
        await send(client, ada, chat, "orphan")
        found.append(body_of(await socket.next()))

        await client(bob).execute(LEAVE, chatId=chat)
        end = await socket.next()

    assert found == ["message 0", "message 1", "message 2", "orphan"]
    ended = end["payload"][0] if end["type"] == "error" else end["payload"]["errors"][0]
    assert ended["extensions"]["reason"] == "FORBIDDEN"


@pytest.mark.outside
async def test_a_kill_while_messages_are_being_sent_loses_none_that_was_answered(start_server, save, ports):
    """The API process is killed again and again in the middle of sending; another has the subscriber."""
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    listening = start_server(RELAY_INTERVAL="0.1")
    tokens = [await sign_in(ports, user) for user in (ada, bob)]
    answered: list[int] = []

    async def send_until_killed(server) -> None:
        try:
            while True:
                answered.append((await post(server, tokens[0], chat, f"message {next(numbers)}"))["sequence"])
        except httpx2.TransportError:
            return

    async with opened(listening.ws_url, tokens[1]) as socket:
        await socket.subscribe(SENT, id=gid(chat), after=cursors.encode(chat.id, 0))
        for round in range(1, 4):
            sending = await asyncio.to_thread(start_server, RELAY_INTERVAL="60")
            tasks = [asyncio.create_task(send_until_killed(sending)) for _ in range(4)]
            async with asyncio.timeout(30):
                while len(answered) < 10 * round:
                    await asyncio.sleep(0.01)
            await asyncio.to_thread(sending.kill)
            await asyncio.gather(*tasks)
        last = await post(listening, tokens[0], chat, "last")
        found: list[int] = []
        while not found or found[-1] < last["sequence"]:
            found.append((await socket.next())["payload"]["data"]["messageSent"]["message"]["sequence"])

    assert found == list(range(1, last["sequence"] + 1))
    assert set(answered) <= set(found)


@pytest.mark.outside
async def test_a_thousand_messages_arrive_once_and_in_order_while_sockets_are_killed(
    start_server, save, ports, servers
):
    dice = random.Random(7)
    ada, *readers = await fellows(save, 4)
    chat = await a_group(save, ada, *readers)
    processes = [start_server(RELAY_INTERVAL="0.1", MAX_SOCKETS_PER_USER="50") for _ in range(2)]
    token = await sign_in(ports, ada)
    total = 1000

    async def write(part: range) -> None:
        for number in part:
            await post(dice.choice(processes), token, chat, f"message {number}")

    async def read(user) -> list[tuple[int, str]]:
        """Follow with a socket that is torn every few messages, and resume by the last cursor."""
        own, cursor, found = await sign_in(ports, user), cursors.encode(chat.id, 0), []
        while len(found) < total:
            try:
                async with opened(dice.choice(processes).ws_url, own) as socket:
                    await socket.subscribe(SENT, id=gid(chat), after=cursor)
                    for _ in range(dice.randint(1, 80)):
                        item = (await socket.next_or_dead())["payload"]["data"]["messageSent"]
                        found.append((item["message"]["sequence"], item["message"]["body"]))
                        cursor = item["cursor"]
                        if len(found) == total:
                            break
                    socket.socket.transport.abort()
            except ConnectionClosed:
                continue
        return found

    reading = [asyncio.create_task(read(user)) for user in readers]
    writing = [asyncio.create_task(write(range(start, total, 5))) for start in range(5)]
    await asyncio.sleep(1)
    await asyncio.to_thread(servers.restart_redis, down_seconds=0.3)
    await asyncio.gather(*writing)
    results = await asyncio.wait_for(asyncio.gather(*reading), 120)

    for found in results:
        assert [sequence for sequence, _ in found] == list(range(1, total + 1))
        assert {body for _, body in found} == {f"message {number}" for number in range(total)}
    assert results[0] == results[1] == results[2]


async def test_a_stream_closes_when_its_client_goes(client, save, ports):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    async with aclosing(await client(bob).subscribe(SENT, id=chat)) as stream:
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.2)
        listened = f"chat:{chat.id}" in ports.hub._listeners
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    assert listened
    assert f"chat:{chat.id}" not in ports.hub._listeners
