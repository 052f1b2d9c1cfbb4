from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from models import (
    Channel,
    Club,
    ClubVisibility,
    Event,
    EventStatus,
    Notification,
    NotificationPreference,
    NotificationType,
    OutboxEvent,
    Role,
    uuid7,
)
from outbox.relay import Relay
from outbox.sinks import to_live_streams
from tests.clients import codes, gid
from tests.factories import (
    in_days,
    make_category,
    make_chat,
    make_club,
    make_event,
    make_member,
    make_notification,
    make_user,
    make_venue,
)
from tests.news import notify

LIST = """
query ($filter: NotificationFilter, $first: Int, $after: String) {
  viewer {
    unreadNotificationCount
    notifications(filter: $filter, first: $first, after: $after) {
      nodes {
        id type title body readAt createdAt cursor
        actor { id }
        subject { __typename ... on Event { title } ... on Club { name } ... on Chat { kind } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
MARK = """
mutation ($input: MarkNotificationsReadInput!) {
  markNotificationsRead(input: $input) {
    notifications { id readAt } viewer { unreadNotificationCount } errors { code path }
  }
}
"""
MARK_ALL = """
mutation ($input: MarkAllNotificationsReadInput!) {
  markAllNotificationsRead(input: $input) { count viewer { unreadNotificationCount } errors { code } }
}
"""
UPDATE = """
mutation ($input: UpdateNotificationPreferencesInput!) {
  updateNotificationPreferences(input: $input) {
    viewer { notificationPreferences { choices { type channel isEnabled isDefault } } } errors { code path }
  }
}
"""
WATCH = """
subscription ($after: String) {
  notificationReceived(after: $after) {
    __typename
    ... on Notification { title cursor }
    ... on ResyncRequired { reason }
  }
}
"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on Notification { readAt } } }"


async def test_newest_come_first_and_the_unread_count_is_what_the_list_shows(client, save):
    ada, bob = make_user(), make_user()
    await save(ada, bob)
    mine = [make_notification(ada, number, read_at=in_days(-1) if number == 2 else None) for number in (1, 2, 3)]
    await save(*mine, make_notification(bob, 1))

    everything = await client(ada).run(LIST)
    unread = await client(ada).run(LIST, filter={"unreadOnly": True})

    assert ids(everything) == [gid(mine[2]), gid(mine[1]), gid(mine[0])]
    assert ids(unread) == [gid(mine[2]), gid(mine[0])]
    assert unread.data["viewer"]["unreadNotificationCount"] == 2


async def test_pages_go_on_without_gap_or_repeat(client, save):
    ada = make_user()
    await save(ada)
    rows = [make_notification(ada, number) for number in range(1, 6)]
    await save(*rows)

    first = await client(ada).run(LIST, first=3)
    info = first.data["viewer"]["notifications"]["pageInfo"]
    second = await client(ada).run(LIST, first=3, after=info["endCursor"])

    assert info["hasNextPage"] is True
    assert ids(first) + ids(second) == [gid(row) for row in reversed(rows)]


async def test_words_are_in_the_readers_language(client, save, ports):
    ada, bob = make_user(display_name="Ada"), make_user(display_name="Боря")
    event = await an_event(save, ada, title="Прогулка", starts_at=datetime(2026, 12, 5, 16, 0, tzinfo=UTC))
    await save(bob)
    async with ports.database.writing() as uow:
        await notify(
            uow, [ada.id], NotificationType.EVENT_CHANGED, subject=event, actor_id=bob.id, changes=["startsAt", "venue"]
        )
        await notify(uow, [ada.id], NotificationType.PARTICIPANT_JOINED, subject=event, actor_id=bob.id)

    russian = await client(ada, language="ru").run(LIST)
    english = await client(ada, language="en").run(LIST)

    assert words(russian) == [
        ("Новый участник: Прогулка", "На ваше событие придёт Боря."),
        ("Событие изменилось: Прогулка", "Начало: изменено. Место: изменено. Когда: суббота, 5 декабря 2026, 19:00."),
    ]
    assert words(english) == [
        ("New participant: Прогулка", "Боря is coming to your event."),
        ("Event changed: Прогулка", "Start: changed. Place: changed. When: Saturday, 5 December 2026, 19:00."),
    ]


@pytest.mark.parametrize("type", list(NotificationType))
@pytest.mark.parametrize("language", ["ru", "en"])
async def test_every_type_has_words_even_when_little_is_known(client, save, type, language):
    ada = make_user()
    await save(ada)
    await save(make_notification(ada, 1, type=type, params={}))

    answer = await client(ada, language=language).run(LIST)

    [(title, body)] = words(answer)
    assert answer.errors == []
    assert title and "{" not in title + body


