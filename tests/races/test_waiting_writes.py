"""Statements that lock a row and write in one go: what they wait for must be in what they write."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from auth.viewer import Viewer
from errors import NotFound
from models import (
    AvailabilityChange,
    Chat,
    ChatKind,
    ChatMember,
    EventStatus,
    Inbox,
    Message,
    Notification,
    NotificationType,
    Registration,
)
from resolvers.booking import bookability, locks, registrations
from resolvers.chat import members, messages, reading
from resolvers.core.invariants import find_violations
from tests.factories import (
    make_category,
    make_chat,
    make_event,
    make_host,
    make_member,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)
from tests.news import notify


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
                await members.join_event_chats(uow, [(event.id, host.id)])
            else:
                await registrations.register(uow, Viewer(host), event_id=event.id)

    async with ports.database.writing() as uow:
        held = await members.locked_by_id(uow, chat.id)
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
                await reading.mark_read(uow, Viewer(ada), chat_id=chat.id, message_id=None)

    async with ports.database.writing() as uow:
        held = await members.locked_by_id(uow, chat.id)
        await members.remove(uow, [held.id], [ada.id])
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


@pytest.fixture(params=["by itself", "within a transaction"])
def writing(request, ports):
    """A unit of work for a rule that writes by one statement."""
    return ports.database.writing_once if request.param == "by itself" else ports.database.writing


def cancel(event, _ada, _kind):
    event.status = EventStatus.CANCELLED
    return []


def sell_the_last_place(event, _ada, _kind):
    return [make_registration(event, make_user(id=event.created_by_id))]


def register_on_another_device(event, ada, _kind):
    return [make_registration(event, ada)]


def offer_a_service(event, _ada, kind):
    return [make_service(event, kind, capacity=1)]


@pytest.mark.parametrize(
    ("meanwhile", "refusal"),
    [
        (cancel, bookability.Closed),
        (sell_the_last_place, bookability.Full),
        (register_on_another_device, bookability.AlreadyRegistered),
        (offer_a_service, bookability.BookServicesInstead),
    ],
)
async def test_who_waited_for_a_place_is_refused_for_what_happened_meanwhile(
    save, ports, count, waiting, writing, meanwhile, refusal
):
    ada, host, category, venue, kind = make_user(), make_user(), make_category(), make_venue(), make_service_type()
    await save(ada, host, category, venue, kind)
    event = make_event(host, category, venue, capacity=1)
    await save(event)

    async def attempt():
        async with writing() as uow:
            await registrations.register(uow, Viewer(ada), event_id=event.id)

    async with ports.database.writing() as uow:
        held = (await locks.lock(uow, event.id)).event
        attempting = asyncio.create_task(attempt())
        await waiting()
        rows = meanwhile(held, ada, kind)
        uow.session.add_all(rows)
    with pytest.raises(refusal):
        await attempting

    assert await count(Registration) == len([one for one in rows if isinstance(one, Registration)])
    assert await count(AvailabilityChange) == await count(Notification) == 0
    async with ports.database.reading() as session:
        assert await find_violations(session) == []


async def two_messages_at_once(save, ports, waiting, writing, *client_ids):
    """The second one waits for the first one's chat. Both authors are members, and a third person, who is away."""
    users, chat = [make_user() for _ in range(3)], make_chat(kind=ChatKind.GROUP, title="Friends")
    await save(*users, chat)
    await save(*(make_member(chat, user) for user in users))

    async def send(uow, client_id):
        return await messages.send(
            uow, Viewer(users[0]), chat_id=chat.id, body="Hi", client_message_id=client_id, needs="anyone"
        )

    async def second():
        async with writing() as uow:
            return await send(uow, client_ids[1])

    async with ports.database.writing() as uow:
        first = await send(uow, client_ids[0])
        sending = asyncio.create_task(second())
        await waiting()
    return chat, first, await sending


async def test_two_messages_at_once_tell_nobody_twice(save, ports, count, waiting, writing):
    _chat, first, second = await two_messages_at_once(save, ports, waiting, writing, "one", "two")

    assert (first.sequence, second.sequence) == (1, 2)
    assert await count(Notification) == 2


async def test_the_same_message_twice_at_once_is_sent_once(save, ports, row, count, waiting, writing):
    chat, first, second = await two_messages_at_once(save, ports, waiting, writing, "same", "same")

    assert first.id == second.id
    assert (await row(Chat, chat.id)).last_sequence == await count(Message) == 1
    async with ports.database.reading() as session:
        assert await find_violations(session) == []


async def test_two_devices_that_read_at_once_agree(save, ports, row, waiting, writing):
    ada, chat = make_user(), make_chat(kind=ChatKind.GROUP, title="Friends", last_sequence=2)
    await save(ada, chat)
    await save(make_member(chat, ada))

    async def read():
        async with writing() as uow:
            return await reading.mark_read(uow, Viewer(ada), chat_id=chat.id, message_id=None)

    async with ports.database.writing() as uow:
        held = await members.locked_by_id(uow, chat.id)
        held.last_sequence = 5
        await uow.session.flush()
        first = await reading.mark_read(uow, Viewer(ada), chat_id=chat.id, message_id=None)
        waiter = asyncio.create_task(read())
        await waiting()
    second = await waiter

    assert (first.membership["read_sequence"], first.unread) == (5, 0)
    assert (second.membership["read_sequence"], second.unread) == (5, 0)
    assert (await row(ChatMember, (chat.id, ada.id))).read_sequence == 5


async def test_registering_sending_and_reading_at_once_lock_nobody_out(save, ports, count):
    """All lock the same chat, memberships and inboxes: out of order, some would deadlock."""
    users, category, venue = [make_user() for _ in range(20)], make_category(), make_venue()
    await save(*users, category, venue)
    host = users[0]
    event = make_event(host, category, venue)
    chat = make_chat(kind=ChatKind.EVENT, event_id=event.id)
    await save(event, make_host(event, host))
    await save(chat, make_member(chat, host))

    async def come_and_talk(user):
        if user is not host:
            async with ports.database.writing_once() as once:
                await registrations.register(once, Viewer(user), event_id=event.id)
        for number in range(5):
            async with ports.database.writing_once() as once:
                await messages.send(
                    once, Viewer(user), chat_id=chat.id, body="Hi", client_message_id=str(number), needs="anyone"
                )
            async with ports.database.writing_once() as once:
                await reading.mark_read(once, Viewer(user), chat_id=chat.id, message_id=None)

    await asyncio.gather(*(come_and_talk(user) for user in users))

    assert await count(Registration) == 19
    assert await count(Message) == 100
    async with ports.database.reading() as session:
        assert await find_violations(session) == []
