"""What notifications say: old and new values, names and first lines, on one line where it is a title."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models import ChatKind, ModerationItem, NotificationType, Role
from resolvers.notifications.news import WORDINGS
from resolvers.notifications.notification_writing import WITHDRAWN
from resolvers.notifications.words import words_of
from tests.clients import codes
from tests.factories import (
    make_booking,
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_member,
    make_notification,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)
from tests.test_translations import UNSAID
from translations import LOCALES, Reader

NEWS = """
{
  viewer {
    notifications {
      nodes {
        type title body excerpt
        changes { field timeBefore timeAfter textBefore textAfter priceBefore { amount } priceAfter { amount } }
      }
    }
  }
}
"""
UPDATE_EVENT = "mutation ($input: UpdateEventInput!) { updateEvent(input: $input) { errors { code path } } }"
UPDATE_SERVICE = "mutation ($input: UpdateServiceInput!) { updateService(input: $input) { errors { code path } } }"
CANCEL_EVENT = "mutation ($input: CancelEventInput!) { cancelEvent(input: $input) { errors { code } } }"
REACTIVATE = "mutation ($input: ReactivateEventInput!) { reactivateEvent(input: $input) { errors { code } } }"
DECIDE = "mutation ($input: DecideModerationItemInput!) { decideModerationItem(input: $input) { errors { code } } }"
BOOK = "mutation ($input: BookServicesInput!) { bookServices(input: $input) { errors { code path } } }"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { body } errors { code path } } }"
DAY = datetime(2099, 12, 5, 16, tzinfo=UTC)


async def an_event(save: Any, **values: Any) -> Any:
    """Ada's event in Moscow at which Vera, who lives in Berlin, has a registration and a booking."""
    ada = make_user(display_name="Ada", is_trusted=True)
    vera = make_user(display_name="Vera", time_zone="Europe/Berlin")
    category, venue = make_category(), make_venue(name="Old Hall", time_zone="Europe/Moscow")
    kind = make_service_type(name_en="Massage", name_ru="Массаж")
    await save(ada, vera, category, venue, kind)
    given = {"title": "Walk", "starts_at": DAY, "ends_at": DAY + timedelta(hours=4), "capacity": 10}
    event = make_event(ada, category, venue, **given | values)
    await save(event)
    service = make_service(event, kind, ends_at=DAY + timedelta(hours=1))
    await save(make_host(event, ada), service, make_registration(event, vera))
    await save(make_booking(service, vera))
    return ada, vera, event, service


async def news_of(client: Any, user: Any, language: str = "en") -> dict[str, Any]:
    [one] = (await client(user, language=language).run(NEWS)).data["viewer"]["notifications"]["nodes"]
    return dict(one)


async def test_a_changed_event_tells_old_and_new_values(client, save):
    ada, vera, event, _ = await an_event(save)

    answer = await client(ada).execute(
        UPDATE_EVENT, eventId=event, expectedVersion=1, title="Long walk", newVenue={"name": "New Hall"},
        endsAt=(DAY + timedelta(hours=5)).isoformat(), price={"amount": "1500", "currency": "RUB"},
    )  # fmt: skip

    assert codes(answer, "updateEvent") == []
    news = await news_of(client, vera)
    assert news["title"] == "Event changed: Long walk"
    assert news["body"] == (
        "Title: Walk → Long walk. "
        "End: 5 December 2099, 23:00 → 6 December 2099, 00:00 (Moscow, UTC+3). "
        "Place: Old Hall → New Hall. "
        "Price: RUB\xa00.00 → RUB\xa01,500.00. "
        "When: Saturday, 5 December 2099, 19:00 (Moscow, UTC+3)."
    )
    nothing = {"timeBefore": None, "timeAfter": None, "textBefore": None, "textAfter": None}
    nothing |= {"priceBefore": None, "priceAfter": None}
    assert news["changes"] == [
        nothing | {"field": "TITLE", "textBefore": "Walk", "textAfter": "Long walk"},
        nothing
        | {
            "field": "ENDS_AT",
            "timeBefore": "2099-12-05T20:00:00+00:00",
            "timeAfter": "2099-12-05T21:00:00+00:00",
        },
        nothing | {"field": "VENUE", "textBefore": "Old Hall", "textAfter": "New Hall"},
        nothing | {"field": "PRICE", "priceBefore": {"amount": "0.00"}, "priceAfter": {"amount": "1500.00"}},
    ]


