from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from models import (
    Admission,
    AvailabilityChange,
    Booking,
    ChatKind,
    ChatMember,
    Event,
    EventRole,
    EventStatus,
    Notification,
    Registration,
    Role,
    Service,
)
from resolvers.core.invariants import find_violations
from tests.api.booking.test_registrations import an_event, event_names, rows
from tests.clients import codes, gid
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_chat,
    make_event,
    make_host,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    now,
)

BOOK = """
mutation ($input: BookServicesInput!) {
  bookServices(input: $input) {
    bookings { admission note service { id availability { taken free } } user { id } recordedBy { id } }
    errors { code path }
  }
}
"""
CANCEL_BOOKING = """
mutation ($input: CancelBookingInput!) {
  cancelBooking(input: $input) { booking { admission } errors { code path } }
}
"""
STATE = "query ($id: ID!) { node(id: $id) { ... on Service { viewerBookingState { code opensAt } } } }"


async def services_of(save, event, *values):
    kind = make_service_type()
    await save(kind)
    services = [make_service(event, kind, **one) for one in values]
    await save(*services)
    return services


def refusals(answer):
    return [(error["code"], error["path"]) for error in answer.data["bookServices"]["errors"]]


async def taken(ports, entity):
    return [row.taken for row in await rows(ports, entity)]


async def test_a_first_booking_makes_the_registration(client, save, ports):
    ada, event = await an_event(save, capacity=5)
    yoga, tea = await services_of(save, event, {"capacity": 2}, {"capacity": 5})

    answer = await client(ada).execute(BOOK, serviceIds=[tea, yoga], note="первый раз")

    assert answer.data["bookServices"]["errors"] == []
    assert [
        (one["service"]["id"], one["service"]["availability"], one["note"], one["recordedBy"]["id"])
        for one in answer.data["bookServices"]["bookings"]
    ] == [
        (gid(tea), {"taken": 1, "free": 4}, "первый раз", gid(ada)),
        (gid(yoga), {"taken": 1, "free": 1}, "первый раз", gid(ada)),
    ]
    assert [row.admission for row in await rows(ports, Registration)] == [Admission.CONFIRMED]
    assert await taken(ports, Event) == [1]
    [change] = await rows(ports, AvailabilityChange)
    assert (change.taken, [one["taken"] for one in change.services]) == (1, [1, 1])


async def test_a_second_booking_ignores_the_events_capacity(client, save, ports):
    ada, event = await an_event(save, capacity=1)
    yoga, tea = await services_of(save, event, {"capacity": 1}, {"capacity": 1})
    bob = make_user()
    await save(bob)
    await client(ada).execute(BOOK, serviceIds=[yoga])

    second = await client(ada).execute(BOOK, serviceIds=[tea])
    stranger = await client(bob).execute(BOOK, serviceIds=[tea])

    assert refusals(second) == []
    assert refusals(stranger) == [("FULL", ["serviceIds", "0"])]
    assert await taken(ports, Event) == [1]


async def test_a_first_booking_needs_room_at_the_event(client, save, ports):
    ada, event = await an_event(save, capacity=1)
    yoga, tea = await services_of(save, event, {"capacity": 1}, {"capacity": 1})
    bob = make_user()
    await save(bob)
    await client(ada).execute(BOOK, serviceIds=[yoga])

    answer = await client(bob).execute(BOOK, serviceIds=[tea])

    assert refusals(answer) == [("FULL", ["serviceIds", "0"])]
    assert await taken(ports, Service) == [1, 0]


