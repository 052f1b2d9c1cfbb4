"""The database itself refuses an oversell, and everything adds up after any sequence of operations."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from database import violated_constraint
from models import ChatKind, Event, Role, Service
from resolvers.core.invariants import INVARIANTS, find_violations
from tests.api.booking.test_bookings import BOOK, CANCEL_BOOKING, services_of
from tests.api.booking.test_registrations import CANCEL, REGISTER, an_event, rows
from tests.factories import (
    make_booking,
    make_chat,
    make_club,
    make_membership,
    make_notification,
    make_registration,
    make_review,
    make_user,
)


async def broken(ports):
    """Names of the invariants that do not hold."""
    async with ports.database.reading() as session:
        return [one.invariant for one in await find_violations(session)]


async def run_sql(ports, statement, **values):
    async with ports.database.engine.begin() as connection:
        await connection.execute(text(statement), values)


async def test_the_database_refuses_one_person_too_many(save, ports):
    ada, event = await an_event(save, capacity=1)
    bob = make_user()
    await save(bob)
    await save(make_registration(event, ada))

    with pytest.raises(IntegrityError, match="ck_events_taken_within_capacity"):
        await save(make_registration(event, bob))

    assert [row.taken for row in await rows(ports, Event)] == [1]


async def test_the_database_refuses_one_booking_too_many(save, ports):
    ada, event = await an_event(save)
    bob = make_user()
    await save(bob)
    [yoga] = await services_of(save, event, {"capacity": 1})
    await save(make_registration(event, ada), make_registration(event, bob))
    await save(make_booking(yoga, ada))

    with pytest.raises(IntegrityError, match="ck_services_taken_within_capacity"):
        await save(make_booking(yoga, bob))

    assert [row.taken for row in await rows(ports, Service)] == [1]


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE events SET capacity = 1", "ck_events_taken_within_capacity"),
        ("UPDATE events SET capacity = 4", "ck_services_capacity_within_event"),
        ("UPDATE events SET capacity = NULL", "ck_services_event_has_capacity"),
        ("UPDATE events SET taken = 6", "ck_events_taken_within_capacity"),
        ("UPDATE services SET capacity = 1", "ck_services_taken_within_capacity"),
        ("UPDATE services SET capacity = 6", "ck_services_capacity_within_event"),
        ("UPDATE services SET taken = 6", "ck_services_taken_within_capacity"),
    ],
)
async def test_the_database_refuses_capacities_that_do_not_fit(save, ports, statement, constraint):
    ada, event = await an_event(save, capacity=5)
    bob = make_user()
    await save(bob)
    [yoga] = await services_of(save, event, {"capacity": 5})
    await save(make_registration(event, ada), make_registration(event, bob))
    await save(make_booking(yoga, ada), make_booking(yoga, bob))

    with pytest.raises(IntegrityError) as refused:
        await run_sql(ports, statement)

    assert violated_constraint(refused.value) == constraint
    assert await broken(ports) == []


async def test_the_database_refuses_to_move_a_booking(save, ports):
    ada, event = await an_event(save)
    yoga, tea = await services_of(save, event, {}, {})
    await save(make_registration(event, ada))
    await save(make_booking(yoga, ada))

    with pytest.raises(IntegrityError, match=r"bookings\.service_id does not change"):
        await run_sql(ports, "UPDATE bookings SET service_id = :tea", tea=tea.id)

    assert await broken(ports) == []


async def test_deleted_rows_give_their_places_back(save, ports):
    ada, event = await an_event(save, capacity=1)
    [yoga] = await services_of(save, event, {"capacity": 1})
    await save(make_registration(event, ada))
    await save(make_booking(yoga, ada))

    await run_sql(ports, "DELETE FROM registrations")

    assert [row.taken for row in await rows(ports, Event)] == [0]
    assert [row.taken for row in await rows(ports, Service)] == [0]


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("UPDATE events SET taken = 3", "event.taken is the number of people"),
        ("UPDATE services SET taken = 3", "service.taken is the number of bookings"),
        ("UPDATE services SET is_archived = true", "service is archived with its event"),
        ("UPDATE registrations SET admission = 'CANCELLED'", "booking has a registration"),
        ("UPDATE chat_members SET left_at = now(), left_sequence = 0", "participant is in the chat"),
        ("UPDATE bookings SET admission = 'CANCELLED'", None),
        ("UPDATE events SET availability_sequence = 9", "availability stream is whole"),
        ("UPDATE registrations SET shown_to = 'EVERYONE'", "place is shown as the person chose"),
        ("UPDATE clubs SET member_count = 3", "club.member_count is the number of members"),
        ("UPDATE club_memberships SET shown_to = NULL", "membership is shown as the person chose"),
        ("UPDATE rating_counts SET number = 2", "ratings are counted"),
        ("DELETE FROM rating_counts", "ratings are counted"),
        ("UPDATE chats SET last_sequence = 2", "chat stream is whole"),
        ("UPDATE inboxes SET last_sequence = 9", "inbox stream is whole"),
        ("DELETE FROM notifications WHERE sequence = 1", "inbox stream is whole"),
        ("UPDATE event_words SET words = ''", "event is found by its words"),
        ("UPDATE event_words SET starts_at = now()", "event is found by its words"),
        ("UPDATE event_words SET is_archived = true", "event is found by its words"),
        ("DELETE FROM event_words", "event is found by its words"),
    ],
)
async def test_damage_is_found(client, save, ports, damage, expected):
    ada, event = await an_event(save, capacity=5)
    chat = make_chat(kind=ChatKind.EVENT, event_id=event.id)
    await save(chat)
    [yoga] = await services_of(save, event, {"capacity": 5})
    await client(ada).execute(BOOK, serviceIds=[yoga])
    await run_sql(ports, "UPDATE inboxes SET last_sequence = 2")
    club = make_club()
    await save(club, make_membership(club, ada), make_review(event, ada))
    await save(make_notification(ada, 2))
    before = await broken(ports)

    await run_sql(ports, damage)

    found = await broken(ports)
    assert before == []
    assert (expected in found) if expected else (found == [])


async def test_a_stranger_in_the_chat_is_found(client, save, ports):
    ada, event = await an_event(save)
    chat = make_chat(kind=ChatKind.EVENT, event_id=event.id)
    await save(chat)
    await client(ada).execute(REGISTER, eventId=event)

    await run_sql(ports, "UPDATE registrations SET admission = 'CANCELLED'")

    assert await broken(ports) == ["only participants are in the chat"]


async def test_a_place_of_someone_put_out_is_found(save, ports):
    club = make_club()
    await save(club)
    ada, event = await an_event(save, club_id=club.id)
    await save(make_registration(event, ada), make_membership(club, ada))

    before = await broken(ports)
    await run_sql(ports, "UPDATE club_memberships SET state = 'BANNED'")

    assert before == []
    assert await broken(ports) == ["who was put out of a club has no place"]


async def test_oversells_and_misfits_are_found_though_no_constraint_lets_them_in(save, ports):
    _, event = await an_event(save, capacity=2)
    await services_of(save, event, {"capacity": 2})
    lifted = ["ALTER TABLE {0} DROP CONSTRAINT ck_{0}_taken_within_capacity", "UPDATE {0} SET taken = 3"]

    async with ports.database.engine.connect() as connection:
        for table in ("events", "services"):
            for statement in lifted:
                await connection.execute(text(statement.format(table)))
        await connection.execute(text("ALTER TABLE services DISABLE TRIGGER USER"))
        await connection.execute(text("UPDATE services SET capacity = 9"))
        await connection.execute(text("ALTER TABLE events DISABLE TRIGGER USER"))
        found = [(await connection.execute(INVARIANTS[name])).all() for name in INVARIANTS]
        await connection.rollback()

    names = {name for name, some in zip(INVARIANTS, found, strict=True) if some}
    assert names >= {"event is not oversold", "service is not larger than its event"}
    assert await broken(ports) == []


async def test_counts_equal_rows_after_a_long_random_sequence(client, save, ports):
    """Seeded, so that a failure can be repeated."""
    chance = random.Random(2026)
    _, direct = await an_event(save, capacity=3)
    _, offered = await an_event(save, capacity=4)
    services = await services_of(save, offered, {"capacity": 2}, {"capacity": 3}, {"capacity": 4})
    people = [make_user() for _ in range(6)]
    volunteer = make_user(role=Role.VOLUNTEER)
    await save(*people, volunteer)
    await save(*(make_chat(kind=ChatKind.EVENT, event_id=event.id) for event in (direct, offered)))

    async def step(person):
        match chance.randrange(6):
            case 0:
                return await client(person).execute(REGISTER, eventId=direct)
            case 1:
                return await client(person).execute(CANCEL, eventId=chance.choice([direct, offered]))
            case 2 | 3:
                chosen = chance.sample(services, chance.randint(1, 3))
                return await client(person).execute(BOOK, serviceIds=chosen)
            case 4:
                chosen = chance.sample(services, chance.randint(1, 2))
                return await client(volunteer).execute(BOOK, serviceIds=chosen, onBehalfOf=person)
            case _:
                answer = await client(person).run("{ viewer { bookings { nodes { id } } } }")
                nodes = answer.data["viewer"]["bookings"]["nodes"]
                if not nodes:
                    return answer
                return await client(person).execute(CANCEL_BOOKING, bookingId=chance.choice(nodes)["id"])

    most = 0
    for number in range(120):
        answer = await step(chance.choice(people))
        assert answer.errors == []
        if number % 20 == 19:
            assert await broken(ports) == []
        most = max(most, sum(row.taken for row in await rows(ports, Event)))

    assert most == 7
    assert await broken(ports) == []