async def test_a_changed_service_tells_old_and_new_values(client, save):
    ada, vera, _, service = await an_event(save)
    moved = {"startsAt": (DAY + timedelta(hours=1)).isoformat(), "endsAt": (DAY + timedelta(hours=2)).isoformat()}

    answer = await client(ada).execute(UPDATE_SERVICE, serviceId=service, expectedVersion=1, capacity=9, **moved)

    assert codes(answer, "updateService") == []
    news = await news_of(client, vera, "ru")
    assert news["title"] == "Услуга изменилась: Массаж"
    assert news["body"] == (
        "Изменилась услуга, на которую вы записаны на событии «Walk». "
        "Начало: 5 декабря 2099, 19:00 → 5 декабря 2099, 20:00 (Москва, UTC+3). "
        "Окончание: 5 декабря 2099, 20:00 → 5 декабря 2099, 21:00 (Москва, UTC+3)."
    )
    assert [one["field"] for one in news["changes"]] == ["STARTS_AT", "ENDS_AT"]


MOVE = {"startsAt": (DAY + timedelta(hours=2)).isoformat(), "endsAt": (DAY + timedelta(hours=6)).isoformat()}


@pytest.mark.parametrize("way", ["edited", "approved", "reactivated"])
async def test_who_booked_hears_of_a_service_that_moves_along_with_its_event(client, save, ports, way):
    ada, vera, event, _ = await an_event(save)
    boris, sauna = make_user(), make_service_type(name_en="Sauna", name_ru="Сауна")
    moderator, author = make_user(role=Role.MODERATOR), make_user()
    await save(boris, sauna, moderator, author)
    later = make_service(event, sauna, starts_at=DAY + timedelta(hours=2), ends_at=DAY + timedelta(hours=3))
    await save(later, make_registration(event, boris), make_host(event, author))
    await save(make_booking(later, boris), make_booking(later, vera))

    if way == "reactivated":
        await client(ada).execute(CANCEL_EVENT, eventId=event)
        answer = await client(ada).execute(REACTIVATE, eventId=event, **MOVE)
        assert codes(answer, "reactivateEvent") == []
    else:
        who = ada if way == "edited" else author
        answer = await client(who).execute(UPDATE_EVENT, eventId=event, expectedVersion=1, moveServices=True, **MOVE)
        assert codes(answer, "updateEvent") == []
    if way == "approved":
        async with ports.database.reading() as session:
            [item] = await session.scalars(select(ModerationItem))
        await client(moderator).execute(DECIDE, itemId=item, decision="APPROVE")

    told = {
        user.display_name: sorted(
            (one["title"], [(change["timeBefore"], change["timeAfter"]) for change in one["changes"]])
            for one in (await client(user, language="en").run(NEWS)).data["viewer"]["notifications"]["nodes"]
            if one["type"] == "SERVICE_CHANGED"
        )
        for user in (vera, boris)
    }
    clock = [(DAY + timedelta(hours=hours)).isoformat() for hours in range(6)]
    of_sauna = ("Service changed: Sauna", [(clock[2], clock[4]), (clock[3], clock[5])])
    of_massage = ("Service changed: Massage", [(clock[0], clock[2]), (clock[1], clock[3])])
    assert told == {"Vera": [of_massage, of_sauna], boris.display_name: [of_sauna]}


async def test_a_booking_is_confirmed_with_its_service_and_time(client, save):
    _, _, event, service = await an_event(save)
    boris, kind = make_user(time_zone="Europe/Moscow"), make_service_type(name_en="Sauna", name_ru="Сауна")
    await save(boris, kind)
    sauna = make_service(event, kind, starts_at=DAY + timedelta(hours=2), ends_at=DAY + timedelta(hours=3))
    await save(sauna)

    answer = await client(boris).execute(BOOK, serviceIds=[sauna, service])

    assert codes(answer, "bookServices") == []
    assert (await news_of(client, boris, "ru"))["body"] == (
        "Вы записаны: Массаж – суббота, 5 декабря 2099, 19:00; Сауна – суббота, 5 декабря 2099, 21:00. До встречи!"
    )


async def test_an_event_that_moves_into_another_zone_tells_each_time_as_clocks_there_show_it(client, save):
    ada, vera, event, _ = await an_event(save)
    abroad = make_venue(name="Abroad", time_zone="Asia/Tokyo")
    await save(abroad)

    answer = await client(ada).execute(
        UPDATE_EVENT, eventId=event, expectedVersion=1, venueId=abroad, moveServices=True,
        startsAt="2099-12-05T19:00:00+09:00", endsAt="2099-12-05T23:00:00+09:00",
    )  # fmt: skip

    assert codes(answer, "updateEvent") == []
    found = (await client(vera, language="en").run(NEWS)).data["viewer"]["notifications"]["nodes"]
    start = "Start: 5 December 2099, 19:00 (Moscow, UTC+3) → 5 December 2099, 19:00 (Tokyo, UTC+9)."
    assert [start in one["body"] for one in found] == [True, True]