async def test_the_subject_is_null_once_it_is_hidden(client, save, ports):
    ada, bob = make_user(), make_user()
    event = await an_event(save, bob)
    club, chat = make_club(), make_chat()
    await save(ada, club, chat)
    await save(make_member(chat, ada))
    about = [("Event", event.id), ("Club", club.id), ("Chat", chat.id), ("Registration", uuid7()), (None, None)]
    await save(*[make_notification(ada, n, subject_type=t, subject_id=i) for n, (t, i) in enumerate(about, 1)])

    shown = subjects(await client(ada).run(LIST))
    async with ports.database.writing() as uow:
        await uow.session.execute(update(Event).values(status=EventStatus.DRAFT))
        await uow.session.execute(update(Club).values(visibility=ClubVisibility.PRIVATE))
    hidden = subjects(await client(ada).run(LIST))

    assert shown == [None, None, {"__typename": "Chat", "kind": "GROUP"}, {"__typename": "Club", "name": club.name},
                     {"__typename": "Event", "title": event.title}]  # fmt: skip
    assert hidden == [None, None, {"__typename": "Chat", "kind": "GROUP"}, None, None]


async def test_marking_is_idempotent_and_told_of_once(client, save, count):
    ada = make_user()
    await save(ada)
    rows = [make_notification(ada, number) for number in (1, 2, 3)]
    await save(*rows)

    first = await client(ada).execute(MARK, ids=[rows[0], rows[1]])
    second = await client(ada).execute(MARK, ids=[rows[1], rows[0]])

    assert first.data["markNotificationsRead"]["viewer"] == {"unreadNotificationCount": 1}
    one, two = first.data["markNotificationsRead"]["notifications"]
    assert second.data["markNotificationsRead"]["notifications"] == [two, one]
    assert await count(OutboxEvent, OutboxEvent.name == "notification.read") == 2


async def test_others_and_missing_notifications_are_alike(client, save, count):
    ada, bob = make_user(), make_user()
    await save(ada, bob)
    own, other = make_notification(ada, 1), make_notification(bob, 1)
    await save(own, other)

    answer = await client(ada).execute(MARK, ids=[own, other, make_notification(ada, 9)])

    assert answer.data["markNotificationsRead"]["errors"] == [
        {"code": "NOT_FOUND", "path": ["ids", "1"]},
        {"code": "NOT_FOUND", "path": ["ids", "2"]},
    ]
    assert await count(Notification, Notification.read_at.is_not(None)) == 0


async def test_marking_all_leaves_nothing_unread(client, save, count, happened):
    ada, bob = make_user(), make_user()
    await save(ada, bob)
    await save(*[make_notification(ada, number) for number in (1, 2)], make_notification(bob, 1))

    first = await client(ada).execute(MARK_ALL)
    second = await client(ada).execute(MARK_ALL)

    assert first.data["markAllNotificationsRead"] == {
        "count": 2, "viewer": {"unreadNotificationCount": 0}, "errors": [],
    }  # fmt: skip
    assert second.data["markAllNotificationsRead"]["count"] == 0
    assert await happened("notification.read") == [{"user_id": str(ada.id), "up_to_sequence": 2}]
    assert await count(OutboxEvent) == 1
    assert await count(Notification, Notification.user_id == bob.id, Notification.read_at.is_(None)) == 1


async def test_what_was_read_at_once_and_by_itself_agrees_everywhere(client, save, count, happened):
    """Lists, counts, single notifications and what is answered, over several rounds of each way to read."""
    ada = make_user()
    await save(ada)
    rows, unread, read_at = [], set(), {}
    state = """{ viewer {
      unreadNotificationCount all: notifications { nodes { id readAt } }
      unread: notifications(filter: {unreadOnly: true}) { totalCount nodes { id readAt } }
    } }"""

    async def look():
        data = (await client(ada).run(state)).data["viewer"]
        assert data["unreadNotificationCount"] == data["unread"]["totalCount"] == len(unread)
        assert {one["id"] for one in data["unread"]["nodes"]} == {gid(one) for one in unread}
        found = {one["id"]: one["readAt"] for one in data["all"]["nodes"]}
        assert {id for id, at in found.items() if at is None} == {gid(one) for one in unread}
        for id, at in read_at.items():
            assert found[id] == at, "what was read stays read at the same time"
        read_at.update({id: at for id, at in found.items() if at})
        node = (await client(ada).run(NODE, id=rows[0])).data["node"]
        assert node["readAt"] == found[gid(rows[0])]

    for turn in range(3):
        new = [make_notification(ada, 4 * turn + number) for number in (1, 2, 3, 4)]
        await save(*new)
        rows += new
        unread |= set(new)
        await look()
        marked = await client(ada).execute(MARK, ids=[new[2], rows[0]])
        unread -= {new[2], rows[0]}
        assert marked.data["markNotificationsRead"]["viewer"] == {"unreadNotificationCount": len(unread)}
        await look()
        if turn != 1:
            marked = await client(ada).execute(MARK_ALL)
            assert marked.data["markAllNotificationsRead"]["count"] == len(unread)
            unread.clear()
            await look()
    assert [one.get("up_to_sequence") for one in await happened("notification.read")] == [None, None, 4, None, None, 12]


