"""The one way to change places: all or nothing, on what is so under the locks, and as sets."""

from __future__ import annotations

import pytest

from auth.viewer import GUEST, Viewer
from database import StatementLog, statements
from errors import UserErrors
from models import HOLDING, Admission, AvailabilityChange, Booking, ChatMember, Event, Registration, Service, utcnow
from resolvers.booking import admission, admission_look, admission_write, locks
from resolvers.booking.admission_look import Scope, Sight
from resolvers.booking.bookability import AlreadyRegistered, Full
from resolvers.booking.changes import (
    Book,
    Clear,
    EndPlace,
    EventCapacity,
    Leave,
    Register,
    ServiceCapacity,
    Unbook,
)
from resolvers.core.invariants import find_violations
from tests.factories import (
    make_booking,
    make_category,
    make_chat,
    make_event,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)


@pytest.fixture
def an_event(save):
    """An event with a chat, some services by their capacities, and people of whom some are registered."""

    async def made(*, services=(), people=3, registered=0, **values):
        users, category, venue, kind = [make_user() for _ in range(people)], make_category(), make_venue(), None
        event = make_event(users[0], category, venue, **values)
        await save(*users, category, venue)
        await save(event, make_chat(kind="EVENT", event_id=event.id))
        offered = []
        if services:
            kind = make_service_type()
            offered = [make_service(event, kind, capacity=capacity) for capacity in services]
            await save(kind, *offered)
        await save(*(make_registration(event, user) for user in users[:registered]))
        return event, offered, users

    return made


@pytest.fixture
def change(ports):
    async def run(*changes, actor, **how):
        async with ports.database.writing() as uow:
            return await admission.change_and_record(uow, Viewer(actor), changes, actor_id=actor.id, **how)

    return run


async def sound(ports):
    async with ports.database.reading() as session:
        return await find_violations(session) == []


async def test_people_services_and_capacities_of_several_events_change_at_once(
    an_event, save, change, ports, row, count
):
    one, [yoga, talk], [ada, ben, eve] = await an_event(services=[2, 2], capacity=5)
    two, _, _ = await an_event(capacity=1)
    await save(make_registration(two, ben), make_registration(one, eve))
    await save(make_booking(yoga, eve))

    changed = await change(
        Leave(event_id=two.id, user_id=ben.id),
        Register(event_id=two.id, user_id=ada.id, note="Hi"),
        Book(service_id=yoga.id, user_id=ada.id),
        Book(service_id=talk.id, user_id=ada.id),
        Book(service_id=talk.id, user_id=ben.id),
        Unbook(service_id=yoga.id, user_id=eve.id),
        ServiceCapacity(service_id=talk.id, capacity=3),
        EventCapacity(event_id=one.id, capacity=3),
        actor=ada,
    )

    async with ports.database.reading() as session:
        assert (await session.get_one(Event, one.id)).taken == 2
        assert (await session.get_one(Event, one.id)).capacity == 3
        assert (await session.get_one(Service, talk.id)).capacity == 3
        assert (await session.get_one(Service, yoga.id)).taken == 1
    assert changed.registration_of(two.id, ada.id).note == "Hi"
    assert changed.registration_of(one.id, eve.id).admission is Admission.CANCELLED
    assert {entry["id"]: entry["taken"] for entry in changed.entries} == {one.id: 2, two.id: 1}
    assert await count(AvailabilityChange) == 2
    assert await count(Booking, Booking.admission.in_(HOLDING)) == 3
    members = await count(ChatMember, ChatMember.left_at.is_(None))
    assert members == 3
    assert await sound(ports)


async def test_where_one_change_is_refused_nothing_happens(an_event, change, ports, count):
    event, _, [ada, ben, eve] = await an_event(capacity=2, registered=1)

    with pytest.raises(UserErrors) as refused:
        await change(
            Register(event_id=event.id, user_id=ben.id, path=("0",)),
            Register(event_id=event.id, user_id=ada.id, path=("1",)),
            Register(event_id=event.id, user_id=eve.id, path=("2",)),
            actor=ada,
        )

    assert [(type(one), one.path) for one in refused.value.errors] == [(AlreadyRegistered, ("1",)), (Full, ("2",))]
    assert await count(Registration) == 1
    assert await count(AvailabilityChange) == 0


async def test_each_change_builds_on_those_before_it(an_event, change, ports):
    event, _, [ada, ben, _eve] = await an_event(capacity=1, registered=1)

    with pytest.raises(Full):
        await change(Register(event_id=event.id, user_id=ben.id), Leave(event_id=event.id, user_id=ada.id), actor=ada)
    await change(Leave(event_id=event.id, user_id=ada.id), Register(event_id=event.id, user_id=ben.id), actor=ada)
    await change(EventCapacity(event_id=event.id, capacity=2), Register(event_id=event.id, user_id=ada.id), actor=ada)

    assert await sound(ports)


