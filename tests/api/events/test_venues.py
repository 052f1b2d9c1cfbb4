from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from models import Role, Venue
from resolvers.core.time_zones import known_zones
from tests.clients import codes
from tests.factories import in_days, make_category, make_event, make_user, make_venue

CREATE = """
mutation ($input: CreateVenueInput!) {
  createVenue(input: $input) { venue { name timeZone latitude } errors { code path } }
}
"""
VENUES = "query ($filter: VenueFilter) { venues(filter: $filter, first: 100) { nodes { name } totalCount } }"


def names(answer):
    return [venue["name"] for venue in answer.data["venues"]["nodes"]]


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("Жёлтый дом", "  ЖЕЛТЫЙ   ДОМ "),
        ("Йога", "И\u0306ога"),
        ("И\u0306ога", "йога"),
        ("Йога", "Йо\u00adга\u200b"),
        ("Йога", "Йо\u200dга"),
        ("Дом\tна\nЯсной", "дом на ясной"),
        ("Straße", "STRASSE"),
        ("ＹＯＧＡ １", "Yoga 1"),
        ("ΣΑΣ", "σας"),
    ],
)
async def test_a_name_is_taken_however_it_is_spelt(client, save, count, name, taken):
    ada = make_user()
    await save(ada, make_venue(name=name))

    answer = await client(ada).execute(CREATE, name=taken)

    assert answer.data["createVenue"] == {"venue": None, "errors": [{"code": "ALREADY_EXISTS", "path": ["name"]}]}
    assert await count(Venue) == 1


async def test_a_name_has_one_line(client, save):
    ada = make_user()
    await save(ada)

    answer = await client(ada).execute(CREATE, name=" Дом\r\nна \t Яснои\u0306 ", address="Дом 1,\n двор")

    assert answer.data["createVenue"]["venue"]["name"] == "Дом на Ясной"


async def test_a_name_of_ligatures_is_not_too_long_for_its_index(client, save):
    ada = make_user()
    await save(ada)

    answer = await client(ada).execute(CREATE, name="\ufdfa" * 200)

    assert codes(answer, "createVenue") == ["TOO_LONG"]


async def test_of_two_alike_at_once_one_is_made(client, save, count):
    ada = make_user()
    await save(ada)

    answers = await asyncio.gather(*(client(ada).execute(CREATE, name=name) for name in ("Ясная", "ЯСНАЯ")))

    assert sorted(codes(answer, "createVenue") for answer in answers) == [[], ["ALREADY_EXISTS"]]
    assert await count(Venue) == 1


async def test_every_problem_of_a_venue_is_named(client, save, count):
    ada = make_user()
    await save(ada)

    answer = await client(ada).execute(CREATE, name=" ", address="x" * 501, timeZone="Nowhere", latitude=91)

    assert {(error["path"][0], error["code"]) for error in answer.data["createVenue"]["errors"]} == {
        ("name", "REQUIRED"),
        ("address", "TOO_LONG"),
        ("timeZone", "INVALID_TIME_ZONE"),
        ("longitude", "INVALID"),
        ("latitude", "INVALID"),
    }
    assert await count(Venue) == 0


@pytest.mark.parametrize("role", [None, Role.USER, Role.VOLUNTEER, Role.MODERATOR, Role.ADMIN])
async def test_who_may_make_venues(client, save, count, role):
    user = make_user(role=role) if role else None
    await save(*([user] if user else []))

    answer = await client(user).execute(CREATE, name="Цветной", latitude=55.77, longitude=37.62)

    assert answer.error_codes == ([] if role else ["UNAUTHENTICATED"])
    assert await count(Venue) == (1 if role else 0)


async def test_the_most_recently_used_come_first(client, save):
    await save(
        make_venue(name="Old", created_at=in_days(-9)),
        make_venue(name="Used long ago", created_at=in_days(-20), last_used_at=in_days(-5)),
        make_venue(name="Used now", created_at=in_days(-30), last_used_at=in_days(-1)),
    )

    assert names(await client().run(VENUES)) == ["Used now", "Used long ago", "Old"]


@pytest.mark.parametrize("text", ["жёлтый", "ЖЕЛТОГО", "желт", "дома жёлт", "гиляровского"])
async def test_venues_are_found_by_forms_and_beginnings_of_words(client, save, text):
    await save(make_venue(name="Жёлтый дом", address="ул. Гиляровского, 7"), make_venue(name="Ясная"))

    assert names(await client().run(VENUES, filter={"text": text})) == ["Жёлтый дом"]


@pytest.mark.parametrize("number", [10, 100])
async def test_venues_are_one_statement(client, save, number):
    await save(*(make_venue() for _ in range(number)))

    answer = await client().run("{ venues(first: 100) { nodes { name address timeZone } } }")

    assert len(answer.data["venues"]["nodes"]) == number
    assert len(answer.statements) == 1


@pytest.mark.parametrize(
    "zone", ["localtime", "posixrules", "Factory", "posix/Europe/Moscow", "europe/moscow", " ", "UTC+3"]
)
async def test_what_only_some_machines_call_a_zone_is_refused(client, save, count, zone):
    ada = make_user()
    await save(ada)

    answer = await client(ada).execute(CREATE, name="Дом", timeZone=zone)

    assert answer.data["createVenue"]["errors"] == [{"code": "INVALID_TIME_ZONE", "path": ["timeZone"]}]
    assert await count(Venue) == 0


async def test_postgres_has_the_last_word_about_zones(client, save, count, monkeypatch):
    ada = make_user()
    await save(ada)
    monkeypatch.setattr("resolvers.core.time_zones.known_zones", lambda: frozenset({"Mars/Base"}))

    answer = await client(ada).execute(CREATE, name="Дом", timeZone="Mars/Base")

    assert answer.data["createVenue"]["errors"] == [{"code": "INVALID_TIME_ZONE", "path": ["timeZone"]}]
    assert await count(Venue) == 0


async def test_every_zone_that_python_knows_is_one_of_postgres(ports):
    async with ports.database.reading() as session:
        found = set(await session.scalars(text("SELECT name FROM pg_timezone_names")))

    assert known_zones() <= found


async def test_a_zone_that_only_postgres_knows_spoils_no_list(client, save):
    ada, category, venue = make_user(), make_category(), make_venue(time_zone="MSK-3")
    starts_at = in_days(7)
    await save(ada, category, venue)
    await save(make_event(ada, category, venue, starts_at=starts_at))
    day = starts_at.date()

    answer = await client().execute(
        "query ($range: DateRangeInput) { events(filter: {dateRange: $range}) { nodes { date viewerRegistrationState "
        "{ code } } } }",
        range={"from": str(day), "to": str(day + timedelta(days=2))},
    )

    assert answer.errors == []
    assert [event["date"] for event in answer.data["events"]["nodes"]] == [str(day)]