async def test_all_or_nothing_and_every_reason_at_once(client, save, ports, count):
    ada, event = await an_event(save)
    bob = make_user()
    await save(bob)
    free, full, gone, later, mine = await services_of(
        save, event, {}, {"capacity": 1}, {"cancelled_at": now()}, {"window_days": 1}, {}
    )
    await save(make_registration(event, bob), make_registration(event, ada))
    await save(make_booking(full, bob), make_booking(mine, ada))
    hidden = gid(make_service(event, make_service_type()))

    known = await client(ada).execute(BOOK, serviceIds=[free, full, gone, later, mine])
    unknown = await client(ada).execute(BOOK, serviceIds=[free, hidden])

    assert refusals(known) == [
        ("FULL", ["serviceIds", "1"]),
        ("CLOSED", ["serviceIds", "2"]),
        ("NOT_OPEN_YET", ["serviceIds", "3"]),
        ("ALREADY_BOOKED", ["serviceIds", "4"]),
    ]
    assert refusals(unknown) == [("NOT_FOUND", ["serviceIds", "1"])]
    assert known.data["bookServices"]["bookings"] is None
    assert await count(Booking) == 2
    assert await count(AvailabilityChange) == 0


async def test_services_of_several_events_are_booked_together(client, save, ports):
    ada, monday = await an_event(save, capacity=3)
    category, venue = make_category(), make_venue()
    await save(category, venue)
    tuesday = make_event(ada, category, venue, starts_at=in_days(8), capacity=3)
    await save(tuesday)
    [yoga], [tea] = await services_of(save, monday, {"capacity": 2}), await services_of(save, tuesday, {"capacity": 2})

    answer = await client(ada).execute(BOOK, serviceIds=[tea, yoga])
    strict = await client(ada).execute(BOOK, serviceIds=[tea, yoga], eventId=monday)

    assert refusals(answer) == []
    assert await taken(ports, Event) == [1, 1]
    assert {row.type.value for row in await rows(ports, Notification)} == {"REGISTRATION_CONFIRMED"}
    assert [row.sequence for row in await rows(ports, Notification)] == [1, 2]
    assert refusals(strict) == [("NOT_FOUND", ["serviceIds", "0"])]


async def test_one_full_event_stops_the_bookings_at_the_other(client, save, ports, count):
    ada, monday = await an_event(save, capacity=1)
    bob, category, venue = make_user(), make_category(), make_venue()
    await save(bob, category, venue)
    tuesday = make_event(ada, category, venue, starts_at=in_days(8))
    await save(tuesday)
    [yoga], [tea] = await services_of(save, monday, {"capacity": 1}), await services_of(save, tuesday, {})
    await save(make_registration(monday, bob))

    answer = await client(ada).execute(BOOK, serviceIds=[tea, yoga])

    assert refusals(answer) == [("FULL", ["serviceIds", "1"])]
    assert await count(Booking) == 0
    assert await count(Registration) == 1


@pytest.mark.parametrize(
    ("number", "code"),
    [(0, "REQUIRED"), (21, "INVALID")],
)
async def test_between_one_and_twenty_services(client, save, number, code):
    ada, event = await an_event(save)
    services = await services_of(save, event, *({} for _ in range(number)))

    answer = await client(ada).execute(BOOK, serviceIds=services)

    assert refusals(answer) == [(code, ["serviceIds"])]


async def test_a_service_named_twice_is_booked_once(client, save, count):
    ada, event = await an_event(save)
    [yoga] = await services_of(save, event, {})

    answer = await client(ada).execute(BOOK, serviceIds=[yoga, yoga])

    first, second = answer.data["bookServices"]["bookings"]
    assert first == second
    assert await count(Booking) == 1


async def test_the_window_is_shown_and_enforced(client, save, ports, monkeypatch):
    ada, event = await an_event(save, starts_at=in_days(10))
    [yoga] = await services_of(save, event, {"window_days": 3})
    admin = make_user(role=Role.ADMIN)
    await save(admin)

    shown = await client(ada).run(STATE, id=yoga)
    early = await client(ada).execute(BOOK, serviceIds=[yoga])
    staff = await client(admin).execute(BOOK, serviceIds=[yoga], onBehalfOf=ada)
    opens_at = shown.data["node"]["viewerBookingState"]["opensAt"]
    just_before, exactly = (
        datetime.fromisoformat(opens_at) - timedelta(seconds=1),
        datetime.fromisoformat(opens_at),
    )
    monkeypatch.setattr("resolvers.booking.admission.utcnow", lambda: just_before)
    still_early = await client(ada).execute(BOOK, serviceIds=[yoga])
    monkeypatch.setattr("resolvers.booking.admission.utcnow", lambda: exactly)
    in_time = await client(ada).execute(BOOK, serviceIds=[yoga])

    assert shown.data["node"]["viewerBookingState"]["code"] == "NOT_OPEN_YET"
    assert opens_at.endswith("T00:00:00+03:00")
    assert refusals(early) == refusals(staff) == refusals(still_early) == [("NOT_OPEN_YET", ["serviceIds", "0"])]
    assert refusals(in_time) == []


