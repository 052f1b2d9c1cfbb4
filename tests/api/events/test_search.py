from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from jobs.events.lifecycle import archive_past
from models import EventInterest, EventStatus, EventVisibility, Role
from tests.api.events.event_worlds import EVENTS, a_world
from tests.factories import (
    in_days,
    make_category,
    make_club,
    make_event,
    make_host,
    make_interest,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    zone_where_it_is,
)

CALLED_OFF = {"status": EventStatus.CANCELLED, "cancelled_at": timedelta(days=-4)}
NEVER_OUT = {"status": EventStatus.DRAFT, "published_at": None}
EVERY_STATUS = [status.name for status in EventStatus]


def titles(answer):
    assert answer.errors == []
    return [event["title"] for event in answer.data["events"]["nodes"]]


async def a_place(save):
    ada, category, venue = make_user(), make_category(), make_venue()
    await save(ada, category, venue)
    return ada, category, venue


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ёлка", ["Новогодняя елка"]),
        ("ЕЛКИ", ["Новогодняя елка"]),
        ("концерты", ["Вечер"]),
        ("концерт дом", ["Вечер"]),
        ("конц", ["Вечер"]),
        ("jazzing the", ["Night"]),
        ("цветного", ["Night"]),
        ("night цветной", ["Night"]),
        ("ёлка концерт", []),
        ("!!!", ["Новогодняя елка", "Вечер", "Night"]),
        ("' | & :* \\", ["Новогодняя елка", "Вечер", "Night"]),
    ],
)
async def test_text_finds_title_description_and_venue(client, save, text, expected):
    ada, category, venue = await a_place(save)
    boulevard = make_venue(name="Цветной бульвар")
    await save(boulevard)
    await save(
        make_event(ada, category, venue, title="Новогодняя елка"),
        make_event(ada, category, venue, title="Вечер", description="Концерты в старом доме"),
        make_event(ada, category, boulevard, title="Night", description="Jazz and the blues"),
    )

    assert titles(await client().run(EVENTS, filter={"text": text})) == expected


async def test_filters_combine(client, save):
    ada, category, venue = await a_place(save)
    other, place, jazz, kind = make_category(), make_venue(), make_interest(), make_service_type()
    await save(other, place, jazz, kind)
    wanted = make_event(ada, category, venue, title="Wanted", price_amount=Decimal(300))
    rest = [
        make_event(ada, other, venue, title="Other category"),
        make_event(ada, category, place, title="Other place"),
        make_event(ada, category, venue, title="Dear", price_amount=Decimal(301)),
        make_event(ada, category, venue, title="Past", starts_at=in_days(-3)),
        make_event(ada, category, venue, title="No service"),
    ]
    await save(wanted, *rest)
    await save(
        *(EventInterest(event_id=event.id, interest_id=jazz.id) for event in [wanted, *rest]),
        *(make_service(event, kind) for event in [wanted, wanted, *rest[:-1]]),
        make_service(rest[-1], kind, cancelled_at=in_days(-1)),
    )

    answer = await client().run(
        EVENTS,
        filter={
            "categoryIds": [category],
            "venueIds": [venue],
            "interestIds": [jazz],
            "serviceTypeIds": [kind],
            "priceTo": {"amount": "300", "currency": "RUB"},
            "timings": ["UPCOMING"],
            "ids": [wanted, *rest],
        },
    )

    assert titles(answer) == ["Wanted"]
    assert answer.data["events"]["totalCount"] == 1


async def test_days_are_those_of_the_venue_and_the_last_is_left_out(client, save):
    ada, category, moscow = await a_place(save)
    vladivostok, hawaii = make_venue(time_zone="Asia/Vladivostok"), make_venue(time_zone="Pacific/Honolulu")
    await save(vladivostok, hawaii)
    late = datetime(2127, 3, 9, 22, 0, tzinfo=UTC)
    await save(
        make_event(ada, category, moscow, title="Moscow, 10 March", starts_at=late),
        make_event(ada, category, vladivostok, title="Vladivostok, 10 March", starts_at=late + timedelta(minutes=1)),
        make_event(ada, category, hawaii, title="Honolulu, 9 March", starts_at=late + timedelta(minutes=2)),
        make_event(ada, category, moscow, title="Moscow, 11 March", starts_at=late + timedelta(days=1)),
    )

    tenth = await client().run(EVENTS, filter={"dateRange": {"from": "2127-03-10", "to": "2127-03-11"}})
    ninth = await client().run(EVENTS, filter={"dateRange": {"to": "2127-03-10"}})
    endless = await client().run(EVENTS, filter={"dateRange": {"from": "2127-03-11", "to": "9999-12-31"}})

    assert titles(tenth) == ["Moscow, 10 March", "Vladivostok, 10 March"]
    assert titles(ninth) == ["Honolulu, 9 March"]
    assert titles(endless) == ["Moscow, 11 March"]


