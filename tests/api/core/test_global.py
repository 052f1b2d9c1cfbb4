"""What every operation shares: ids, pages, languages, idempotency keys."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from sqlalchemy import update

from app import make_ports
from models import (
    Club,
    ClubMembership,
    ClubRole,
    ClubVisibility,
    IdempotencyKey,
    MembershipState,
    Registration,
    utcnow,
    uuid7,
)
from schema.core import ids
from schema.people.sessions import SignInInput
from tests.api.booking.test_registrations import REGISTER, an_event
from tests.clients import Client, codes, gid
from tests.factories import in_days, make_category, make_club, make_event, make_membership, make_user, make_venue

NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on Event { title } } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
EVENTS = """
query ($first: Int, $after: String, $last: Int, $before: String) {
  events(first: $first, after: $after, last: $last, before: $before) {
    nodes { title } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def test_a_node_is_read_by_its_id(client, save):
    _, event = await an_event(save, title="Jazz")

    answer = await client().run(NODE, id=event)

    assert answer.data["node"] == {"__typename": "Event", "id": gid(event), "title": "Jazz"}


async def test_a_missing_and_a_hidden_node_look_alike(client, save):
    _, draft = await an_event(save, status="DRAFT")

    hidden = await client().run(NODE, id=draft)
    missing = await client().run(NODE, id=ids.encode("Event", uuid7()))

    assert hidden.data == missing.data == {"node": None}
    assert hidden.errors == missing.errors == []


@pytest.mark.parametrize(
    "id",
    [
        "",
        "x",
        "Event:1",
        "ы",
        urlsafe_b64encode(b"Event:" + b"1" * 15).decode(),
        ids.encode("Session", UUID(int=1)) + "A",
    ],
)
async def test_a_malformed_id_is_named_and_leaks_nothing(client, ports, id):
    answer = await client().run(NODE, id=id)

    assert answer.error_codes == ["BAD_USER_INPUT"]
    assert answer.errors[0]["extensions"]["reason"] == "INVALID_ID"


async def test_nodes_keep_their_order_and_are_read_together(client, save):
    ada, category, venue = make_user(), make_category(), make_venue()
    await save(ada, category, venue)
    events = [make_event(ada, category, venue) for _ in range(10)]
    await save(*events)
    wanted = [gid(event) for event in reversed(events)] + [ids.encode("Event", uuid7())]

    answer = await client().run(NODES, ids=wanted)

    assert [node and node["id"] for node in answer.data["nodes"]] == [*wanted[:-1], None]
    assert len(answer.statements) == 1


async def test_pages_go_both_ways_and_meet(client, save):
    ada, category, venue = make_user(), make_category(), make_venue()
    await save(ada, category, venue)
    # Equal times: the id decides, on every page alike.
    await save(*[make_event(ada, category, venue, title=str(n), starts_at=in_days(3 + n // 4)) for n in range(10)])

    forward, cursor = [], None
    while True:
        page = (await client().run(EVENTS, first=3, after=cursor)).data["events"]
        forward += [node["title"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    backward, cursor = [], None
    while True:
        page = (await client().run(EVENTS, last=3, before=cursor)).data["events"]
        backward = [node["title"] for node in page["nodes"]] + backward
        cursor = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break

    assert forward == backward
    assert sorted(forward, key=int) == [str(n) for n in range(10)]
    assert page["totalCount"] == 10


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 101},
        {"first": -1},
        {"last": 101},
        {"first": 1, "last": 1},
        {"after": "x"},
        {"after": "W10"},
        {"before": "!"},
    ],
)
async def test_a_wrong_page_is_refused(client, ports, arguments):
    answer = await client().run(EVENTS, **arguments)

    assert answer.error_codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    ("language", "message"), [("ru", "Сначала войдите."), ("en", "Sign in first."), ("de", "Sign in first.")]
)
async def test_messages_are_in_the_callers_language(client, save, language, message):
    _, event = await an_event(save)

    answer = await client(language=language).execute(REGISTER, eventId=event)

    assert answer.errors[0]["message"] == message


async def test_without_a_header_the_users_own_language_counts(client, save):
    ada, event = await an_event(save, capacity=1)
    bob = make_user(locale="ru")
    await save(bob)
    await client(ada).execute(REGISTER, eventId=event)
    message = "{ registerForEvent(input: $input) { errors { message } } }"

    answer = await client(bob, language="").execute(
        f"mutation ($input: RegisterForEventInput!) {message}", eventId=event
    )

    assert answer.data["registerForEvent"]["errors"] == [{"message": "Мест нет: занято 1 из 1."}]


async def test_a_key_with_another_input_is_refused(client, save, count):
    ada, event = await an_event(save)
    _, other = await an_event(save)
    await client(ada).execute(REGISTER, eventId=event, idempotencyKey="one-key-only")

    answer = await client(ada).execute(REGISTER, eventId=other, idempotencyKey="one-key-only")

    assert codes(answer, "registerForEvent") == ["IDEMPOTENCY_KEY_REUSED"]
    assert await count(Registration) == 1


async def test_a_key_belongs_to_its_user(client, save, count):
    ada, event = await an_event(save)
    bob = make_user()
    await save(bob)
    await client(ada).execute(REGISTER, eventId=event, idempotencyKey="the-same-key")

    answer = await client(bob).execute(REGISTER, eventId=event, idempotencyKey="the-same-key")

    assert codes(answer, "registerForEvent") == []
    assert await count(Registration) == 2


async def test_a_refusal_is_answered_again_even_when_it_would_now_succeed(client, save, count):
    ada, event = await an_event(save, capacity=1)
    bob = make_user()
    await save(bob)
    await client(ada).execute(REGISTER, eventId=event)
    first = await client(bob).execute(REGISTER, eventId=event, idempotencyKey="bob-tries-once")
    await client(ada).execute(
        "mutation ($input: CancelRegistrationInput!) { cancelRegistration(input: $input) { errors { code } } }",
        eventId=event,
    )

    second = await client(bob).execute(REGISTER, eventId=event, idempotencyKey="bob-tries-once")

    assert codes(first, "registerForEvent") == ["FULL"]
    assert second.data == first.data


async def test_a_key_is_forgotten_after_a_day(client, save, count):
    ada, event = await an_event(save)
    stale = IdempotencyKey(
        scope=str(ada.id),
        key="yesterdays-key",
        operation="register_for_event",
        input_hash="of another input",
        answer=None,
        created_at=utcnow() - timedelta(hours=25),
    )
    await save(stale)

    answer = await client(ada).execute(REGISTER, eventId=event, idempotencyKey="yesterdays-key")

    assert codes(answer, "registerForEvent") == []
    assert await count(Registration) == 1


async def test_a_short_key_is_refused(client, save):
    ada, event = await an_event(save)

    answer = await client(ada).execute(REGISTER, eventId=event, idempotencyKey="x")

    assert codes(answer, "registerForEvent") == ["INVALID"]


async def test_a_repeat_shows_nothing_that_its_caller_may_no_longer_see(client, save, ports):
    ada, club = make_user(), make_club(visibility=ClubVisibility.PRIVATE)
    await save(ada, club)
    membership = make_membership(club, ada, role=ClubRole.OWNER)
    await save(membership)
    rename = """mutation ($input: UpdateClubInput!) { updateClub(input: $input) { club { name } errors { code } } }"""
    given = {"clubId": club, "expectedVersion": 1, "name": "Ours", "idempotencyKey": "rename-it-once"}
    first = await client(ada).execute(rename, **given)
    async with ports.database.writing() as uow:
        await uow.session.execute(
            update(ClubMembership).where(ClubMembership.id == membership.id).values(state=MembershipState.REJECTED)
        )
        await uow.session.execute(update(Club).where(Club.id == club.id).values(name="Without Ada"))

    second = await client(ada).execute(rename, **given)

    assert first.data == {"updateClub": {"club": {"name": "Ours"}, "errors": []}}
    assert second.data == {"updateClub": {"club": None, "errors": []}}


async def test_what_is_kept_of_an_input_cannot_be_tried_out_without_our_secret(client, save, ports):
    given = SignInInput(idempotency_key="sign-in-with-it", login="ada", password="wrong, but a secret")
    sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { errors { code } } }"

    await client().execute(sign_in, login=given.login, password=given.password, idempotencyKey=given.idempotency_key)

    async with ports.database.reading() as session:
        kept = await session.get_one(IdempotencyKey, ("guest", given.idempotency_key))
    assert kept.input_hash != sha256(repr(given).encode()).hexdigest()
    assert [kept.input_hash] == ports.sealer.marks("marked inputs", repr(given).encode())


async def test_many_repeatable_calls_at_once_do_not_wait_for_each_other_without_end(schema, settings):
    ports = make_ports(replace(settings, database_pool_size=4, operation_timeout=5.0))
    sign_in = "mutation ($input: SignInInput!) { signIn(input: $input) { errors { code } } }"
    guest = Client(schema, ports, None, "en")

    async def one(number):
        answer = await guest.execute(
            sign_in, login=f"nobody{number}", password="wrong-password", idempotencyKey=f"key-number-{number}"
        )
        return answer.error_codes or codes(answer, "signIn")

    found = await asyncio.gather(*(one(number) for number in range(16)))
    await ports.database.dispose()

    assert found == [["INVALID_CREDENTIALS"]] * 16