@pytest.mark.parametrize(
    ("values", "service_values", "registered", "booked", "code"),
    [
        ({}, {}, None, None, "OPEN"),
        ({}, {}, Admission.CONFIRMED, Admission.CONFIRMED, "ALREADY_BOOKED"),
        ({}, {}, Admission.CANCELLED, Admission.CANCELLED, "OPEN"),
        ({}, {"cancelled_at": timedelta()}, None, None, "CLOSED"),
        ({"status": EventStatus.CANCELLED}, {}, None, None, "CLOSED"),
        ({"starts_at": timedelta(hours=-1)}, {}, None, None, "CLOSED"),
        ({"starts_at": timedelta(hours=-1)}, {"starts_at": timedelta(minutes=5)}, None, None, "OPEN"),
        ({}, {"window_days": 1}, None, None, "NOT_OPEN_YET"),
        ({}, {}, Admission.REJECTED, None, "RESTRICTED"),
    ],
)
async def test_what_is_shown_is_what_the_mutation_does(client, save, values, service_values, registered, booked, code):
    ada, event = await an_event(save, **values)
    [yoga] = await services_of(save, event, service_values)
    if registered:
        await save(make_registration(event, ada, admission=registered))
    if booked:
        await save(make_booking(yoga, ada, admission=booked))

    shown = await client(ada).run(STATE, id=yoga)
    guest = await client().run(STATE, id=yoga)
    done = await client(ada).execute(BOOK, serviceIds=[yoga])

    assert shown.data["node"]["viewerBookingState"]["code"] == code
    assert guest.data["node"]["viewerBookingState"]["code"] in ("SIGN_IN_FIRST", code)
    assert refusals(done) == ([] if code == "OPEN" else [(code, ["serviceIds", "0"])])


@pytest.mark.parametrize(
    ("who", "outcome"),
    [
        ("guest", "UNAUTHENTICATED"),
        ("stranger", [("FORBIDDEN", ["onBehalfOf"])]),
        ("member", [("FORBIDDEN", ["onBehalfOf"])]),
        ("organizer", [("FORBIDDEN", ["onBehalfOf"])]),
        (Role.VOLUNTEER, []),
        (Role.MODERATOR, [("FORBIDDEN", ["onBehalfOf"])]),
        (Role.ADMIN, []),
    ],
    ids=str,
)
async def test_who_may_book_for_a_visitor(client, save, ports, count, who, outcome):
    visitor, event = await an_event(save)
    [yoga] = await services_of(save, event, {})
    actor = make_user(role=who if isinstance(who, Role) else Role.USER)
    await save(actor)
    if who == "organizer":
        await save(make_host(event, actor))
    if who == "member":
        await save(make_registration(event, actor))

    answer = await client(None if who == "guest" else actor).execute(BOOK, serviceIds=[yoga], onBehalfOf=visitor)

    assert (answer.error_codes[0] if answer.errors else refusals(answer)) == outcome
    if outcome == []:
        [booking] = await rows(ports, Booking)
        [registration] = await rows(ports, Registration)
        [notice] = await rows(ports, Notification)
        assert (booking.user_id, booking.recorded_by_id) == (visitor.id, actor.id)
        assert (registration.user_id, registration.recorded_by_id) == (visitor.id, actor.id)
        assert (notice.user_id, notice.type.value) == (visitor.id, "REGISTRATION_CONFIRMED")
    else:
        assert await count(Booking) == 0
        assert await count(Registration, Registration.user_id == visitor.id) == 0


