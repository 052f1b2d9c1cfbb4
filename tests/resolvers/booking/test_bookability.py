"""What reads show and what writes obey is one answer, whatever the facts are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from errors import NotFound
from models import HOLDING, TAKING_PART, Admission, EventStatus, uuid7
from resolvers.booking import bookability
from resolvers.booking.admission_look import facts_of
from resolvers.booking.bookability import REFUSALS, Applicant, BookableState
from resolvers.booking.changes import Book, Clear, EndPlace, EventCapacity, Leave, Register, ServiceCapacity, Unbook

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
EVENT, SERVICES, PEOPLE = uuid7(), [uuid7(), uuid7()], [uuid7(), uuid7(), uuid7()]
moments = st.sampled_from([-48, -1, 0, 1, 48]).map(lambda hours: NOW + timedelta(hours=hours))
entries = st.sampled_from(["OPEN", "OPEN", "MEMBERS_ONLY", "RESTRICTED"])


class Row(dict):
    """A row of a look, as asyncpg gives it."""

    __getattr__ = dict.__getitem__


@st.composite
def looks(draw):
    """Rows as `admission.looking` answers them. `taken` is what the people hold, and perhaps what others do."""
    services = [
        [
            str(one), str(uuid7()), draw(moments).isoformat(), (NOW + timedelta(hours=50)).isoformat(),
            draw(st.integers(1, 3)), 0, draw(st.sampled_from([None, 0, 1, 3])), draw(st.booleans()), NOW.isoformat(),
        ]
        for one in SERVICES[: draw(st.integers(0, 2))]
    ]  # fmt: skip
    people, held = [], 0
    for person in PEOPLE:
        admission = draw(st.sampled_from([None, *Admission]))
        bookings = []
        for service in services:
            booking = draw(st.sampled_from([None, *Admission])) if admission else None
            # Whoever has booked is registered.
            if booking in HOLDING and admission not in HOLDING:
                booking = Admission.CANCELLED
            if booking:
                bookings.append([service[0], str(uuid7()), booking.value])
                service[5] += booking in HOLDING
        held += admission in HOLDING
        id = str(uuid7()) if admission else None
        people.append([str(person), id, admission and admission.value, draw(entries), bookings])
    for service in services:
        service[4] = max(service[4], service[5])
    capacity = None
    if services or draw(st.booleans()):
        capacity = max(held, draw(st.integers(1, 4)), *(one[4] for one in services), 1)
    return Row(
        id=EVENT,
        status=draw(st.sampled_from(EventStatus)),
        time_zone="Europe/Moscow",
        starts_at=draw(moments),
        ends_at=draw(moments),
        capacity=capacity,
        taken=held,
        updated_at=NOW,
        availability_sequence=0,
        offered=[SERVICES[place] for place, one in enumerate(services) if not one[7]],
        services=services,
        people=people,
    )


def shown(facts, event, person, service=None):
    """What the fields of the schema answer, of rows that say the same as the facts do."""
    standing = SimpleNamespace(
        admission=person.registration.admission and person.registration.admission.value, entry=person.entry.value
    )
    row = SimpleNamespace(**{
        name: getattr(event, name) for name in ("status", "time_zone", "starts_at", "ends_at", "capacity", "taken")
    })  # fmt: skip
    if service is None:
        offers_services = bool(event.offered)
        return bookability.registration_standing(row, Applicant.of(standing), offers_services=offers_services, now=NOW)
    booking = person.bookings.get(service.id)
    held = SimpleNamespace(admission=booking.admission) if booking and booking.admission else None
    return bookability.booking_standing(row, service, known=Applicant.of(standing), booking=held, now=NOW)


def is_said(refusal, standing):
    if standing.code is BookableState.OPEN:
        return refusal is None
    return type(refusal) is (standing.cause or REFUSALS[standing.code])


def changes(services):
    people = st.sampled_from(PEOPLE)
    ended = st.sampled_from([Admission.CANCELLED, Admission.REJECTED])
    kinds = [
        st.builds(Register, event_id=st.just(EVENT), user_id=people),
        st.builds(Leave, event_id=st.just(EVENT), user_id=people),
        st.builds(EndPlace, event_id=st.just(EVENT), user_id=people, admission=ended),
        st.builds(EventCapacity, event_id=st.just(EVENT), capacity=st.none() | st.integers(1, 4)),
    ]  # fmt: skip
    if services:
        one = st.sampled_from(services)
        kinds += [
            st.builds(Book, service_id=one, user_id=people),
            st.builds(Unbook, service_id=one, user_id=people),
            st.builds(Clear, service_id=one),
            st.builds(ServiceCapacity, service_id=one, capacity=st.integers(1, 4)),
        ]
    return st.lists(st.one_of(kinds), max_size=6)


@settings(max_examples=400, deadline=None)
@given(st.data(), looks())
def test_each_change_is_judged_as_the_state_that_clients_are_shown(data, look):
    facts = facts_of([look])
    event = facts.events[EVENT]

    for change in data.draw(changes(list(facts.services))):
        if isinstance(change, Register):
            standing = shown(facts, event, facts.people[EVENT, change.user_id])
            assert is_said(facts.apply(change, NOW), standing)
        elif isinstance(change, Book):
            person, service = facts.people[EVENT, change.user_id], facts.services[change.service_id]
            standing = shown(facts, event, person, service)
            assert is_said(facts.apply(change, NOW), standing)
        else:
            facts.apply(change, NOW)
        check(facts, event)


def check(facts, event):
    """What holds after every change, refused or not."""
    people = facts.people.values()
    assert event.taken == sum(one.registration.admission in HOLDING for one in people)
    assert event.capacity is None or event.taken <= event.capacity
    for service in facts.services.values():
        held = [one for one in people if service.id in one.bookings and one.bookings[service.id].admission in HOLDING]
        assert service.taken == len(held) <= service.capacity
        assert all(one.registration.admission in HOLDING for one in held)
    for one in people:
        assert not (one.registration.has_come and one.registration.has_ended)
        assert one.registration.id is not None or one.registration.admission is None
        assert one.registration.has_ended <= (one.registration.admission not in TAKING_PART)


def test_what_is_hidden_is_said_alone():
    facts = facts_of([])

    found = facts.decide([Register(event_id=EVENT, user_id=PEOPLE[0], path=("eventId",))], NOW)

    assert [type(one) for one in found] == [NotFound]