async def test_a_message_tells_its_first_line_and_its_chat(client, save):
    ada, vera, event, _ = await an_event(save)
    club = make_club(name="Runners")
    await save(club)
    chats = [
        make_chat(kind=ChatKind.GROUP, title="Hike"),
        make_chat(kind=ChatKind.EVENT, event_id=event.id),
        make_chat(kind=ChatKind.CLUB, club_id=club.id),
        make_chat(kind=ChatKind.DIRECT, direct_key=f"{ada.id}:{vera.id}"),
    ]
    await save(*chats)
    await save(*(make_member(chat, one) for chat in chats for one in (ada, vera)))

    for chat in chats:
        body = "  First line \n second line"
        await client(ada).execute(SEND, chatId=chat, body=body, clientMessageId="one")

    found = (await client(vera).run(NEWS)).data["viewer"]["notifications"]["nodes"]
    assert [one["title"] for one in found] == [
        "New message from Ada",
        "New message: Runners",
        "New message: Walk",
        "New message: Hike",
    ]
    assert {(one["body"], one["excerpt"]) for one in found} == {("Ada: First line", "First line")}


async def test_a_long_first_line_is_cut(client, save):
    ada, vera, *_ = await an_event(save)
    chat = make_chat(title="Hike")
    await save(chat)
    await save(make_member(chat, ada), make_member(chat, vera))

    await client(ada).execute(SEND, chatId=chat, body="word " * 100, clientMessageId="one")

    excerpt = (await news_of(client, vera))["excerpt"]
    assert (len(excerpt), excerpt[-10:]) == (140, "word word…")


async def test_another_message_under_the_same_id_is_refused(client, save, count):
    ada, vera, *_ = await an_event(save)
    chat = make_chat(title="Hike")
    await save(chat)
    await save(make_member(chat, ada), make_member(chat, vera))
    await client(ada).execute(SEND, chatId=chat, body="Hello", clientMessageId="one")

    again = await client(ada).execute(SEND, chatId=chat, body=" Hello ", clientMessageId="one")
    other = await client(ada).execute(SEND, chatId=chat, body="Goodbye", clientMessageId="one")
    theirs = await client(vera).execute(SEND, chatId=chat, body="Hi", clientMessageId="one")

    assert again.data["sendMessage"] == {"message": {"body": "Hello"}, "errors": []}
    refused = {"message": None, "errors": [{"code": "CLIENT_MESSAGE_ID_REUSED", "path": ["clientMessageId"]}]}
    assert other.data["sendMessage"] == refused
    assert codes(theirs, "sendMessage") == []


HOSTILE = ["Walk\nin\r\nthe\u2028park", "x" * 500, "\u202eklaW", "{name} %s", "a\x00b"]
PARAMS = {
    "starts_at": DAY.isoformat(),
    "time_zone": "Europe/Moscow",
    "person": "Ada",
    "service": {"ru": "Массаж", "en": "Massage"},
    "reason": "Rain\nall day",
    "text": "Hello",
    "changes": [
        {"field": "startsAt", "before": DAY.isoformat(), "after": (DAY + timedelta(days=1)).isoformat()},
        {"field": "title", "before": "Old", "after": "New"},
        {"field": "capacity", "before": 1, "after": 2},
        "venue",
    ],
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("type", NotificationType)
def test_titles_are_one_line_and_no_raw_value_is_said(type, locale):
    user = make_user()
    for name in ["Walk", *HOSTILE]:
        words = words_of(make_notification(user, 1, type=type, params={**PARAMS, "name": name}), Reader(locale))

        assert words.title.isprintable()
        assert len(words.title) <= 200
        assert not UNSAID.search((words.title + words.body).replace("{name}", "")), words


def test_every_type_has_words():
    assert set(WORDINGS) == set(NotificationType)


@pytest.mark.parametrize(
    ("params", "locale", "body"),
    [
        ({"person": "Ada"}, "ru", "Ada назначает вам роль: организатор."),
        ({"is_inherited": True}, "ru", "Прежнего организатора больше нет, и теперь ваша роль: организатор."),
        ({"is_inherited": True, WITHDRAWN: True}, "ru", "Раньше у вас была роль: организатор."),
        ({}, "ru", "Ваша роль: организатор."),
        ({}, "en", "Your role: organizer."),
        ({WITHDRAWN: True}, "en", "Your role was: organizer."),
    ],
)
def test_a_role_is_told_also_where_nobody_gave_it(params, locale, body):
    given = make_notification(
        make_user(), 1, type=NotificationType.EVENT_ROLE_GIVEN, params={"role": "ORGANIZER"} | params
    )

    assert words_of(given, Reader(locale)).body == body