async def test_nobody_is_booked_for_who_is_not_there(client, save, count):
    _, event = await an_event(save)
    [yoga] = await services_of(save, event, {})
    volunteer, gone = make_user(role=Role.VOLUNTEER), make_user(is_active=False)
    await save(volunteer, gone)

    answer = await client(volunteer).execute(BOOK, serviceIds=[yoga], onBehalfOf=gone)

    assert refusals(answer) == [("NOT_FOUND", ["onBehalfOf"])]
    assert await count(Booking) == 0


async def test_the_last_cancelled_booking_ends_the_registration(client, save, ports):
    ada, event = await an_event(save, capacity=5)
    chat = make_chat(kind=ChatKind.EVENT, event_id=event.id)
    await save(chat)
    yoga, tea = await services_of(save, event, {"capacity": 5}, {"capacity": 5})
    await client(ada).execute(BOOK, serviceIds=[yoga, tea])
    first, second = await rows(ports, Booking)

    one = await client(ada).execute(CANCEL_BOOKING, bookingId=first)
    between = [row.admission for row in await rows(ports, Registration)]
    two = await client(ada).execute(CANCEL_BOOKING, bookingId=second)
    again = await client(ada).execute(CANCEL_BOOKING, bookingId=second)

    assert one.data["cancelBooking"] == {"booking": {"admission": "CANCELLED"}, "errors": []}
    assert codes(two, "cancelBooking") == []
    assert codes(again, "cancelBooking") == ["NOT_BOOKED"]
    assert between == [Admission.CONFIRMED]
    assert [row.admission for row in await rows(ports, Registration)] == [Admission.CANCELLED]
    assert await taken(ports, Event) == [0]
    assert [row.left_at is not None for row in await rows(ports, ChatMember)] == [True]
    assert [row.taken for row in await rows(ports, AvailabilityChange)] == [1, 1, 0]


async def test_a_cancelled_booking_is_revived(client, save, ports):
    ada, event = await an_event(save)
    [yoga] = await services_of(save, event, {})
    await client(ada).execute(BOOK, serviceIds=[yoga])
    [booking] = await rows(ports, Booking)
    await client(ada).execute(CANCEL_BOOKING, bookingId=booking)

    answer = await client(ada).execute(BOOK, serviceIds=[yoga])

    assert refusals(answer) == []
    assert [(row.id, row.admission, row.cancelled_at) for row in await rows(ports, Booking)] == [
        (booking.id, Admission.CONFIRMED, None)
    ]


@pytest.mark.parametrize(
    ("who", "outcome"),
    [
        ("guest", "UNAUTHENTICATED"),
        ("stranger", ["NOT_FOUND"]),
        ("participant", ["NOT_FOUND"]),
        ("owner", []),
        ("organizer", []),
        ("staff", ["FORBIDDEN"]),
        (Role.VOLUNTEER, []),
        (Role.MODERATOR, []),
        (Role.ADMIN, []),
    ],
    ids=str,
)
async def test_who_may_cancel_a_booking(client, save, ports, who, outcome):
    ada, event = await an_event(save)
    [yoga] = await services_of(save, event, {})
    await save(make_registration(event, ada))
    booking = make_booking(yoga, ada)
    actor = make_user(role=who if isinstance(who, Role) else Role.USER)
    await save(actor, booking)
    if who in ("organizer", "staff"):
        await save(make_host(event, actor, EventRole(who.upper())))
    if who == "participant":
        await save(make_registration(event, actor))
    caller = {"guest": None, "owner": ada}.get(who, actor)

    answer = await client(caller).execute(CANCEL_BOOKING, bookingId=booking)

    assert (answer.error_codes[0] if answer.errors else codes(answer, "cancelBooking")) == outcome
    [found] = await rows(ports, Booking)
    assert found.admission is (Admission.CANCELLED if outcome == [] else Admission.CONFIRMED)
    assert await taken(ports, Service) == [0 if outcome == [] else 1]


