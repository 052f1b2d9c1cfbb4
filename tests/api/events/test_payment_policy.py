"""Until there are tickets, a price is paid at the door, and everyone is told so beforehand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models import Admission
from tests.api.booking.test_registrations import REGISTER as REGISTER_ONLY
from tests.api.booking.test_registrations import an_event
from tests.factories import make_registration, make_user

POLICY = "query ($id: ID!) { event(id: $id) { paymentPolicy priceFrom { amount currency } } }"
REGISTER = """
mutation ($input: RegisterForEventInput!) {
  registerForEvent(input: $input) {
    registration { amountDue { amount currency } event { paymentPolicy } }
    errors { code }
  }
}
"""
OWN = "{ viewer { registrations { nodes { amountDue { amount currency } } } notifications { nodes { body } } } }"


@pytest.mark.parametrize(("amount", "policy"), [("0", "FREE"), ("0.01", "AT_THE_DOOR"), ("1500", "AT_THE_DOOR")])
async def test_an_event_says_how_it_is_paid_for(client, save, amount, policy):
    _, event = await an_event(save, price_amount=Decimal(amount))

    answer = await client().run(POLICY, id=event)

    assert answer.data["event"]["paymentPolicy"] == policy


async def test_who_registers_is_told_what_to_pay_at_the_door(client, save):
    ada, event = await an_event(save, price_amount=Decimal("1500.50"), price_currency="RUB")

    answer = await client(ada).execute(REGISTER, eventId=event)
    russian = await client(ada, language="ru").run(OWN)
    english = await client(ada).run(OWN)

    due = {"amount": "1500.50", "currency": "RUB"}
    assert answer.data["registerForEvent"]["registration"] == {
        "amountDue": due, "event": {"paymentPolicy": "AT_THE_DOOR"},
    }  # fmt: skip
    assert english.data["viewer"]["registrations"]["nodes"] == [{"amountDue": due}]
    assert "To pay at the door: RUB\u00a01,500.50." in english.data["viewer"]["notifications"]["nodes"][0]["body"]
    assert "Оплата на месте: 1\u00a0500,50\u00a0₽." in russian.data["viewer"]["notifications"]["nodes"][0]["body"]


async def test_nothing_is_due_at_a_free_event_or_without_a_place(client, save):
    ada, free = await an_event(save)
    bob, paid = await an_event(save, price_amount=Decimal(10))
    await save(make_registration(paid, bob, admission=Admission.CANCELLED))

    await client(ada).execute(REGISTER_ONLY, eventId=free)
    answers = [await client(one).run(OWN) for one in (ada, bob)]

    assert [one.data["viewer"]["registrations"]["nodes"] for one in answers] == [[{"amountDue": None}]] * 2
    assert "pay" not in answers[0].data["viewer"]["notifications"]["nodes"][0]["body"]


async def test_a_stranger_does_not_read_what_someone_owes(client, save):
    ada, event = await an_event(save, price_amount=Decimal(10))
    other, registration = make_user(), make_registration(event, ada)
    await save(other, registration)

    answer = await client(other).run("query ($id: ID!) { node(id: $id) { id } }", id=registration)

    assert answer.data["node"] is None