@pytest.mark.parametrize(
    ("timings", "expected"),
    [
        (["UPCOMING"], ["Next"]),
        (["ONGOING"], ["Now"]),
        (["PAST"], ["Just over", "Before"]),
        (["UPCOMING", "ONGOING"], ["Next", "Now"]),
        (["PAST", "ONGOING"], ["Now", "Just over", "Before"]),
        (["PAST", "UPCOMING", "PAST"], ["Next", "Just over", "Before"]),
        (["PAST", "UPCOMING", "ONGOING"], ["Next", "Now", "Just over", "Before"]),
    ],
    ids=" ".join,
)
async def test_timing_follows_the_clock(client, save, timings, expected):
    ada, category, venue = await a_place(save)
    await save(
        make_event(ada, category, venue, title="Next", starts_at=in_days(1)),
        make_event(ada, category, venue, title="Now", starts_at=in_days(-0.01)),
        make_event(ada, category, venue, title="Just over", starts_at=in_days(-0.5)),
        make_event(ada, category, venue, title="Before", starts_at=in_days(-2)),
    )

    admin = make_user(role=Role.ADMIN)
    await save(admin)

    answer = await client(admin).run(EVENTS, filter={"timings": timings}, sort="STARTS_AT_DESC")

    assert titles(answer) == expected


async def test_free_and_paid(client, save):
    ada, category, venue = await a_place(save)
    await save(
        make_event(ada, category, venue, title="Free", starts_at=in_days(1)),
        make_event(ada, category, venue, title="Euro", price_amount=5, price_currency="EUR", starts_at=in_days(2)),
        make_event(ada, category, venue, title="Rouble", price_amount=5, starts_at=in_days(3)),
    )

    free = await client().run(EVENTS, filter={"isFree": True})
    paid = await client().run(EVENTS, filter={"isFree": False})
    cheap = await client().run(EVENTS, filter={"priceTo": {"amount": "10", "currency": "EUR"}})

    assert (titles(free), titles(paid), titles(cheap)) == (["Free"], ["Euro", "Rouble"], ["Free", "Euro"])


async def test_sets_find_what_has_one_of_their_values(client, save):
    ada, _, _ = await a_place(save)
    categories, venues, clubs, kinds = (
        [make() for _ in range(3)] for make in (make_category, make_venue, make_club, make_service_type)
    )
    await save(*categories, *venues, *clubs, *kinds)
    events = [
        make_event(ada, *at[:2], club=at[2], title=str(number), starts_at=in_days(1 + number))
        for number, at in enumerate(zip(categories, venues, clubs, strict=True))
    ]
    await save(*events)
    await save(*(make_service(event, kind) for event, kind in zip(events, kinds, strict=True)))

    async def found(**filter):
        return titles(await client().run(EVENTS, filter=filter))

    for name, values in (("categoryIds", categories), ("venueIds", venues), ("clubIds", clubs),
                         ("serviceTypeIds", kinds), ("ids", events)):  # fmt: skip
        assert await found(**{name: [values[1]]}) == ["1"], name
        assert await found(**{name: [values[2], values[0], values[2]]}) == ["0", "2"], name
    assert await found(categoryIds=categories[:2], venueIds=venues[1:]) == ["1"]


async def test_free_places(client, save):
    ada, category, venue = await a_place(save)
    values = {"Full": (1, 1), "Some left": (3, 1), "Without a limit": (None, 1), "Empty": (1, 0)}
    for days, (title, (capacity, taken)) in enumerate(values.items()):
        event = make_event(ada, category, venue, title=title, capacity=capacity, starts_at=in_days(1 + days))
        await save(event)
        if taken:
            await save(make_registration(event, ada))

    free = await client().run(EVENTS, filter={"hasFreePlaces": True})
    full = await client().run(EVENTS, filter={"hasFreePlaces": False})

    assert (titles(free), titles(full)) == (["Some left", "Without a limit", "Empty"], ["Full"])


async def test_hidden_events_are_neither_listed_nor_counted(client, save):
    world = await a_world(save, title="Shown")
    everyone = [
        make_event(
            world.user("organiser"), world.category, world.venue, title=title, starts_at=in_days(8 + at), **values
        )
        for at, (title, values) in enumerate(
            [
                ("Draft", {"status": EventStatus.DRAFT}),
                ("Waiting", {"status": EventStatus.PENDING_REVIEW}),
                ("Archived", {"status": EventStatus.ARCHIVED}),
                ("Unlisted", {"visibility": EventVisibility.UNLISTED}),
                ("For the club", {"visibility": EventVisibility.CLUB, "club": world.club}),
            ]
        )
    ]
    await save(*everyone)
    await save(*(make_host(event, world.user("organiser")) for event in everyone))

    seen = {name: await client(world.user(name)).run(EVENTS) for name in ("signed_out", "member", "organiser")}

    assert titles(seen["signed_out"]) == ["Shown"]
    assert seen["signed_out"].data["events"]["totalCount"] == 1
    assert titles(seen["member"]) == ["Shown", "For the club"]
    assert titles(seen["organiser"]) == ["Shown", "Draft", "Waiting", "Unlisted", "For the club"]