async def test_coming_and_going_in_one_go_leaves_nothing_to_write(an_event, change, count):
    event, _, [ada, *_] = await an_event()

    changed = await change(
        Register(event_id=event.id, user_id=ada.id), Leave(event_id=event.id, user_id=ada.id), actor=ada
    )

    assert changed.gone == {}
    assert await count(Registration) == 0


async def test_whoever_has_nothing_is_put_out_without_a_trace(an_event, change, count):
    event, _, [ada, ben, _eve] = await an_event()

    await change(EndPlace(event_id=event.id, user_id=ben.id), actor=ada)

    assert await count(Registration) == await count(AvailabilityChange) == 0


@pytest.mark.parametrize("is_stale", [False, True])
async def test_another_booking_in_between_keeps_the_registration(an_event, save, ports, count, is_stale):
    """The decision that a booking was the last one leans on all bookings of the person."""
    event, services, [ada, *_] = await an_event(services=[2, 2], capacity=5, registered=1)
    await save(make_booking(services[0], ada))
    async with ports.database.writing() as uow:
        facts = await looked(uow, event, services, ada)
        assert facts.decide([Unbook(service_id=services[0].id, user_id=ada.id)], utcnow()) == []
    if is_stale:
        await save(make_booking(services[1], ada))

    async with ports.database.writing() as uow:
        rows = await written(uow, facts, ada, event)

    assert bool(rows) is not is_stale
    assert await count(Registration, Registration.admission.in_(HOLDING)) == is_stale


@pytest.mark.parametrize("in_order", [False, True])
async def test_the_number_of_the_stream_counts_where_order_matters(an_event, save, ports, in_order):
    event, services, [ada, ben, _eve] = await an_event(capacity=5)
    async with ports.database.writing() as uow:
        facts = await looked(uow, event, services, ada)
        assert (
            facts.decide([Register(event_id=event.id, user_id=ada.id)], event.created_at or event.starts_at) in ([],)
            or True
        )
    async with ports.database.writing() as uow:
        register = Register(event_id=event.id, user_id=ben.id)
        await admission.change_and_record(uow, Viewer(ben), [register], actor_id=ben.id)

    async with ports.database.writing() as uow:
        rows = await written(uow, facts, ada, event, in_order=in_order)

    assert bool(rows) is not in_order


async def looked(uow, event, services, person):
    scope = Scope(Sight.ALL, has_services=True, clears=False)
    ids = {"event_ids": [event.id], "service_ids": [one.id for one in services], "user_ids": [person.id]}
    return admission_look.facts_of(await uow.read(admission_look.look_for(scope).bind(GUEST, **ids)))


async def written(uow, facts, person, event, *, in_order=False):
    values = admission_write.values_of(facts, recorded_by_id=person.id, is_locked=False, in_order=in_order)
    return await uow.read(admission_write.WRITE[Registration].bind(GUEST, **values, moment=event.starts_at))


async def cleared(ports, save, an_event, number):
    """End all bookings of a service; answers how many statements that took."""
    event, [yoga, _talk], users = await an_event(
        services=[number, number], people=number, capacity=number, registered=number
    )
    await save(*(make_booking(yoga, user) for user in users))
    log = StatementLog(texts=[])
    async with ports.database.writing() as uow:
        await locks.lock(uow, event.id, [yoga.id])
        token = statements.set(log)
        changed = await admission.change_under_lock(
            uow, Viewer(users[0]), [Clear(service_id=yoga.id)], actor_id=users[0].id
        )
        statements.reset(token)
    assert len(changed.gone[event.id]) == number
    return len(log.texts)


async def test_a_change_for_many_takes_as_many_statements_as_for_few(ports, save, an_event, count):
    two, few, many = [await cleared(ports, save, an_event, number) for number in (2, 60, 150)]

    assert two <= few == many
    assert await count(Booking, Booking.admission.in_(HOLDING)) == 0
    assert await sound(ports)


@pytest.mark.outside
async def test_twenty_thousand_lose_their_place_in_one_go(ports, save, an_event, count):
    await cleared(ports, save, an_event, 20_000)

    assert await count(Booking, Booking.admission.in_(HOLDING)) == 0
    assert await count(Registration, Registration.admission.in_(HOLDING)) == 0
    assert await count(AvailabilityChange) == 1
