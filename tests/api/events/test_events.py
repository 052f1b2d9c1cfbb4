from __future__ import annotations

from datetime import timedelta

import pytest

from models import Chat, Event, EventStatus, EventVisibility, OutboxEvent, Service, Venue
from schema.core import ids
from tests.api.events.event_worlds import CREATE, a_world, an_input, outcome
from tests.clients import codes
from tests.factories import in_days, make_interest


async def test_an_event_is_made_with_services_and_a_new_venue_at_once(client, save, count):
    world, jazz = await a_world(save), make_interest(slug="jazz")
    await save(jazz)
    starts_at = in_days(10).replace(hour=15, minute=0, second=0)
    noon = starts_at + timedelta(hours=1)

    answer = await client(world.user("volunteer"), language="ru").execute(
        CREATE,
        title="  Ёлка  ",
        categoryId=world.category,
        interestIds=[jazz],
        startsAt=starts_at.isoformat(),
        endsAt=(starts_at + timedelta(hours=5)).isoformat(),
        capacity=30,
        price={"amount": "500.50"},
        newVenue={"name": "Ясная  ", "timeZone": "Asia/Yekaterinburg"},
        services=[
            {"serviceTypeId": world.service_type, "startsAt": noon.isoformat(), "endsAt": noon.isoformat()},
            {
                "serviceTypeId": world.service_type,
                "startsAt": starts_at.isoformat(),
                "endsAt": noon.isoformat(),
                "capacity": 30,
                "windowDays": 2,
                "staffPersonId": world.user("moderator"),
            },
        ],
    )

    made = answer.data["createEvent"]["event"]
    assert codes(answer, "createEvent") == []
    assert made["title"] == "Ёлка"
    assert (made["status"], made["timing"], made["version"]) == ("DRAFT", "UPCOMING", 1)
    assert made["priceFrom"] == {"amount": "500.50", "currency": "RUB"}
    assert made["venue"] == {"name": "Ясная", "timeZone": "Asia/Yekaterinburg"}
    assert made["timeZone"] == "Asia/Yekaterinburg"
    assert made["date"] == starts_at.date().isoformat()
    assert made["category"]["name"] == world.category.name_ru
    assert made["interests"] == [{"slug": "jazz"}]
    assert made["hosts"] == [{"role": "ORGANIZER", "user": {"handle": world.user("volunteer").handle}}]
    assert made["chat"] == {"kind": "EVENT"}
    early, late = made["services"]
    assert (early["capacity"], early["windowDays"], late["capacity"], late["windowDays"]) == (30, 2, 10, None)
    opens = (starts_at.date() - timedelta(days=2)).isoformat()
    assert (early["bookingOpensAt"], late["bookingOpensAt"]) == (f"{opens}T00:00:00+05:00", None)
    assert early["staffPerson"] == {"handle": world.user("moderator").handle}
    assert await count(OutboxEvent, OutboxEvent.name == "event.created") == 1
    assert await count(Venue) == 2


async def test_every_problem_is_named_at_once_and_nothing_is_written(client, save, count):
    world = await a_world(save)
    starts_at = in_days(10)
    before = starts_at - timedelta(hours=1)

    answer = await client(world.user("admin")).execute(
        CREATE,
        title="  ",
        description="x" * 20_001,
        categoryId=ids.encode("EventCategory", world.venue.id),
        interestIds=[ids.encode("Interest", world.venue.id)],
        visibility="CLUB",
        startsAt=starts_at.isoformat(),
        endsAt=(starts_at + timedelta(hours=2)).isoformat(),
        capacity=5,
        price={"amount": "1.001", "currency": "XXY"},
        venueId=world.venue,
        newVenue={"name": "Elsewhere"},
        services=[
            {
                "serviceTypeId": world.service_type,
                "startsAt": before.isoformat(),
                "endsAt": starts_at.isoformat(),
                "capacity": 6,
                "windowDays": -1,
                "staffPersonId": ids.encode("User", world.venue.id),
            },
            {
                "serviceTypeId": ids.encode("ServiceType", world.venue.id),
                "startsAt": starts_at.isoformat(),
                "endsAt": starts_at.isoformat(),
            },
        ],
    )

    found = {(".".join(error["path"]), error["code"]) for error in answer.data["createEvent"]["errors"]}
    assert found == {
        ("title", "REQUIRED"),
        ("description", "TOO_LONG"),
        ("categoryId", "NOT_FOUND"),
        ("interestIds.0", "NOT_FOUND"),
        ("clubId", "REQUIRED"),
        ("price.amount", "INVALID"),
        ("price.currency", "INVALID"),
        ("venueId", "INVALID"),
        ("services.0.startsAt", "OUTSIDE_EVENT"),
        ("services.0.capacity", "CAPACITY_EXCEEDS_EVENT"),
        ("services.0.windowDays", "INVALID"),
        ("services.0.staffPersonId", "NOT_FOUND"),
        ("services.1.serviceTypeId", "NOT_FOUND"),
    }
    assert answer.data["createEvent"]["event"] is None
    assert (await count(Event), await count(Service), await count(Venue), await count(Chat)) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("values", "path", "code"),
    [
        ({"venueId": None}, ["venueId"], "REQUIRED"),
        ({"endsAt": timedelta(days=9)}, ["endsAt"], "INVALID"),
        ({"startsAt": timedelta(days=-2), "endsAt": timedelta(days=-1)}, ["endsAt"], "EVENT_IN_PAST"),
        ({"startsAt": "2130-01-01T10:00:00", "endsAt": "2130-01-01T11:00:00Z"}, ["startsAt"], "INVALID"),
        ({"startsAt": "9999-12-31T23:59:59-12:00"}, ["startsAt"], "INVALID"),
        ({"capacity": 0}, ["capacity"], "INVALID"),
        ({"price": {"amount": "NaN"}}, ["price", "amount"], "INVALID"),
        ({"price": {"amount": "-1"}}, ["price", "amount"], "INVALID"),
        ({"price": {"amount": "100000000"}}, ["price", "amount"], "INVALID"),
        ({"title": "x" * 501}, ["title"], "TOO_LONG"),
        ({"categoryId": "bm8"}, ["categoryId"], "INVALID_ID"),
        ({"venueId": None, "newVenue": {"name": "x", "timeZone": "Mars/Base"}}, ["newVenue", "timeZone"],
         "INVALID_TIME_ZONE"),
    ],
)  # fmt: skip
async def test_what_an_event_may_not_be(client, save, count, values, path, code):
    world = await a_world(save)

    answer = await client(world.user("member")).execute(CREATE, **an_input(world, **values))

    assert [(error["path"], error["code"]) for error in answer.data["createEvent"]["errors"]] == [(path, code)]
    assert await count(Event) == 1


