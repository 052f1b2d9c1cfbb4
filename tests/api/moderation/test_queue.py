from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from models import AuditEntry, Event, EventStatus, ModerationItem, ModerationState, Notification, OutboxEvent, Role
from tests.api.events.event_worlds import CANCEL, PUBLISH, a_world, outcome
from tests.clients import codes, gid
from tests.factories import in_days, make_event, make_host, make_user

QUEUE = """
query ($filter: ModerationFilter, $first: Int) {
  moderationQueue(filter: $filter, first: $first) {
    nodes { id state reason event { title status category { slug } } submittedBy { handle } decidedBy { handle } }
    totalCount
  }
}
"""
DECIDE = """
mutation ($input: DecideModerationItemInput!) {
  decideModerationItem(input: $input) { item { state reason event { status } } errors { code path } }
}
"""
ROLES = ("signed_out", "stranger", "member", "organiser", "volunteer", "moderator", "admin")
MAY = dict.fromkeys(ROLES, "FORBIDDEN") | {"signed_out": "UNAUTHENTICATED", "moderator": "DONE", "admin": "DONE"}


async def a_submission(client, save, ports, **values):
    """An event that its organiser, who is no host of its club, has put before a moderator."""
    world = await a_world(save, status=EventStatus.DRAFT, published_at=None, **values)
    await client(world.user("organiser")).execute(PUBLISH, eventId=world.event)
    async with ports.database.reading() as session:
        item = (await session.scalars(select(ModerationItem))).one()
    return world, item


async def test_the_queue_shows_what_waits(client, save, ports):
    world, item = await a_submission(client, save, ports)

    answer = await client(world.user("moderator")).run(QUEUE)

    assert answer.data["moderationQueue"]["nodes"] == [
        {
            "id": gid(item),
            "state": "PENDING",
            "reason": None,
            "event": {
                "title": world.event.title,
                "status": "PENDING_REVIEW",
                "category": {"slug": world.category.slug},
            },
            "submittedBy": {"handle": world.user("organiser").handle},
            "decidedBy": None,
        }
    ]


async def test_an_approved_event_goes_out_and_its_author_hears(client, save, ports, count):
    world, item = await a_submission(client, save, ports)

    answer = await client(world.user("moderator")).execute(DECIDE, itemId=item, decision="APPROVE")

    async with ports.database.reading() as session:
        notice = (await session.scalars(select(Notification))).one()
    assert answer.data["decideModerationItem"] == {
        "item": {"state": "APPROVED", "reason": None, "event": {"status": "PUBLISHED"}},
        "errors": [],
    }
    assert (notice.type.value, notice.user_id) == ("EVENT_APPROVED", world.user("organiser").id)
    assert await count(OutboxEvent, OutboxEvent.name == "event.published") == 1
    assert await count(AuditEntry, AuditEntry.action == "moderation.decide") == 1


async def test_a_rejected_event_goes_back_with_a_reason_and_may_come_again(client, save, ports, count):
    world, item = await a_submission(client, save, ports)
    moderator = client(world.user("moderator"))

    without = await moderator.execute(DECIDE, itemId=item, decision="REJECT")
    answer = await moderator.execute(DECIDE, itemId=item, decision="REJECT", reason="Where is it?")
    async with ports.database.reading() as session:
        notice = (await session.scalars(select(Notification))).one()
    again = await client(world.user("organiser")).execute(PUBLISH, eventId=world.event)

    assert without.data["decideModerationItem"]["errors"] == [{"code": "REQUIRED", "path": ["reason"]}]
    assert answer.data["decideModerationItem"]["item"] == {
        "state": "REJECTED",
        "reason": "Where is it?",
        "event": {"status": "DRAFT"},
    }
    assert (notice.type.value, notice.params["reason"]) == ("EVENT_REJECTED", "Where is it?")
    assert again.data["publishEvent"]["event"] == {"status": "PENDING_REVIEW"}
    assert await count(ModerationItem) == 2


async def test_two_moderators_do_not_decide_one_item(client, save, ports, count):
    world, item = await a_submission(client, save, ports)

    answers = await asyncio.gather(
        client(world.user("moderator")).execute(DECIDE, itemId=item, decision="APPROVE"),
        client(world.user("admin")).execute(DECIDE, itemId=item, decision="REJECT", reason="No"),
    )

    assert sorted(outcome(answer, "decideModerationItem") for answer in answers) == ["ALREADY_DECIDED", "DONE"]
    assert await count(Notification) == 1


async def test_a_cancelled_event_no_longer_waits(client, save, ports):
    world, item = await a_submission(client, save, ports)
    await client(world.user("organiser")).execute(CANCEL, eventId=world.event)

    answer = await client(world.user("moderator")).execute(DECIDE, itemId=item, decision="APPROVE")

    assert codes(answer, "decideModerationItem") == ["ALREADY_DECIDED"]


@pytest.mark.parametrize("who", ROLES)
async def test_who_may_moderate(client, save, ports, count, who):
    world, item = await a_submission(client, save, ports)

    queue = await client(world.user(who)).run(QUEUE)
    answer = await client(world.user(who)).execute(DECIDE, itemId=item, decision="APPROVE")

    expected = MAY[who]
    assert queue.error_codes == ([] if expected == "DONE" else [expected])
    assert outcome(answer, "decideModerationItem") == expected
    assert await count(Event, Event.status == EventStatus.PENDING_REVIEW) == (0 if expected == "DONE" else 1)


async def test_an_author_may_read_their_own_item_and_strangers_may_not(client, save, ports):
    world, item = await a_submission(client, save, ports)
    document = "query ($id: ID!) { node(id: $id) { ... on ModerationItem { state } } }"

    own = await client(world.user("organiser")).run(document, id=item)
    other = await client(world.user("stranger")).run(document, id=item)

    assert (own.data["node"], other.data["node"]) == ({"state": "PENDING"}, None)


@pytest.mark.parametrize("number", [10, 100])
async def test_the_queue_takes_as_many_statements_for_many(client, save, number):
    world = await a_world(save)
    moderator = make_user(role=Role.MODERATOR)
    events = [
        make_event(world.user("organiser"), world.category, world.venue, status=EventStatus.PENDING_REVIEW)
        for _ in range(number)
    ]
    await save(moderator, *events)
    await save(
        *(make_host(event, world.user("organiser")) for event in events),
        *(
            ModerationItem(
                event_id=event.id,
                submitted_by_id=world.user("organiser").id,
                state=ModerationState.PENDING,
                created_at=in_days(-1),
            )
            for event in events
        ),
    )

    answer = await client(moderator).run(QUEUE, first=100)

    assert len(answer.data["moderationQueue"]["nodes"]) == number
    assert len(answer.statements) <= 5


async def test_a_refused_queue_leaves_the_other_fields_their_answers(client, ports):
    answer = await client().run("{ moderationQueue { totalCount } viewer { email } __typename }")

    assert answer.data == {"moderationQueue": None, "viewer": None, "__typename": "Query"}
    assert answer.error_codes == ["UNAUTHENTICATED"]
