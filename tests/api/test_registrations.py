from __future__ import annotations

from models import Admission, Registration
from tests.clients import codes
from tests.factories import make_category, make_event, make_user, make_venue

REGISTER = """
mutation ($input: RegisterForEventInput!) {
  registerForEvent(input: $input) {
    registration { admission event { availability { taken free } } }
    errors { code path }
  }
}
"""
CANCEL = """
mutation ($input: CancelRegistrationInput!) {
  cancelRegistration(input: $input) { registration { admission } errors { code } }
}
"""


async def test_registering_takes_a_place(client, save, count):
    ada, event = await an_event(save, capacity=2)

    answer = await client(ada).execute(REGISTER, eventId=event)

    assert answer.data["registerForEvent"] == {
        "registration": {"admission": "CONFIRMED", "event": {"availability": {"taken": 1, "free": 1}}},
        "errors": [],
    }
    assert await count(Registration, Registration.admission == Admission.CONFIRMED) == 1


async def test_the_last_place_goes_once(client, save):
    ada, event = await an_event(save, capacity=1)
    bob = make_user()
    await save(bob)
    await client(ada).execute(REGISTER, eventId=event)

    answer = await client(bob).execute(REGISTER, eventId=event)

    assert codes(answer, "registerForEvent") == ["FULL"]


async def test_coming_back_revives_the_registration(client, save, count):
    ada, event = await an_event(save, capacity=1)
    await client(ada).execute(REGISTER, eventId=event)
    await client(ada).execute(CANCEL, eventId=event)

    answer = await client(ada).execute(REGISTER, eventId=event)

    assert codes(answer, "registerForEvent") == []
    assert await count(Registration) == 1


async def test_a_key_has_one_effect_and_one_answer(client, save, count):
    ada, event = await an_event(save, capacity=5)
    first = await client(ada).execute(REGISTER, eventId=event, idempotencyKey="register-once")

    second = await client(ada).execute(REGISTER, eventId=event, idempotencyKey="register-once")

    assert second.data == first.data
    assert await count(Registration) == 1


async def test_a_guest_is_refused(client, save, count):
    _, event = await an_event(save)

    answer = await client().execute(REGISTER, eventId=event)

    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert answer.data == {"registerForEvent": None}
    assert await count(Registration) == 0


async def an_event(save, **values):
    ada, category, venue = make_user(), make_category(), make_venue()
    event = make_event(ada, category, venue, **values)
    await save(ada, category, venue)
    await save(event)
    return ada, event
