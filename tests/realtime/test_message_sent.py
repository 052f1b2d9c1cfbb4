from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

import pytest

from auth.viewer import Viewer
from errors import NotFound
from models import ChatMember, Role, Session, utcnow
from realtime import cursors
from realtime.streams import Bounds, StreamEnded, access_stream
from resolvers.chat import messages
from resolvers.chat.reading import PLACES
from schema.core.context import Caller, Context
from tests.api.chat.test_chats import LEAVE, a_group, fellows
from tests.clients import gid
from tests.factories import in_days, make_chat, make_member, make_message, make_user
from tests.live import SEND, SENT, relaying


async def send(client, user, chat, *bodies):
    for body in bodies:
        answer = await client(user).execute(SEND, chatId=chat, body=body, clientMessageId=f"{user.handle}:{body}")
        assert answer.data["sendMessage"]["errors"] == []


async def take(stream, seconds=5):
    result = await asyncio.wait_for(anext(stream), seconds)
    assert not result.errors, result.errors
    return result.data["messageSent"]


async def bodies(stream, number):
    return [(await take(stream))["message"]["body"] for _ in range(number)]


@asynccontextmanager
async def following(client, user, chat, ports, **variables):
    """A stream that is live already."""
    stream = await client(user).subscribe(SENT, id=chat, **variables)
    async with aclosing(stream):
        waiting = asyncio.ensure_future(anext(stream))
        try:
            async with asyncio.timeout(5):
                while f"chat:{chat.id}" not in ports.hub._confirmed:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            yield waiting, stream
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def test_messages_arrive_live_in_order_and_resume_after_a_cursor(client, save, ports):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    async with relaying(ports):
        await send(client, ada, chat, "before")
        async with following(client, bob, chat, ports) as (waiting, stream):
            await send(client, ada, chat, "one")
            first = (await asyncio.wait_for(waiting, 5)).data["messageSent"]
            await send(client, bob, chat, "two")
            await send(client, ada, chat, "three")
            live = await bodies(stream, 2)
        await send(client, ada, chat, "four")
        async with aclosing(await client(bob).subscribe(SENT, id=chat, after=first["cursor"])) as resumed:
            replayed = await bodies(resumed, 3)

    assert (first["message"]["body"], live) == ("one", ["two", "three"])
    assert replayed == ["two", "three", "four"]


async def test_a_long_history_is_replayed_whole(client, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob, last_sequence=250)
    await save(*(make_message(chat, ada, sequence) for sequence in range(1, 251)))

    async with aclosing(await client(bob).subscribe(SENT, id=chat, after=cursors.encode(chat.id, 0))) as stream:
        found = [(await take(stream))["message"]["sequence"] for _ in range(250)]

    assert found == list(range(1, 251))


@pytest.mark.parametrize("position", [0, 9])
async def test_a_cursor_outside_of_what_one_may_see_asks_to_read_anew(client, save, ports, position):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, last_sequence=3)
    await save(*(make_message(chat, ada, sequence) for sequence in (1, 2, 3)))
    await save(make_member(chat, bob, joined_sequence=2))

    async with relaying(ports):
        stream = await client(bob).subscribe(SENT, id=chat, after=cursors.encode(chat.id, position))
        async with aclosing(stream):
            resync = await take(stream)
            waiting = asyncio.ensure_future(take(stream))
            await send(client, ada, chat, "next")
            after = await waiting

    assert resync == {
        "__typename": "ResyncRequired",
        "cursor": cursors.encode(chat.id, 3),
        "reason": "CURSOR_NOT_KEPT",
    }
    assert after["message"] == {"sequence": 4, "body": "next"}


async def test_a_cursor_of_another_chat_is_refused(client, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)

    async with aclosing(await client(bob).subscribe(SENT, id=chat, after=cursors.encode(ada.id, 0))) as stream:
        result = await anext(stream)

    assert result.errors[0].extensions["reason"] == "INVALID_CURSOR"


@pytest.mark.parametrize("caller", ["guest", "stranger", "left"])
async def test_a_stream_is_for_members_alone(client, save, caller):
    chat, people = make_chat(title="Private"), {"guest": None, "stranger": make_user(), "left": make_user()}
    await save(chat, people["stranger"], people["left"])
    await save(make_member(chat, people["left"], left_at=utcnow(), left_sequence=0))

    async with aclosing(await client(people[caller]).subscribe(SENT, id=chat)) as stream:
        result = await anext(stream)

    expected = "UNAUTHENTICATED" if caller == "guest" else "BAD_USER_INPUT"
    assert result.data is None or result.data["messageSent"] is None
    assert [error.extensions["code"] for error in result.errors] == [expected]


async def test_leaving_ends_the_stream_at_once(client, save, ports):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    async with relaying(ports), following(client, bob, chat, ports) as (waiting, _stream):
        await client(bob).execute(LEAVE, chatId=chat)
        result = await asyncio.wait_for(waiting, 5)

    assert result.errors[0].extensions["reason"] == "FORBIDDEN"


async def test_a_message_after_leaving_is_never_shown_even_if_the_news_of_leaving_is_late(client, save, ports):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    async with following(client, bob, chat, ports) as (waiting, _stream):
        await client(bob).execute(LEAVE, chatId=chat)
        await send(client, ada, chat, "secret")
        # Only the message is announced: the other relay, which has the leaving, is slow.
        await ports.hub.publish_all([(f"chat:{chat.id}", '{"sequence": 1}')])
        await asyncio.sleep(0.3)

        # Another server of this run may have brought the news after all: then the stream has ended, as it should.
        assert not waiting.done() or waiting.result().errors[0].extensions["reason"] == "FORBIDDEN"