@pytest.mark.parametrize("is_swept", [False, True])
async def test_an_event_is_in_the_archive_once_its_day_is_over_swept_or_not(client, save, ports, is_swept):
    ada, category, _ = await a_place(save)
    # They ended in the same moment: in the east at ten the evening before, in the west this morning.
    east, west = make_venue(time_zone=zone_where_it_is(2)), make_venue(time_zone=zone_where_it_is(12))
    await save(east, west)
    ended = {"starts_at": timedelta(hours=-5), "ends_at": timedelta(hours=-4)}
    await save(
        make_event(ada, category, west, title="Over today", **ended),
        make_event(ada, category, east, title="Over yesterday", **ended),
        make_event(ada, category, east, title="Over for long", starts_at=in_days(-3), ends_at=in_days(-2)),
        make_event(ada, category, east, title="Called off", starts_at=in_days(-2.9), ends_at=in_days(-2), **CALLED_OFF),
        make_event(ada, category, east, title="Draft", starts_at=in_days(-2.8), ends_at=in_days(-2), **NEVER_OUT),
        make_event(ada, category, east, title="To come", starts_at=in_days(2), ends_at=in_days(3)),
    )
    admin = make_user(role=Role.ADMIN)
    await save(admin)
    if is_swept:
        await archive_past(ports.database, ports.settings)

    active = titles(await client(admin).run(EVENTS, filter={"archived": False, "statuses": EVERY_STATUS}))
    archived = titles(await client(admin).run(EVENTS, filter={"archived": True}))
    plain = titles(await client().run(EVENTS))
    past = titles(await client().run(EVENTS, filter={"timings": ["PAST"]}))

    assert active == ["Draft", "Over today", "To come"]
    assert archived == ["Over for long", "Called off", "Over yesterday"]
    assert plain == ["Over today", "To come"]
    assert past == ["Over today"]


async def test_hosted_by_the_caller(client, save):
    world = await a_world(save, title="Hosted")
    await save(make_event(world.user("admin"), world.category, world.venue, title="Other"))
    organiser = client(world.user("organiser"))

    mine = await organiser.run(EVENTS, filter={"hostedByViewer": True})
    others = await organiser.run(EVENTS, filter={"hostedByViewer": False, "statuses": ["PUBLISHED"]})
    guests = await client().run(EVENTS, filter={"hostedByViewer": True})

    assert (titles(mine), titles(others), titles(guests)) == (["Hosted"], ["Other"], [])


async def test_a_made_event_is_listed_at_once(client, save):
    world = await a_world(save)
    create = """mutation ($input: CreateEventInput!) { createEvent(input: $input) { event { id } errors { code } } }"""
    starts_at = in_days(3)
    made = await client(world.user("admin")).execute(
        create,
        title="Fresh",
        categoryId=world.category,
        venueId=world.venue,
        startsAt=starts_at.isoformat(),
        endsAt=starts_at.isoformat(),
    )

    answer = await client(world.user("admin")).run(EVENTS, filter={"text": "fresh", "hostedByViewer": True})

    assert made.data["createEvent"]["errors"] == []
    assert titles(answer) == ["Fresh"]


@pytest.mark.parametrize("sort", ["STARTS_AT_ASC", "STARTS_AT_DESC", "CREATED_AT_DESC"])
async def test_pages_have_everything_once(client, save, sort):
    ada, category, venue = await a_place(save)
    same = in_days(5)
    await save(*(make_event(ada, category, venue, title=f"{at}", starts_at=same) for at in range(7)))
    found, cursor = [], None

    for _ in range(3):
        page = await client().run(EVENTS, sort=sort, first=3, after=cursor)
        found += titles(page)
        cursor = page.data["events"]["pageInfo"]["endCursor"]

    assert sorted(found) == [f"{at}" for at in range(7)]
    assert page.data["events"]["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    "filter",
    [
        {"text": "x" * 201},
        {"ids": ["RXZlbnQ6"] * 101},
        {"categoryIds": ["nonsense"]},
        {"dateRange": {"from": "2027-01-02", "to": "2027-01-02"}},
        {"priceTo": {"amount": "Infinity"}},
    ],
)
async def test_a_filter_out_of_bounds_is_refused(client, ports, filter):
    answer = await client().run(EVENTS, filter=filter)

    assert answer.error_codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("number", [10, 100])
async def test_a_list_takes_as_many_statements_for_many(client, save, number):
    world = await a_world(save)
    events = [
        make_event(world.user("organiser"), world.category, world.venue, club=world.club) for _ in range(number - 1)
    ]
    await save(*events)
    await save(*(make_host(event, world.user("organiser")) for event in events))
    await save(*(make_service(event, world.service_type) for event in events))
    document = """
    { events(first: 100) { nodes {
      title date timing priceFrom { amount } venue { name } category { name } interests { name } club { name }
      organizers { handle } hosts { user { handle } }
      services { capacity bookingOpensAt type { name } staffPerson { handle } }
    } } }
    """

    answer = await client().run(document)

    assert len(answer.data["events"]["nodes"]) == number
    assert len(answer.statements) <= 11
