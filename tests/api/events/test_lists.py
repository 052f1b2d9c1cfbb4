"""Who finds which events in lists, and their services: the archive, drafts, and what is hidden.

Each event has one service, at its own time, so both lists have to find the same.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.events.lifecycle import archive_past
from models import Admission, ClubRole, ClubVisibility, EventStatus, EventVisibility, Role
from tests.clients import gid
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_club,
    make_event,
    make_host,
    make_membership,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

AWAY = {"status": EventStatus.ARCHIVED, "archived_at": timedelta(days=-1)}
PAST = {"starts_at": timedelta(days=-3), "ends_at": timedelta(days=-2)}
ANY = ["DRAFT", "PENDING_REVIEW", "PUBLISHED", "CANCELLED", "ARCHIVED"]


BOTH = """
query ($filter: EventFilter, $ofServices: ServiceFilter) {
  events(filter: $filter, sort: STARTS_AT_ASC) { nodes { title } totalCount }
  services(filter: $ofServices, sort: STARTS_AT_ASC) { nodes { event { title } } totalCount }
}
"""
EVENTS = """
query ($filter: EventFilter) { events(filter: $filter, sort: STARTS_AT_ASC) { nodes { title } totalCount } }
"""
SERVICES = """
query ($filter: ServiceFilter) {
  services(filter: $filter, sort: STARTS_AT_ASC) { nodes { event { title } } totalCount }
}
"""
NAMES_AMONG_SERVICES = {"statuses": "eventStatuses", "ids": "eventIds"}


def among_services(filter):
    return {NAMES_AMONG_SERVICES.get(name, name): value for name, value in filter.items()}


async def found_by(client, filter):
    """Titles of the events that a filter finds, which the list of services finds as well."""
    answer = await client.run(BOTH, filter=filter, ofServices=among_services(filter))
    assert answer.errors == []
    events, services = answer.data["events"], answer.data["services"]
    found = [event["title"] for event in events["nodes"]]
    assert [service["event"]["title"] for service in services["nodes"]] == found
    assert (events["totalCount"], services["totalCount"]) == (len(found), len(found))
    return found


async def with_services(save, events):
    kind = make_service_type()
    await save(kind, *events)
    await save(*(make_service(event, kind) for event in events))


@pytest.fixture
async def people(save):
    roles = {"moderator": Role.MODERATOR, "admin": Role.ADMIN, "volunteer": Role.VOLUNTEER}
    names = ("stranger", "participant", "who left", "host", "club owner", "author", *roles)
    made = {name: make_user(role=roles.get(name, Role.USER)) for name in names}
    await save(*made.values())
    return made | {"guest": None}


@pytest.fixture
async def archive(save, people):
    """Events that belong into the archive, and one to come, all with the same people around them."""
    category, venue, club = make_category(), make_venue(), make_club()
    await save(category, venue, club, make_membership(club, people["club owner"], role=ClubRole.OWNER))
    events = [
        make_event(people["author"], category, venue, club=club, title=title, **values)
        for title, values in {
            "Never out": {**PAST, **AWAY, "starts_at": timedelta(days=-4), "published_at": None},
            "Concert": PAST,
            "Called off": {**PAST, "starts_at": timedelta(days=-2.5), "status": EventStatus.CANCELLED},
            "Put away": {"starts_at": in_days(4), **AWAY},
            "To come": {"starts_at": in_days(5)},
        }.items()
    ]
    await with_services(save, events)
    for event in events:
        await save(
            make_registration(event, people["participant"]),
            make_registration(event, people["who left"], admission=Admission.CANCELLED),
            make_host(event, people["host"]),
        )


OUTSIDERS = ("guest", "stranger", "who left", "volunteer")
INSIDERS = ("participant", "host", "club owner", "moderator", "admin")
RUNNING = ("host", "club owner")


@pytest.mark.parametrize("is_swept", [False, True])
@pytest.mark.parametrize("who", [*OUTSIDERS, *INSIDERS])
async def test_the_archive_is_for_those_who_took_part_or_ran_it_and_for_staff(
    client, archive, people, ports, is_swept, who
):
    if is_swept:
        await archive_past(ports.database, ports.settings)

    async def found(**filter):
        return await found_by(client(people[who]), filter)

    def own(*archived):
        """As far as they may find what is in the archive, and what never went out."""
        hidden = {"Never out"} if who not in RUNNING else set()
        return [] if who in OUTSIDERS else [title for title in archived if title not in hidden]

    assert await found() == await found(archived=False) == ["To come"]
    assert await found(archived=True) == own("Never out", "Concert", "Called off", "Put away")
    assert await found(timings=["PAST"]) == own("Never out", "Concert", "Called off")
    assert await found(timings=["PAST", "UPCOMING"]) == [
        *own("Never out", "Concert", "Called off", "Put away"),
        "To come",
    ]
    assert await found(timings=["PAST"], archived=False) == []
    assert await found(timings=["UPCOMING"]) == ["To come"]
    assert await found(timings=["UPCOMING"], archived=True) == own("Put away")
    assert await found(text="concert") == []
    assert await found(text="concert", timings=["PAST"]) == own("Concert")


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("guest", []),
        ("who left", []),
        ("participant", ["Concert", "Put away"]),
        ("host", ["Never out", "Concert", "Put away"]),
        ("moderator", ["Never out", "Concert", "Put away"]),
    ],
)
async def test_what_is_archived_is_found_by_that_status_alone(client, archive, people, ports, who, expected):
    await archive_past(ports.database, ports.settings)

    found = await found_by(client(people[who]), {"statuses": ["ARCHIVED"]})

    assert [title for title in found if title != "Called off"] == expected


async def test_that_status_is_the_stored_one_until_the_sweep_has_come_by(client, archive, people):
    found = await found_by(client(people["moderator"]), {"statuses": ["ARCHIVED"]})

    assert found == ["Never out", "Put away"]


@pytest.fixture
async def drafts(save, people):
    """Events of an author in each status and visibility, and drafts of a moderator."""
    category, venue, club = make_category(), make_venue(), make_club(visibility=ClubVisibility.PRIVATE)
    await save(category, venue, club)
    never = {"published_at": None}
    events = {
        title: make_event(people[author], category, venue, title=title, starts_at=in_days(1 + at), **values)
        for at, (title, author, values) in enumerate(
            [
                ("Draft", "author", {"status": EventStatus.DRAFT, **never}),
                ("Waiting", "author", {"status": EventStatus.PENDING_REVIEW, **never}),
                ("Out", "author", {}),
                ("Cancelled", "author", {"status": EventStatus.CANCELLED}),
                ("Cancelled draft", "author", {"status": EventStatus.CANCELLED, **never}),
                ("Unlisted", "author", {"visibility": EventVisibility.UNLISTED}),
                ("For members", "author", {"visibility": EventVisibility.CLUB, "club": club}),
                ("Of a private club", "author", {"club": club}),
                ("Own draft", "moderator", {"status": EventStatus.DRAFT, **never}),
            ]
        )
    }
    await with_services(save, list(events.values()))
    await save(*(make_host(event, people["author"]) for title, event in events.items() if title != "Own draft"))
    await save(make_host(events["Own draft"], people["moderator"]))
    return events | {"club": club}


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, ["Out", "Cancelled", "Own draft"]),
        ({"hostedByViewer": True}, ["Own draft"]),
        ({"hostedByViewer": False}, ["Out", "Cancelled"]),
        ({"statuses": ["DRAFT"]}, ["Draft", "Own draft"]),
        ({"statuses": ["DRAFT"], "hostedByViewer": False}, ["Draft"]),
        ({"statuses": ["PENDING_REVIEW", "PUBLISHED"]}, ["Waiting", "Out"]),
        ({"statuses": ["CANCELLED"]}, ["Cancelled", "Cancelled draft"]),
        ({"visibilities": ["UNLISTED", "CLUB"]}, ["Unlisted", "For members"]),
        ({"visibilities": ["PUBLIC"]}, ["Out", "Cancelled", "Of a private club", "Own draft"]),
        ({"clubIds": ["club"]}, ["For members", "Of a private club"]),
        ({"ids": ["Draft", "Unlisted", "Cancelled draft"]}, ["Draft", "Cancelled draft", "Unlisted"]),
        ({"timings": ["UPCOMING", "ONGOING"]}, ["Out", "Cancelled", "Own draft"]),
        (
            {"statuses": ANY, "visibilities": ["PUBLIC", "UNLISTED", "CLUB"]},
            ["Draft", "Waiting", "Out", "Cancelled", "Cancelled draft", "Unlisted", "For members",
             "Of a private club", "Own draft"],
        ),
    ],
    ids=str,
)  # fmt: skip
async def test_staff_find_what_others_do_not_only_if_they_ask(client, drafts, people, filter, expected):
    named = {
        name: [drafts.get(value, value) for value in values] if isinstance(values, list) else values
        for name, values in filter.items()
    }

    staff = await found_by(client(people["moderator"]), named)
    stranger = await found_by(client(people["stranger"]), named)

    assert staff == expected
    assert set(stranger) <= {"Out", "Cancelled"}


async def test_a_club_shows_staff_all_of_its_events(client, drafts, people):
    document = "query ($id: ID!) { club(id: $id) { events { nodes { title } } } }"

    answer = await client(people["moderator"]).run(document, id=drafts["club"])

    assert [node["title"] for node in answer.data["club"]["events"]["nodes"]] == ["For members", "Of a private club"]


def in_range(filter):
    """The filter with days in the place of numbers, which are counted from today."""
    days = {
        name: in_days(day).date().isoformat() if isinstance(day, int) else day
        for name, day in filter.get("dateRange", {}).items()
    }
    return filter | {"dateRange": days} if days else filter


@pytest.mark.parametrize(
    ("filter", "path"),
    [
        ({"statuses": ["ARCHIVED"], "archived": False}, "statuses"),
        ({"statuses": ["DRAFT"], "archived": True}, "statuses"),
        ({"statuses": ["DRAFT", "PENDING_REVIEW"], "archived": True}, "statuses"),
        ({"statuses": ["PUBLISHED"], "archived": True, "timings": ["UPCOMING"]}, "timings"),
        ({"statuses": ["CANCELLED", "DRAFT"], "archived": True, "timings": ["UPCOMING", "ONGOING"]}, "timings"),
        ({"timings": ["UPCOMING"], "dateRange": {"to": -2}}, "timings"),
        ({"timings": ["PAST"], "dateRange": {"from": 3}}, "timings"),
        ({"timings": ["ONGOING", "PAST"], "dateRange": {"from": 3, "to": 9}}, "timings"),
        ({"timings": ["PAST"], "dateRange": {"from": "9999-12-31"}}, "timings"),
        ({"timings": ["UPCOMING"], "dateRange": {"to": "0001-01-01"}}, "timings"),
        ({"statuses": ["PUBLISHED"], "archived": True, "dateRange": {"from": 3}}, "dateRange"),
        ({"isFree": False, "priceTo": {"amount": "0"}}, "priceTo"),
    ],
    ids=str,
)
async def test_what_can_match_nothing_is_refused(client, people, filter, path):
    asked = [(EVENTS, in_range(filter), path)]
    if path != "priceTo":
        asked.append((SERVICES, among_services(in_range(filter)), NAMES_AMONG_SERVICES.get(path, path)))

    for document, narrowed, at_fault in asked:
        [error] = (await client(people["admin"]).run(document, filter=narrowed)).errors
        assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("BAD_USER_INPUT", "CONTRADICTION")
        assert [one["path"] for one in error["extensions"]["errors"]] == [["filter", at_fault]]


@pytest.mark.parametrize(
    "filter",
    [
        {"statuses": ["ARCHIVED", "PUBLISHED"], "archived": False},
        {"statuses": ["DRAFT", "CANCELLED"], "archived": True},
        {"statuses": ["ARCHIVED"], "archived": True, "timings": ["UPCOMING"]},
        {"archived": True, "timings": ["UPCOMING"]},
        {"archived": False, "timings": ["PAST"]},
        {"timings": ["UPCOMING", "PAST"], "dateRange": {"to": -2}},
        {"timings": ["ONGOING"], "dateRange": {"to": -2}},
        {"timings": ["UPCOMING"], "dateRange": {"from": -3, "to": 3}},
        {"timings": ["PAST"], "dateRange": {"from": 0}},
        {"isFree": True, "priceTo": {"amount": "0"}},
        {"isFree": False, "priceTo": {"amount": "1"}},
        {"isFree": True, "priceTo": {"amount": "100"}},
    ],
    ids=str,
)
async def test_what_can_match_something_is_answered(client, people, filter):
    answer = await client(people["admin"]).run(EVENTS, filter=in_range(filter))

    assert (answer.errors, answer.data["events"]["nodes"]) == ([], [])


async def test_all_that_is_wrong_with_a_filter_is_told_at_once(client):
    filter = {"text": "x" * 201, "statuses": ["DRAFT"], "archived": True, "priceTo": {"amount": "0.001"}}

    [error] = (await client().run(EVENTS, filter=filter)).errors

    assert [(one["code"], one["path"]) for one in error["extensions"]["errors"]] == [
        ("TOO_LONG", ["filter", "text"]),
        ("INVALID", ["filter", "priceTo", "amount"]),
        ("CONTRADICTION", ["filter", "statuses"]),
    ]


SIZE = ("INVALID", {"minimum": 0, "maximum": 100})
NO_CURSOR = ("INVALID_CURSOR", None)
FAULTS = {
    "first: -1": {"first": SIZE},
    "last: 101": {"last": SIZE},
    "first: 2, last: 2": {"last": ("INVALID", None)},
    'last: 101, before: "zz"': {"last": SIZE, "before": NO_CURSOR},
    'after: "zz"': {"after": NO_CURSOR},
    'first: 101, after: "zz", …': {"filter": ("REQUIRED", None), "first": SIZE, "after": NO_CURSOR},
}


@pytest.mark.parametrize("place", [
    "{{ events({}) {{ totalCount }} }}",
    '{{ event(id: "{id}") {{ registrations({}) {{ totalCount }} }} }}',
])  # fmt: skip
async def test_all_that_is_wrong_with_a_page_is_told_at_once(client, save, place):
    ada, category, venue = make_user(), make_category(), make_venue()
    await save(ada, category, venue)
    event = make_event(ada, category, venue)
    await save(event)
    empty = "filter: { admissions: [] }" if "{id}" in place else "filter: { ids: [] }"
    found = {}
    for arguments in FAULTS:
        [error] = (await client(ada).run(place.format(arguments.replace("…", empty), id=gid(event)))).errors
        told = error["extensions"]["errors"]
        found[arguments] = {one["path"][0]: (one["code"], one["details"]) for one in told}
        assert error["extensions"]["path"] == told[0]["path"]

    assert found == FAULTS


async def test_whether_days_can_match_is_asked_each_time(client, monkeypatch, people):
    """What was fine yesterday is kept as a statement, and refused today all the same."""
    filter = in_range({"timings": ["UPCOMING"], "dateRange": {"to": 3}})
    before = await client().run(EVENTS, filter=filter)
    monkeypatch.setattr("resolvers.events.search.utcnow", lambda: in_days(9))

    after = await client().run(EVENTS, filter=filter)

    assert (before.error_codes, after.error_codes) == ([], ["BAD_USER_INPUT"])


PAGE = """
query ($filter: EventFilter, $sort: EventSort, $first: Int, $after: String, $before: String) {
  events(filter: $filter, sort: $sort, first: $first, after: $after, before: $before) {
    nodes { title } pageInfo { endCursor startCursor }
  }
}
"""
SOONEST = {"filter": {"timings": ["UPCOMING", "ONGOING"], "isFree": True}, "sort": "STARTS_AT_ASC"}
OTHERS = [
    {**SOONEST, "sort": "STARTS_AT_DESC"},
    {**SOONEST, "sort": "CREATED_AT_DESC"},
    {**SOONEST, "sort": None},
    {**SOONEST, "filter": None},
    {**SOONEST, "filter": {"isFree": True}},
    {**SOONEST, "filter": {"isFree": False, "timings": ["UPCOMING", "ONGOING"]}},
    {},
]
SAME = [
    SOONEST,
    {
        **SOONEST,
        "filter": {"isFree": True, "timings": ["ONGOING", "UPCOMING"], "text": " ", "clubIds": None},
    },
]


async def test_a_cursor_belongs_to_its_filter_and_sort(client, save):
    ada, category, venue = make_user(), make_category(), make_venue()
    await save(ada, category, venue)
    await save(*(make_event(ada, category, venue, title=str(n), starts_at=in_days(n)) for n in range(1, 4)))
    page = (await client().run(PAGE, **SOONEST, first=1)).data["events"]["pageInfo"]
    plain = (await client().run(PAGE, first=1)).data["events"]["pageInfo"]["endCursor"]

    refused = [
        *[await client().run(PAGE, **other, after=page["endCursor"]) for other in OTHERS],
        *[await client().run(PAGE, **other, before=page["startCursor"]) for other in OTHERS],
        await client().run(PAGE, **SOONEST, after=plain),
    ]
    taken = [await client().run(PAGE, **same, after=page["endCursor"]) for same in SAME]
    rest = await client().run(PAGE, filter={}, after=plain)

    assert [one.errors[0]["extensions"]["reason"] for one in refused] == ["INVALID_CURSOR"] * 15
    found = [[node["title"] for node in one.data["events"]["nodes"]] for one in (*taken, rest)]
    assert found == [["2", "3"]] * 3


PLACES = {
    "events": "{{ events(sort: STARTS_AT_DESC, first: 1{after}) {page} }}",
    "services": "{{ services(sort: STARTS_AT_DESC, first: 1{after}) {page} }}",
    "own registrations": "{{ viewer {{ registrations(first: 1{after}) {page} }} }}",
    "own bookings": "{{ viewer {{ bookings(first: 1{after}) {page} }} }}",
    "registrations": '{{ event(id: "{one}") {{ registrations(first: 1{after}) {page} }} }}',
    "registrations of another": '{{ event(id: "{other}") {{ registrations(first: 1{after}) {page} }} }}',
    "participants": '{{ event(id: "{one}") {{ participants(first: 1{after}) {page} }} }}',
}


async def test_a_cursor_belongs_to_its_list(client, save):
    ada, bob, category, venue, type_ = make_user(), make_user(), make_category(), make_venue(), make_service_type()
    await save(ada, bob, category, venue, type_)
    events = [make_event(ada, category, venue, starts_at=in_days(days)) for days in (2, 3)]
    services = [make_service(event, type_) for event in events]
    await save(*events, *services, *(make_host(event, ada) for event in events))
    people = [(event, person) for event in events for person in (ada, bob)]
    await save(*(make_registration(*one) for one in people))
    await save(*(make_booking(one, ada) for one in services))
    page = "{ pageInfo { endCursor } totalCount }"

    async def ask(place: str, after: str = ""):
        text = PLACES[place].format(after=after, page=page, one=gid(events[0]), other=gid(events[1]))
        return await client(ada).run(text)

    def found_in(answer):
        one = answer.data
        while "pageInfo" not in one:
            [one] = one.values()
        return one

    cursors = {place: found_in(await ask(place))["pageInfo"]["endCursor"] for place in PLACES}
    told = {
        (of, to): [one["extensions"].get("reason") for one in (await ask(to, f', after: "{cursor}"')).errors]
        for of, cursor in cursors.items()
        for to in PLACES
    }

    assert told == {(of, to): [] if of == to else ["INVALID_CURSOR"] for of in PLACES for to in PLACES}


async def test_of_many_parents_one_goes_on_after_a_cursor(client, save):
    """Where one argument is for all of them."""
    ada, bob, category, venue = make_user(), make_user(), make_category(), make_venue()
    await save(ada, bob, category, venue)
    events = [make_event(ada, category, venue, starts_at=in_days(days)) for days in (2, 3)]
    await save(*events, *(make_host(event, ada) for event in events))
    await save(*(make_registration(event, person) for event in events for person in (ada, bob)))
    rest = "registrations(first: 1, after: $after) { nodes { id } pageInfo { endCursor } }"
    level = f"query ($after: String) {{ events(sort: STARTS_AT_ASC) {{ nodes {{ {rest} }} }} }}"
    one, other = (f'event(id: "{gid(event)}") {{ {rest} }}' for event in events)
    apart = f"query ($after: String) {{ a: {one} b: {other} }}"
    cursor = (await client(ada).run(apart)).data["b"]["registrations"]["pageInfo"]["endCursor"]

    found, refused = await client(ada).run(apart, after=cursor), await client(ada).run(level, after=cursor)

    assert found.data["a"] is None and len(found.data["b"]["registrations"]["nodes"]) == 1
    assert [one["path"] for one in found.errors] == [["a", "registrations"]]
    assert [one["path"] for one in refused.errors] == [["events", "nodes", 0, "registrations"]]


MEMBERS = """
query ($id: ID!, $filter: ClubMembershipFilter, $after: String) {
  club(id: $id) { members(filter: $filter, first: 1, after: $after) { nodes { role } pageInfo { endCursor } } }
}
"""


async def test_a_cursor_of_a_list_within_belongs_to_its_filter_too(client, save):
    ada, bob, club = make_user(), make_user(), make_club()
    await save(ada, bob, club)
    await save(make_membership(club, ada, role=ClubRole.OWNER), make_membership(club, bob))
    page = await client(ada).run(MEMBERS, id=gid(club))
    cursor = page.data["club"]["members"]["pageInfo"]["endCursor"]

    same = await client(ada).run(MEMBERS, id=gid(club), filter={"states": ["ACTIVE"]}, after=cursor)
    other = await client(ada).run(MEMBERS, id=gid(club), filter={"roles": ["OWNER", "MEMBER"]}, after=cursor)

    assert [one["role"] for one in same.data["club"]["members"]["nodes"]] == ["MEMBER"]
    assert other.errors[0]["extensions"]["reason"] == "INVALID_CURSOR"