async def test_the_name_of_a_venue_is_taken_whatever_its_case(client, save, count):
    world = await a_world(save)

    answer = await client(world.user("member")).execute(
        CREATE, **an_input(world, venueId=None, newVenue={"name": world.venue.name.upper()})
    )

    assert [(one["path"], one["code"]) for one in answer.data["createEvent"]["errors"]] == [
        (["newVenue", "name"], "ALREADY_EXISTS")
    ]
    assert (await count(Event), await count(Venue)) == (1, 1)


@pytest.mark.parametrize(
    ("who", "without_services", "with_services"),
    [
        ("signed_out", "UNAUTHENTICATED", "UNAUTHENTICATED"),
        ("stranger", "DONE", "FORBIDDEN"),
        ("member", "DONE", "FORBIDDEN"),
        ("organiser", "DONE", "FORBIDDEN"),
        ("volunteer", "DONE", "DONE"),
        ("moderator", "DONE", "DONE"),
        ("admin", "DONE", "DONE"),
    ],
)
async def test_who_may_make_events(client, save, count, who, without_services, with_services):
    world = await a_world(save)
    asked = an_input(world)
    service = {"serviceTypeId": world.service_type, "startsAt": asked["startsAt"], "endsAt": asked["endsAt"]}

    first = await client(world.user(who)).execute(CREATE, **asked)
    made = await count(Event)
    second = await client(world.user(who)).execute(CREATE, **asked, services=[service], capacity=20)

    assert (outcome(first, "createEvent"), outcome(second, "createEvent")) == (without_services, with_services)
    assert made == (2 if without_services == "DONE" else 1)
    assert await count(Event) == made + (1 if with_services == "DONE" else 0)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("stranger", "FORBIDDEN"),
        ("member", "DONE"),
        ("club_owner", "DONE"),
        ("moderator", "DONE"),
        ("admin", "DONE"),
    ],
)
async def test_who_may_make_events_of_a_club(client, save, count, who, expected):
    world = await a_world(save)

    answer = await client(world.user(who)).execute(CREATE, **an_input(world, clubId=world.club, visibility="CLUB"))

    assert outcome(answer, "createEvent") == expected
    assert await count(Event) == (2 if expected == "DONE" else 1)


async def test_a_key_makes_one_event(client, save, count):
    world = await a_world(save)
    asked = an_input(world, idempotencyKey="make-it-once")

    first = await client(world.user("member")).execute(CREATE, **asked)
    second = await client(world.user("member")).execute(CREATE, **asked)

    assert second.data == first.data
    assert await count(Event) == 2


async def test_hidden_and_missing_events_look_alike(client, save):
    world = await a_world(save, visibility=EventVisibility.CLUB)
    document = "query ($id: ID!) { event(id: $id) { title } node(id: $id) { id } }"

    hidden = await client(world.user("stranger")).run(document, id=world.event)
    missing = await client(world.user("stranger")).run(document, id=ids.encode("Event", world.venue.id))
    seen = await client(world.user("member")).run(document, id=world.event)

    assert (hidden.data, hidden.errors) == (missing.data, missing.errors) == ({"event": None, "node": None}, [])
    assert seen.data["event"] == {"title": world.event.title}


@pytest.mark.parametrize("status", ["DRAFT", "PENDING_REVIEW", "CANCELLED", "ARCHIVED"])
@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("signed_out", False),
        ("stranger", False),
        ("member", False),
        ("organiser", True),
        ("club_owner", True),
        ("moderator", True),
        ("admin", True),
    ],
)
async def test_an_event_that_never_went_out_is_seen_by_who_may_change_it(client, save, who, sees, status):
    world = await a_world(save, status=EventStatus(status), published_at=None)

    answer = await client(world.user(who)).run(
        "query ($id: ID!) { event(id: $id) { status } node(id: $id) { id } }", id=world.event
    )

    assert answer.errors == []
    assert (answer.data["event"], answer.data["node"] is not None) == ({"status": status} if sees else None, sees)