@asynccontextmanager
async def signed_in(schema, ports, save, user, chat, **values):
    session = Session(user_id=user.id, expires_at=in_days(1))
    await save(session)
    viewer = Viewer(user, session.id, values.get("expires_at", in_days(1)))
    caller = Caller(address="127.0.0.1", user_agent="", accept_language="en")
    context = Context(ports=ports, caller=caller, viewer=viewer, is_socket=True)
    stream = await schema.subscribe(SENT, variable_values={"id": gid(chat)}, context_value=context)
    async with aclosing(stream):
        yield session, stream


async def test_signing_out_ends_the_stream(schema, ports, save, client):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    async with signed_in(schema, ports, save, bob, chat) as (session, stream):
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.2)
        async with ports.database.writing() as uow:
            (await uow.session.get_one(Session, session.id)).ended_at = utcnow()
        await ports.hub.publish_all([(access_stream(bob.id), "{}")])
        result = await asyncio.wait_for(waiting, 5)

    assert result.errors[0].extensions["reason"] == "FORBIDDEN"


async def test_a_token_that_expires_ends_the_stream(schema, ports, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    soon = utcnow() + timedelta(seconds=0.3)
    async with signed_in(schema, ports, save, bob, chat, expires_at=soon) as (_session, stream):
        result = await asyncio.wait_for(anext(stream), 5)

    assert result.errors[0].extensions["code"] == "UNAUTHENTICATED"
    assert utcnow() >= soon


async def test_a_token_that_expires_ends_a_long_replay_too(schema, ports, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob, last_sequence=0)
    async with signed_in(schema, ports, save, bob, chat, expires_at=utcnow() - timedelta(seconds=1)) as (_, stream):
        result = await asyncio.wait_for(anext(stream), 5)

    assert result.errors[0].extensions["code"] == "UNAUTHENTICATED"


def chat_stream(ports, viewer, chat):
    return messages.ChatStream(ports.chat_presence, ports.chat_reads, viewer, chat_id=chat.id, after=None)


@pytest.mark.parametrize(
    ("has_ended", "role", "is_let_in"),
    [(False, Role.USER, True), (True, Role.USER, False), (False, Role.MODERATOR, False)],
)
async def test_who_comes_after_the_session_or_role_has_changed_is_not_let_in(save, ports, has_ended, role, is_let_in):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob, last_sequence=7)
    session = Session(user_id=bob.id, expires_at=in_days(1), ended_at=utcnow() if has_ended else None)
    await save(session)
    stream = chat_stream(ports, Viewer(make_user(id=bob.id, role=role), session.id, in_days(1)), chat)

    if is_let_in:
        assert await stream.bounds() == Bounds(floor=0, head=7)
    else:
        with pytest.raises(StreamEnded):
            await stream.bounds()
    assert await stream.which_allowed([stream]) == [is_let_in]


async def test_all_who_come_at_once_are_let_in_by_one_statement(save, ports, monkeypatch):
    users = await fellows(save, 5)
    chats = [await a_group(save, *users, last_sequence=number) for number in range(3)]
    stranger = make_user()
    await save(stranger)
    asked = []
    fetch = ports.database.fetch

    async def counted(sql, *arguments, **options):
        asked.append(sql)
        return await fetch(sql, *arguments, **options)

    monkeypatch.setattr(ports.database, "fetch", counted)
    streams = [chat_stream(ports, Viewer(user), chat) for chat in chats for user in users]
    found = await asyncio.gather(*(stream.bounds() for stream in streams))

    assert [bounds.head for bounds in found] == [0] * 5 + [1] * 5 + [2] * 5
    assert asked == [PLACES]
    with pytest.raises(NotFound):
        await chat_stream(ports, Viewer(stranger), chats[0]).bounds()


async def test_a_member_is_there_while_following(client, save, ports, count):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    there = (ChatMember.user_id == bob.id, ChatMember.watching_until > utcnow() + timedelta(seconds=30))

    async with following(client, bob, chat, ports):
        during = await count(ChatMember, *there)
    async with asyncio.timeout(5):
        while await count(ChatMember, ChatMember.watching_until.is_not(None)):
            await asyncio.sleep(0.02)

    assert during == 1
    assert ports.chat_presence._watches() == []


async def test_the_mark_of_all_who_follow_is_kept_alive_by_one_statement(client, save, ports, count, monkeypatch):
    monkeypatch.setattr("realtime.chat_presence.REFRESH", 0.2)
    users = await fellows(save, 5)
    chat = await a_group(save, *users)
    marks = []
    mark = ports.chat_presence._mark

    async def counted(watches, *, is_there):
        marks.append((len(list(watches)), is_there))
        await mark(watches, is_there=is_there)

    streams = [await client(user).subscribe(SENT, id=chat) for user in users]
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0.3)
    monkeypatch.setattr(ports.chat_presence, "_mark", counted)
    await asyncio.sleep(0.25)
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for stream in streams:
        await stream.aclose()

    assert (5, True) in marks


async def test_many_who_follow_from_one_process_read_a_message_once(client, save, ports, monkeypatch):
    users = await fellows(save, 20)
    chat = await a_group(save, *users)
    readings = []
    original = messages._read

    async def counted(*arguments):
        readings.append(arguments)
        return await original(*arguments)

    async with relaying(ports):
        streams = [await client(user).subscribe(SENT, id=chat) for user in users]
        waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await asyncio.sleep(0.5)
        monkeypatch.setattr("resolvers.chat.messages._read", counted)
        await send(client, users[0], chat, "hello")
        results = await asyncio.wait_for(asyncio.gather(*waiting), 5)
        for stream in streams:
            await stream.aclose()

    assert [result.data["messageSent"]["message"]["body"] for result in results] == ["hello"] * 20
    assert len(readings) == 1
