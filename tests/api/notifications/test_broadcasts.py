"""News for more people than are told at once: told after the commit, in batches, to each whom they concern still."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from models import (
    Broadcast,
    Channel,
    Chat,
    ChatMember,
    Notification,
    NotificationPreference,
    NotificationType,
    Service,
    User,
)
from resolvers.core.invariants import find_violations
from resolvers.notifications import broadcasting, notifications
from resolvers.notifications.broadcasting import tell_next
from tests.api.chat.test_chats import LEAVE, MARK_READ, a_group
from tests.api.chat.test_messages import SEND
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_event,
    make_host,
    make_member,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    now,
)

BATCH = 4


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    monkeypatch.setattr(notifications, "MOST_AT_ONCE", 5)


@pytest.fixture
def told(ports):
    """What each was told: type, title and whether it was ended, oldest first."""

    async def read():
        found = defaultdict(list)
        async with ports.database.reading() as session:
            rows = await session.scalars(select(Notification).order_by(Notification.user_id, Notification.sequence))
            for one in rows:
                says = one.params.get("text") or one.params.get("changes", [{}])[0].get("after") or ""
                found[one.user_id].append((one.type.value, says, bool(one.params.get("withdrawn"))))
        return found

    return read


async def tell_all(ports):
    """As two workers do."""

    async def work():
        while (done := await tell_next(ports.database, most=BATCH)) is not None:
            await asyncio.sleep(0.01 if done.is_stuck else 0)

    await asyncio.gather(work(), work())


async def fail_amid(ports, monkeypatch):
    """A worker is killed when all of a batch is written, and nothing committed."""

    async def die(*_):
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(broadcasting, "_note", die)
        with pytest.raises(asyncio.CancelledError):
            await tell_next(ports.database, most=BATCH)


async def test_many_members_hear_of_a_message_once_and_only_if_it_is_news_to_them(
    client, save, ports, count, row, told, monkeypatch
):
    users = [make_user() for _ in range(30)]
    ada, *others = users
    await save(*users)
    chat = await a_group(save, *users[:-1])
    leaving, reading, watching, deaf, gone, late = *others[-6:-1], users[-1]

    sent = [await client(ada).execute(SEND, chatId=chat, body="One", clientMessageId="1")]
    assert (await count(Notification), await count(Broadcast)) == (0, 1)
    await tell_next(ports.database, most=BATCH)
    assert await count(Notification) == BATCH
    await fail_amid(ports, monkeypatch)
    assert await count(Notification) == BATCH
    await client(leaving).execute(LEAVE, chatId=chat)
    await client(reading).execute(MARK_READ, chatId=chat)
    await save(
        NotificationPreference(
            user_id=deaf.id, type=NotificationType.NEW_MESSAGE, channel=Channel.IN_APP, is_enabled=False
        )
    )
    await save(make_member(chat, late, joined_sequence=1, read_sequence=1))
    async with ports.database.writing() as uow:
        soon = now() + timedelta(minutes=5)
        await uow.session.execute(
            update(ChatMember).where(ChatMember.user_id == watching.id).values(watching_until=soon)
        )
        await uow.session.execute(update(User).where(User.id == gone.id).values(is_active=False))
    sent.append(await client(ada).execute(SEND, chatId=chat, body="Two", clientMessageId="2"))
    assert await count(Broadcast) == 2
    await tell_all(ports)

    found = await told()
    assert [one.data["sendMessage"]["errors"] for one in sent] == [[], []]
    assert await count(Broadcast) == 0
    new = {"One": [("NEW_MESSAGE", "One", False)], "Two": [("NEW_MESSAGE", "Two", False)]}
    assert {user.id: found[user.id] for user in others[:-6]} == {user.id: new["One"] for user in others[:-6]}
    assert [found[one.id] for one in (ada, leaving, watching, deaf, gone)] == [[]] * 5
    assert [found[one.id] for one in (reading, late)] == [new["Two"]] * 2
    async with ports.database.reading() as session:
        assert await find_violations(session) == []

    # Whoever has looked is told anew, by the message itself, since they are few; nobody else is looked at.
    for one in others[:2]:
        await client(one).execute(MARK_READ, chatId=chat)
    await client(ada).execute(SEND, chatId=chat, body="Three", clientMessageId="3")
    assert await count(Broadcast) == 0
    found = await told()
    assert [found[one.id] for one in others[:3]] == [
        [*new["One"], ("NEW_MESSAGE", "Three", False)], [*new["One"], ("NEW_MESSAGE", "Three", False)], new["One"],
    ]  # fmt: skip
    assert (await row(Chat, chat.id)).last_sequence == 3


EDIT = """
mutation ($input: UpdateEventInput!) { updateEvent(input: $input) { event { version } errors { code path } } }
"""
CANCEL = "mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { errors { code } } }"
REACTIVATE = "mutation ($input: ReactivateEventInput!) { reactivateEvent(input: $input) { errors { code } } }"
LEAVE_EVENT = "mutation ($input: CancelRegistrationInput!) { cancelRegistration(input: $input) { errors { code } } }"
CANCEL_SERVICE = "mutation ($input: CancelServiceInput!) { cancelService(input: $input) { errors { code } } }"


async def an_event(save, number, **values):
    host, category, venue = make_user(is_trusted=True), make_category(), make_venue()
    people = [make_user() for _ in range(number)]
    await save(host, category, venue, *people)
    event = make_event(host, category, venue, title="Walk", starts_at=in_days(3), **values)
    await save(event, make_host(event, host))
    return host, event, people


async def act(client, user, document, **input):
    answer = await client(user).execute(document, **input)
    assert answer.errors == []
    [payload] = answer.data.values()
    assert payload["errors"] == []
    return payload


async def test_what_happens_to_an_event_is_told_in_order_and_as_long_as_it_is_so(
    client, save, ports, count, told, monkeypatch
):
    host, event, people = await an_event(save, 20)
    await save(*(make_registration(event, one) for one in people))
    changed = {name: ("EVENT_CHANGED", name, False) for name in ("One", "Two")}
    over = {name: (*one[:2], True) for name, one in changed.items()}
    off, back = ("EVENT_CANCELLED", "", False), ("EVENT_REACTIVATED", "", False)

    await act(client, host, EDIT, eventId=event, expectedVersion=1, title="One")
    assert (await count(Notification), await count(Broadcast)) == (0, 1)
    for _ in range(2):
        await tell_next(ports.database, most=BATCH)
    await fail_amid(ports, monkeypatch)
    first = people[: 2 * BATCH]
    assert {id: tuple(all) for id, all in (await told()).items()} == {one.id: (changed["One"],) for one in first}
    await act(client, people[10], LEAVE_EVENT, eventId=event)

    # The first change is no longer so: nobody else hears of it, and those who have see that it ended.
    await act(client, host, EDIT, eventId=event, expectedVersion=2, title="Two")
    await tell_all(ports)
    found = await told()
    assert {one.id: found[one.id] for one in first} == {one.id: [over["One"], changed["Two"]] for one in first}
    rest = [one for one in people[2 * BATCH :] if one is not people[10]]
    assert {one.id: found[one.id] for one in rest} == {one.id: [changed["Two"]] for one in rest}
    assert [one for one in found[people[10].id] if one[0] == "EVENT_CHANGED"] == []

    # Cancelled and brought back before anybody was told of it, and then for good.
    await act(client, host, CANCEL, eventId=event)
    await tell_next(ports.database, most=BATCH)
    await act(client, host, REACTIVATE, eventId=event)
    await tell_all(ports)
    found = await told()
    assert {tuple(found[one.id]) for one in rest} == {(over["Two"], back)}
    await act(client, host, CANCEL, eventId=event)
    await tell_all(ports)
    found = await told()
    assert {tuple(found[one.id]) for one in rest} == {(over["Two"], ("EVENT_REACTIVATED", "", True), off)}
    assert await count(Broadcast) == 0

    # Brought back, and once more before all have heard that it was off again: nobody has the same news twice.
    await act(client, host, REACTIVATE, eventId=event)
    await tell_all(ports)
    await act(client, host, CANCEL, eventId=event)
    while not any(one[-1] == off for one in (await told()).values()):
        await tell_next(ports.database, most=BATCH)
    await act(client, host, REACTIVATE, eventId=event)
    await tell_all(ports)
    found = await told()
    for one in (*first, *rest):
        standing = [type for type, _, is_over in found[one.id] if not is_over and type != "REGISTRATION_CANCELLED"]
        assert standing == ["EVENT_REACTIVATED"], found[one.id]
    assert await count(Broadcast) == 0
    async with ports.database.reading() as session:
        assert await find_violations(session) == []


async def test_whose_service_is_cancelled_hears_it_and_that_their_place_is_gone_unless_they_came_back(
    client, save, ports, count, told
):
    host, event, people = await an_event(save, 12, capacity=50)
    kind = make_service_type()
    await save(kind)
    massage, shower = (make_service(event, kind, capacity=30) for _ in range(2))
    await save(massage, shower)
    both, one_only = people[:5], people[5:]
    await save(*(make_registration(event, one) for one in people))
    await save(*(make_booking(massage, one) for one in people), *(make_booking(shower, one) for one in both))

    await act(client, host, CANCEL_SERVICE, serviceId=massage)
    assert (await count(Notification), await count(Broadcast)) == (0, 2)
    again = one_only[0]
    book = "mutation ($input: BookServicesInput!) { bookServices(input: $input) { errors { code } } }"
    await act(client, again, book, serviceIds=[shower])
    await tell_all(ports)

    found = await told()
    types = {one.id: [type for type, *_ in found[one.id]] for one in people}
    assert {tuple(types[one.id]) for one in both} == {("SERVICE_CANCELLED",)}
    assert {tuple(types[one.id]) for one in one_only[1:]} == {("SERVICE_CANCELLED", "REGISTRATION_CANCELLED")}
    assert types[again.id] == ["REGISTRATION_CONFIRMED", "SERVICE_CANCELLED"]
    assert (await count(Service, Service.taken == 6), await count(Broadcast)) == (1, 0)