async def test_two_devices_marking_at_once_tell_of_each_once(client, save, count, happened):
    ada = make_user()
    await save(ada)
    rows = [make_notification(ada, number) for number in range(1, 51)]
    await save(*rows)

    answers = await asyncio.gather(
        client(ada).execute(MARK, ids=rows),
        client(ada).execute(MARK, ids=rows[::-1]),
        client(ada).execute(MARK_ALL),
    )

    assert [answer.errors for answer in answers] == [[], [], []]
    told = [one.get("up_to_sequence") for one in await happened("notification.read")]
    # Whoever began to mark some before all were marked may be recorded after it.
    assert (told.count(None), told.count(50)) in ((50, 0), (0, 1), (50, 1)), told
    assert await count(Notification, Notification.read_at.is_(None)) == 0


async def test_preferences_cover_every_type_and_keep_the_rest(client, save):
    ada = make_user()
    await save(ada)

    answer = await client(ada).execute(
        UPDATE, preferences=[{"type": "NEW_MESSAGE", "channel": "EMAIL", "isEnabled": True}]
    )
    await client(ada).execute(UPDATE, preferences=[{"type": "EVENT_CHANGED", "channel": "IN_APP", "isEnabled": False}])
    final = await client(ada).run(
        "{ viewer { notificationPreferences { choices { type channel isEnabled isDefault } } } }"
    )

    choices = table(answer.data["updateNotificationPreferences"]["viewer"])
    assert set(choices) == {(type.value, channel.value) for type in NotificationType for channel in Channel}
    assert choices["NEW_MESSAGE", "EMAIL"] == (True, False)
    assert choices["PARTICIPANT_JOINED", "EMAIL"] == (False, True)
    assert choices["EVENT_CANCELLED", "EMAIL"] == (True, True)
    final = table(final.data["viewer"])
    assert final["NEW_MESSAGE", "EMAIL"] == (True, False)
    assert final["EVENT_CHANGED", "IN_APP"] == (False, False)
    assert final["EVENT_CHANGED", "EMAIL"] == (False, True)


async def test_a_type_that_is_off_makes_no_notification(client, save, ports, count):
    ada, bob = make_user(), make_user()
    await save(ada, bob)
    await client(ada).execute(UPDATE, preferences=[{"type": "NEW_MESSAGE", "channel": "IN_APP", "isEnabled": False}])

    async with ports.database.writing() as uow:
        await notify(uow, [ada.id, bob.id], NotificationType.NEW_MESSAGE)

    assert await count(Notification, Notification.user_id == ada.id) == 0
    assert await count(Notification, Notification.user_id == bob.id) == 1


@pytest.mark.parametrize("caller", [None, Role.USER, Role.VOLUNTEER, Role.MODERATOR, Role.ADMIN])
async def test_only_the_reader_sees_and_changes_their_inbox(client, save, count, caller):
    ada, other = make_user(), make_user(role=caller or Role.USER)
    await save(ada, other)
    theirs = make_notification(ada, 1)
    await save(theirs)
    stranger = client(other if caller else None)

    listed = await stranger.run(LIST)
    node = await stranger.run(NODE, id=theirs)
    marked = await stranger.execute(MARK, ids=[theirs])
    all_marked = await stranger.execute(MARK_ALL)
    updated = await stranger.execute(UPDATE, preferences=[])

    assert node.data == {"node": None}
    if caller is None:
        assert listed.data == {"viewer": None}
        assert [answer.error_codes for answer in (marked, all_marked, updated)] == [["UNAUTHENTICATED"]] * 3
    else:
        assert ids(listed) == []
        assert codes(marked, "markNotificationsRead") == ["NOT_FOUND"]
        assert all_marked.data["markAllNotificationsRead"]["count"] == 0
    assert await count(Notification, Notification.read_at.is_not(None)) == 0
    assert await count(NotificationPreference) == 0


