"""Statements that lock a row and write in one go: what they wait for must be in what they write."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from auth.viewer import Viewer
from errors import NotFound
from models import ChatKind, ChatMember, Inbox, Message, Notification, NotificationType
from resolvers import chat_members, chats, messages, registrations
from resolvers.notifications import notify
from tests.factories import make_category, make_chat, make_event, make_member, make_user, make_venue


@pytest.fixture
def waiting(ports):
    """`await waiting()` until some transaction waits for the lock of another."""

    async def blocked():
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        async with ports.database.reading() as session:
            return await session.scalar(text(asked)) or 0

    async def until_blocked():
        async with asyncio.timeout(10):
            while not await blocked():
                await asyncio.sleep(0.01)

    return until_blocked


@pytest.mark.parametrize("does", ["join", "register"])
async def test_who_joins_while_a_message_is_sent_sees_what_comes_after_it(save, ports, row, waiting, does):
    host, category, venue = make_user(), make_category(), make_venue()
    await save(host, category, venue)
    event = make_event(host, category, venue)
    chat = make_chat(kind=ChatKind.EVENT, event_id=event.id)
    await save(event)
    await save(chat)

    async def join():
        async with ports.database.writing() as uow:
            if does == "join":
                await chat_members.join_event_chat(uow, event.id, host.id)
            else:
                await registrations.register(uow, Viewer(host), event_id=event.id)

    async with ports.database.writing() as uow:
        held = await chat_members.locked_by_id(uow, chat.id)
        held.last_sequence += 3
        await uow.session.flush()
        joining = asyncio.create_task(join())
        await waiting()
    await joining

    member = await row(ChatMember, (chat.id, host.id))
    assert (member.joined_sequence, member.read_sequence) == (3, 3)


@pytest.mark.parametrize("does", ["send", "mark_read"])
async def test_who_is_let_out_while_they_wait_does_nothing_more(save, ports, row, count, waiting, does):
    ada, chat = make_user(), make_chat(kind=ChatKind.GROUP, title="Friends", last_sequence=2)
    await save(ada, chat)
    await save(make_member(chat, ada))

    async def attempt():
        async with ports.database.writing() as uow:
            if does == "send":
                await messages.send(uow, Viewer(ada), chat_id=chat.id, body="Hi", client_message_id="1", needs="anyone")
            else:
                await chats.mark_read(uow, Viewer(ada), chat_id=chat.id, message_id=None)

    async with ports.database.writing() as uow:
        held = await chat_members.locked_by_id(uow, chat.id)
        await chat_members.remove(uow, held, ada.id)
        attempting = asyncio.create_task(attempt())
        await waiting()
    with pytest.raises(NotFound) as refused:
        await attempting

    assert refused.value.path == ("chatId",)
    assert await count(Message) == 0
    assert (await row(ChatMember, (chat.id, ada.id))).read_sequence == 0


async def test_inboxes_are_locked_in_one_order_whatever_the_order_of_the_recipients(save, ports, row, count):
    users = [make_user() for _ in range(8)]
    await save(*users)
    ids = [user.id for user in users]

    async def tell(number):
        async with ports.database.writing() as uow:
            turned = ids[number % 8 :] + ids[: number % 8]
            await notify(uow, turned if number % 2 else turned[::-1], NotificationType.EVENT_APPROVED, title="Walk")

    await asyncio.gather(*(tell(number) for number in range(40)))

    assert await count(Notification) == 320
    for user_id in ids:
        assert (await row(Inbox, user_id)).last_sequence == 40
        assert await count(Notification, Notification.user_id == user_id, Notification.sequence.between(1, 40)) == 40