async def test_a_booking_that_is_over_cannot_be_cancelled(client, save, ports):
    ada, event = await an_event(save, starts_at=in_days(-1))
    [yoga] = await services_of(save, event, {})
    await save(make_registration(event, ada))
    booking = make_booking(yoga, ada)
    await save(booking)

    answer = await client(ada).execute(CANCEL_BOOKING, bookingId=booking)

    assert codes(answer, "cancelBooking") == ["CLOSED"]
    assert await taken(ports, Service) == [1]


async def test_booking_repeats_by_its_key(client, save, count):
    ada, event = await an_event(save)
    yoga, tea = await services_of(save, event, {}, {})
    key = {"serviceIds": [yoga, tea], "idempotencyKey": "both-of-them"}
    first = await client(ada).execute(BOOK, **key)

    second = await client(ada).execute(BOOK, **key)

    assert second.data == first.data
    assert first.data["bookServices"]["errors"] == []
    assert await count(Booking) == 2


async def test_each_booking_leaves_a_domain_event(client, save, ports):
    ada, event = await an_event(save)
    yoga, tea = await services_of(save, event, {}, {})

    await client(ada).execute(BOOK, serviceIds=[yoga, tea])

    assert await event_names(ports) == [
        "event.availability.changed",
        "event.registration.created",
        "service.booking.created",
        "service.booking.created",
    ]


SERVICES = """
query ($ids: [ID!]!) {
  nodes(ids: $ids) { ... on Service {
    viewerBookingState { code opensAt }
    viewerBooking { admission staffNote event { id } service { id } recordedBy { id } }
    bookings(first: 3) { totalCount nodes { user { id } staffNote } }
    availability { serviceId capacity taken free isCancelled }
  } }
  viewer { bookings(first: 100) { totalCount nodes { service { id } } } }
}
"""


async def test_lists_cost_the_same_for_ten_rows_and_for_a_hundred(client, save):
    ada, event = await an_event(save)
    await save(make_registration(event, ada))

    services = []

    async def with_more(number):
        more = await services_of(save, event, *({} for _ in range(number)))
        await save(*(make_booking(service, ada, staff_note="secret") for service in more))
        services.extend(more)
        return await client(ada).run(SERVICES, ids=services)

    ten = await with_more(10)
    hundred = await with_more(90)

    assert [len(answer.data["nodes"]) for answer in (ten, hundred)] == [10, 100]
    assert {node["viewerBookingState"]["code"] for node in hundred.data["nodes"]} == {"ALREADY_BOOKED"}
    assert {node["viewerBooking"]["staffNote"] for node in hundred.data["nodes"]} == {None}
    assert len(hundred.data["viewer"]["bookings"]["nodes"]) == 100
    assert len(hundred.statements) == len(ten.statements)


@pytest.mark.parametrize(
    ("who", "sees"),
    [("guest", 0), ("stranger", 0), ("owner", 1), ("organizer", 2), (Role.VOLUNTEER, 2), (Role.MODERATOR, 2)],
    ids=str,
)
async def test_who_sees_bookings(client, save, who, sees):
    ada, event = await an_event(save)
    bob, viewer = make_user(), make_user(role=who if isinstance(who, Role) else Role.USER)
    await save(bob, viewer)
    [yoga] = await services_of(save, event, {})
    await save(make_registration(event, ada), make_registration(event, bob))
    await save(make_booking(yoga, ada, staff_note="secret"), make_booking(yoga, bob, staff_note="secret"))
    if who == "organizer":
        await save(make_host(event, viewer))

    answer = await client({"guest": None, "owner": ada}.get(who, viewer)).run(SERVICES, ids=[yoga])

    [service] = answer.data["nodes"]
    assert service["bookings"]["totalCount"] == sees
    assert {node["staffNote"] for node in service["bookings"]["nodes"]} <= {"secret" if sees == 2 else None}


async def test_everything_adds_up_afterwards(client, save, ports):
    ada, event = await an_event(save, capacity=2)
    yoga, tea = await services_of(save, event, {"capacity": 1}, {"capacity": 2})
    await client(ada).execute(BOOK, serviceIds=[yoga, tea])

    async with ports.database.reading() as session:
        assert list(await find_violations(session)) == []