async def test_the_list_costs_the_same_for_ten_and_a_hundred(client, save):
    costs = []
    for size in (10, 100):
        ada, bob = make_user(), make_user()
        event = await an_event(save, ada)
        club = make_club()
        await save(bob, club)
        kinds = [("Event", event.id), ("Club", club.id)]
        await save(
            *[
                make_notification(ada, n, actor_id=bob.id, subject_type=kinds[n % 2][0], subject_id=kinds[n % 2][1])
                for n in range(size)
            ]
        )
        answer = await client(ada).run(LIST, first=100)
        assert len(ids(answer)) == size
        costs.append(len(answer.statements))

    assert costs[0] == costs[1] <= 5


async def test_notifications_arrive_live_and_are_replayed_after_a_cursor(client, save, ports, relay):
    ada = make_user()
    await save(ada)
    stream = await client(ada).subscribe(WATCH)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.2)

    await approve(ports, ada, "one")
    first = (await asyncio.wait_for(waiting, 5)).data["notificationReceived"]
    await approve(ports, ada, "two")
    second = (await asyncio.wait_for(anext(stream), 5)).data["notificationReceived"]
    await stream.aclose()
    resumed = await client(ada).subscribe(WATCH, after=first["cursor"])
    replayed = (await asyncio.wait_for(anext(resumed), 5)).data["notificationReceived"]
    await resumed.aclose()

    assert [first["title"], second["title"]] == ["Your event is published: one", "Your event is published: two"]
    assert replayed == second


async def test_a_cursor_of_another_history_asks_for_a_resync(client, save, ports):
    ada, bob = make_user(), make_user()
    await save(ada, bob)
    await save(make_notification(ada, 7))
    listed = await client(ada).run(LIST)
    cursor = listed.data["viewer"]["notifications"]["nodes"][0]["cursor"]

    # There is no inbox row, as after a restored backup: the number is beyond what is known.
    stream = await client(ada).subscribe(WATCH, after=cursor)
    answer = (await asyncio.wait_for(anext(stream), 5)).data["notificationReceived"]
    await stream.aclose()
    foreign = await client(bob).subscribe(WATCH, after=cursor)
    refused = await asyncio.wait_for(anext(foreign), 5)
    await foreign.aclose()

    assert answer == {"__typename": "ResyncRequired", "reason": "CURSOR_NOT_KEPT"}
    assert [error.extensions["reason"] for error in refused.errors] == ["INVALID_CURSOR"]


async def test_other_devices_hear_what_was_read(client, save, ports, relay):
    ada = make_user()
    await save(ada)
    rows = [make_notification(ada, number) for number in (1, 2)]
    await save(*rows)
    stream = await client(ada).subscribe("subscription { notificationsRead { unreadCount } }")

    counts = [await asyncio.wait_for(anext(stream), 5)]
    await client(ada).execute(MARK, ids=[rows[0]])
    counts.append(await asyncio.wait_for(anext(stream), 5))
    await stream.aclose()

    assert [one.data["notificationsRead"]["unreadCount"] for one in counts] == [2, 1]


async def test_a_guest_follows_nothing(client):
    stream = await client().subscribe(WATCH)

    answer = await anext(stream)

    assert [error.extensions["code"] for error in answer.errors] == ["UNAUTHENTICATED"]


async def test_many_notices_at_once_are_numbered_without_hole(save, ports, client):
    ada = make_user()
    await save(ada)

    await asyncio.gather(*[approve(ports, ada, str(number)) for number in range(30)])

    async with ports.database.reading() as session:
        found = await session.scalars(Notification.__table__.select().with_only_columns(Notification.sequence))
    assert sorted(found) == list(range(1, 31))


@pytest.fixture
async def relay(ports):
    running = Relay(ports.database, {"live": to_live_streams(ports.hub)}, interval=0.05)
    running.start()
    yield running
    await running.stop()


async def approve(ports, user, title):
    async with ports.database.writing() as uow:
        await notify(uow, [user.id], NotificationType.EVENT_APPROVED, title=title)


async def an_event(save, author, **values):
    category, venue = make_category(), make_venue()
    event = make_event(author, category, venue, **values)
    await save(author, category, venue)
    await save(event)
    return event


def ids(answer):
    return [node["id"] for node in answer.data["viewer"]["notifications"]["nodes"]]


def words(answer):
    return [(node["title"], node["body"]) for node in answer.data["viewer"]["notifications"]["nodes"]]


def subjects(answer):
    return [node["subject"] for node in answer.data["viewer"]["notifications"]["nodes"]]


def table(viewer):
    return {
        (one["type"], one["channel"]): (one["isEnabled"], one["isDefault"])
        for one in viewer["notificationPreferences"]["choices"]
    }
