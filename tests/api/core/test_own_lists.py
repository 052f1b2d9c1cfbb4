"""Lists that people look at of what is theirs: narrowed by several states, and in the order of what they are about."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models import Admission, Attendance, ChatKind, ClubKind, ClubRole, EventStatus, NotificationType
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_member,
    make_membership,
    make_notification,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    now,
)

REGISTRATIONS = """
query ($filter: OwnRegistrationFilter, $sort: RegistrationSort! = CREATED_AT_DESC, $first: Int, $after: String,
       $last: Int, $before: String) {
  viewer { list: registrations(
    filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before
  ) { totalCount nodes { event { title } } pageInfo { startCursor endCursor } } }
}
"""
BOOKINGS = """
query ($filter: OwnBookingFilter, $sort: BookingSort! = CREATED_AT_DESC, $first: Int, $after: String,
       $last: Int, $before: String) {
  viewer { list: bookings(
    filter: $filter, sort: $sort, first: $first, after: $after, last: $last, before: $before
  ) { totalCount nodes { event { title } } pageInfo { startCursor endCursor } } }
}
"""
NEXT = {"timings": ["UPCOMING", "ONGOING"], "admissions": ["CONFIRMED"], "eventStatuses": ["PUBLISHED"]}
STATES = [
    # title, start in days, event's status, admission, attendance
    ("In a month", 30, EventStatus.PUBLISHED, Admission.CONFIRMED, Attendance.EXPECTED),
    ("Tomorrow", 1, EventStatus.PUBLISHED, Admission.CONFIRMED, Attendance.EXPECTED),
    ("Called off", 2, EventStatus.CANCELLED, Admission.CONFIRMED, Attendance.EXPECTED),
    ("Left", 3, EventStatus.PUBLISHED, Admission.CANCELLED, Attendance.EXPECTED),
    ("Asked", 4, EventStatus.PUBLISHED, Admission.PENDING_APPROVAL, Attendance.EXPECTED),
    ("Now", -0.04, EventStatus.PUBLISHED, Admission.CONFIRMED, Attendance.ATTENDED),
    ("Last year", -300, EventStatus.ARCHIVED, Admission.CONFIRMED, Attendance.NO_SHOW),
    ("Yesterday", -1, EventStatus.ARCHIVED, Admission.CONFIRMED, Attendance.ATTENDED),
]  # fmt: skip
"""In the order of registering."""


@pytest.fixture
async def ada(save):
    """Someone with a registration and a booking for each of the states, and someone else with the same."""
    people, category, venue, kind = [make_user(), make_user()], make_category(), make_venue(), make_service_type()
    await save(*people, category, venue, kind)
    for at, (title, days, status, admission, attendance) in enumerate(STATES):
        event = make_event(
            people[0], category, venue, title=title, status=status, starts_at=in_days(days), ends_at=in_days(days + 0.1)
        )
        await save(event)
        service = make_service(event, kind)
        await save(service)
        for person in people:
            values = {
                "admission": admission, "attendance": attendance,
                "created_at": in_days(-400) + timedelta(days=at),
                "cancelled_at": now() if admission is Admission.CANCELLED else None,
            }  # fmt: skip
            await save(make_registration(event, person, **values))
            await save(make_booking(service, person, **values))
    return people[0]


def titles(answer):
    assert answer.errors == []
    return [node["event"]["title"] for node in answer.data["viewer"]["list"]["nodes"]]


@pytest.mark.parametrize("document", [REGISTRATIONS, BOOKINGS], ids=["registrations", "bookings"])
@pytest.mark.parametrize(
    ("filter", "sort", "expected"),
    [
        (NEXT, "STARTS_AT_ASC", ["Now", "Tomorrow", "In a month"]),
        (NEXT, "STARTS_AT_DESC", ["In a month", "Tomorrow", "Now"]),
        (NEXT, "CREATED_AT_DESC", ["Now", "Tomorrow", "In a month"]),
        ({"timings": ["PAST"]}, "STARTS_AT_DESC", ["Yesterday", "Last year"]),
        ({"timings": ["PAST", "UPCOMING"], "admissions": ["CONFIRMED"]}, "STARTS_AT_ASC",
         ["Last year", "Yesterday", "Tomorrow", "Called off", "In a month"]),
        ({"admissions": ["CANCELLED", "PENDING_APPROVAL"]}, "STARTS_AT_ASC", ["Left", "Asked"]),
        ({"attendances": ["ATTENDED", "NO_SHOW"]}, "STARTS_AT_ASC", ["Last year", "Yesterday", "Now"]),
        ({"eventStatuses": ["CANCELLED", "ARCHIVED"]}, "CREATED_AT_DESC", ["Yesterday", "Last year", "Called off"]),
        (None, "CREATED_AT_DESC", [one[0] for one in reversed(STATES)]),
    ],
)  # fmt: skip
async def test_one_request_finds_what_is_next_and_what_has_been(client, ada, document, filter, sort, expected):
    answer = await client(ada).run(document, filter=filter, sort=sort)

    assert titles(answer) == expected
    assert answer.data["viewer"]["list"]["totalCount"] == len(expected)


@pytest.mark.parametrize("document", [REGISTRATIONS, BOOKINGS], ids=["registrations", "bookings"])
@pytest.mark.parametrize("sort", ["STARTS_AT_ASC", "STARTS_AT_DESC", "CREATED_AT_DESC"])
async def test_pages_in_any_order_have_everything_once(client, ada, document, sort):
    whole = titles(await client(ada).run(document, sort=sort))
    forth, back, cursors = [], [], {"after": None, "before": None}

    for _ in range(3):
        page = await client(ada).run(document, sort=sort, first=3, after=cursors["after"])
        forth += titles(page)
        cursors["after"] = page.data["viewer"]["list"]["pageInfo"]["endCursor"]
        page = await client(ada).run(document, sort=sort, last=3, before=cursors["before"])
        back = titles(page) + back
        cursors["before"] = page.data["viewer"]["list"]["pageInfo"]["startCursor"]

    assert forth == back == whole
    assert len(whole) == len(STATES)


async def test_the_time_of_a_booking_is_that_of_its_service(client, save):
    ada, category, venue, kind = make_user(), make_category(), make_venue(), make_service_type()
    await save(ada, category, venue, kind)
    event = make_event(ada, category, venue, starts_at=in_days(-1), ends_at=in_days(1))
    await save(event, make_registration(event, ada))
    times = {"over": -0.5, "now": -0.01, "to come": 0.5}
    for days in times.values():
        service = make_service(event, kind, starts_at=in_days(days), ends_at=in_days(days + 0.1))
        await save(service)
        await save(make_booking(service, ada, note=next(name for name, at in times.items() if at == days)))
    document = """
    query ($timings: [EventTiming!]) {
      viewer { bookings(filter: {timings: $timings}, sort: STARTS_AT_ASC) { nodes { note service { timing } } } }
    }
    """

    found = {}
    for timing in ("PAST", "ONGOING", "UPCOMING"):
        answer = await client(ada).run(document, timings=[timing])
        found[timing] = [
            (node["note"], node["service"]["timing"]) for node in answer.data["viewer"]["bookings"]["nodes"]
        ]

    assert found == {
        "PAST": [("over", "PAST")], "ONGOING": [("now", "ONGOING")], "UPCOMING": [("to come", "UPCOMING")]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"admissions": ["CONFIRMED", "CANCELLED"]}, {"a", "b", "d"}),
        ({"admissions": ["PENDING_APPROVAL"]}, {"c"}),
        ({"attendances": ["ATTENDED", "NO_SHOW"]}, {"a", "b"}),
        ({"attendances": ["NO_SHOW"], "admissions": ["CONFIRMED"]}, {"b"}),
    ],
)
async def test_hosts_see_who_comes_by_several_states(client, save, filter, expected):
    host, category, venue, kind = make_user(), make_category(), make_venue(), make_service_type()
    await save(host, category, venue, kind)
    event = make_event(host, category, venue)
    await save(event)
    service = make_service(event, kind)
    await save(service, make_host(event, host))
    states = {
        "a": (Admission.CONFIRMED, Attendance.ATTENDED),
        "b": (Admission.CONFIRMED, Attendance.NO_SHOW),
        "c": (Admission.PENDING_APPROVAL, Attendance.EXPECTED),
        "d": (Admission.CANCELLED, Attendance.EXPECTED),
    }
    for note, (admission, attendance) in states.items():
        person, values = make_user(), {"admission": admission, "attendance": attendance, "note": note}
        await save(person)
        await save(make_registration(event, person, **values))
        await save(make_booking(service, person, **values))
    document = """
    query ($id: ID!, $filter: RegistrationFilter, $booked: BookingFilter) { event(id: $id) {
      registrations(filter: $filter) { totalCount nodes { note } }
      services { bookings(filter: $booked) { totalCount nodes { note } } }
    } }
    """

    found = (await client(host).run(document, id=event, filter=filter, booked=filter)).data["event"]

    for page in (found["registrations"], found["services"][0]["bookings"]):
        assert {node["note"] for node in page["nodes"]} == expected
        assert page["totalCount"] == len(expected)


CHATS = """
query ($filter: ChatFilter) { viewer { unreadChatCount chats(filter: $filter) { totalCount nodes { title } } } }
"""


async def test_chats_by_kind_and_what_is_unread(client, save):
    ada, bob = make_user(), make_user()
    club = make_club()
    await save(ada, bob, club)
    moments = [now() - timedelta(hours=at) for at in range(4)]
    chats = [
        make_chat(title="Unread", last_sequence=3, last_message_at=moments[0]),
        make_chat(title="Read", last_sequence=3, last_message_at=moments[1]),
        make_chat(title="Empty for whoever came now", last_sequence=3, last_message_at=moments[2]),
        make_chat(title=None, kind=ChatKind.CLUB, club_id=club.id, last_sequence=1, last_message_at=moments[3]),
    ]
    gone = make_chat(title="Left", last_sequence=3)
    await save(*chats, gone)
    await save(
        make_member(chats[0], ada, read_sequence=2),
        make_member(chats[1], ada, read_sequence=3),
        make_member(chats[2], ada, joined_sequence=3),
        make_member(chats[3], ada),
        make_member(gone, ada, left_at=now(), left_sequence=1),
        *(make_member(chat, bob, read_sequence=3) for chat in (*chats, gone)),
    )

    async def found(person, **filter):
        viewer = (await client(person).run(CHATS, filter=filter)).data["viewer"]
        names = [node["title"] for node in viewer["chats"]["nodes"]]
        assert viewer["chats"]["totalCount"] == len(names)
        return viewer["unreadChatCount"], names

    assert await found(ada) == (2, ["Unread", "Read", "Empty for whoever came now", None])
    assert await found(ada, unreadOnly=True) == (2, ["Unread", None])
    assert await found(ada, kinds=["CLUB", "DIRECT"]) == (2, [None])
    assert await found(ada, kinds=["GROUP"], unreadOnly=True) == (2, ["Unread"])
    assert (await found(bob))[0] == 0


async def test_notifications_by_type(client, save):
    ada = make_user()
    await save(ada)
    kinds = [NotificationType.EVENT_CHANGED, NotificationType.CLUB_INVITATION, NotificationType.EVENT_CANCELLED]
    await save(
        *(make_notification(ada, at + 1, type=kind, read_at=now() if at else None) for at, kind in enumerate(kinds))
    )
    document = """
    query ($filter: NotificationFilter) { viewer { notifications(filter: $filter) { totalCount nodes { type } } } }
    """

    about_events = await client(ada).run(document, filter={"types": ["EVENT_CHANGED", "EVENT_CANCELLED"]})
    unread = await client(ada).run(document, filter={"types": ["EVENT_CHANGED", "EVENT_CANCELLED"], "unreadOnly": True})

    assert about_events.data["viewer"]["notifications"] == {
        "totalCount": 2, "nodes": [{"type": "EVENT_CANCELLED"}, {"type": "EVENT_CHANGED"}]
    }  # fmt: skip
    assert unread.data["viewer"]["notifications"] == {"totalCount": 1, "nodes": [{"type": "EVENT_CHANGED"}]}


async def test_own_clubs_by_kind_and_role(client, save):
    ada = make_user()
    clubs = [make_club(name="A"), make_club(name="B", kind=ClubKind.GROUP), make_club(name="C")]
    await save(ada, *clubs)
    roles = [ClubRole.OWNER, ClubRole.OWNER, ClubRole.MEMBER]
    await save(*(make_membership(club, ada, role=role) for club, role in zip(clubs, roles, strict=True)))
    document = "query ($filter: MemberClubFilter) { viewer { clubs(filter: $filter) { nodes { name } totalCount } } }"

    async def found(**filter):
        page = (await client(ada).run(document, filter=filter)).data["viewer"]["clubs"]
        assert page["totalCount"] == len(page["nodes"])
        return [node["name"] for node in page["nodes"]]

    assert await found() == ["A", "B", "C"]
    assert await found(kinds=["CLUB"]) == ["A", "C"]
    assert await found(roles=["OWNER", "ADMIN"]) == ["A", "B"]
    assert await found(kinds=["CLUB"], roles=["OWNER", "MEMBER"]) == ["A", "C"]
