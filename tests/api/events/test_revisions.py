"""What a moderator has approved changes by a moderator only; the approved version stays out until then."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from jobs.events.lifecycle import archive_past
from models import (
    AuditEntry,
    Event,
    EventRevision,
    EventRole,
    EventStatus,
    ModerationItem,
    ModerationState,
    Notification,
    NotificationType,
    OutboxEvent,
    Role,
    Service,
    Venue,
)
from tests.api.events.event_worlds import ARCHIVE, CANCEL, DELETE, PUBLISH, a_world, outcome
from tests.clients import codes
from tests.factories import in_days, make_event, make_host, make_registration, make_service, make_user, make_venue

FIELDS = """
fragment Fields on EventRevision {
  id title description removesDescription startsAt endsAt movesServices reactivates state reason venue { name }
}
"""
UPDATE = (
    FIELDS
    + """
mutation ($input: UpdateEventInput!) {
  updateEvent(input: $input) {
    event { title description status version capacity startsAt venue { name } }
    revision { ...Fields }
    changedFields
    errors { code path }
  }
}
"""
)
DECIDE = """
mutation ($input: DecideModerationItemInput!) {
  decideModerationItem(input: $input) {
    item { state event { title startsAt venue { name } services { startsAt } } revision { title state } }
    errors { code path }
  }
}
"""
WITHDRAW = """
mutation ($input: WithdrawEventRevisionInput!) {
  withdrawEventRevision(input: $input) { revision { state } errors { code path } }
}
"""
SEEN = (
    FIELDS + "query ($id: ID!) { event(id: $id) { title pendingRevision { ...Fields } viewerRevision { ...Fields } } }"
)
QUEUE = "{ moderationQueue { nodes { event { title } revision { title venue { name } } } } }"
TRUST = """
mutation ($input: SetUserTrustedInput!) { setUserTrusted(input: $input) { user { isTrusted } errors { code } } }
"""


async def items(ports: Any) -> list[ModerationItem]:
    async with ports.database.reading() as session:
        return list(await session.scalars(select(ModerationItem).order_by(ModerationItem.id)))


async def told(ports: Any, type_: NotificationType) -> dict:
    async with ports.database.reading() as session:
        found = await session.scalars(select(Notification).where(Notification.type == type_))
        return {one.user_id: one.params for one in found}


async def propose(client: Any, world: Any, *, who: str = "organiser", version: int = 1, **changes: Any) -> Any:
    answer = await client(world.user(who)).execute(UPDATE, eventId=world.event, expectedVersion=version, **changes)
    assert answer.errors == []
    return answer.data["updateEvent"]


async def test_the_approved_version_stays_out(client, save, ports, count):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))

    payload = await propose(
        client, world, title="Another", description="Text", price={"amount": "5", "currency": "RUB"}
    )

    assert payload["errors"] == []
    assert (payload["event"]["title"], payload["event"]["description"]) == (world.event.title, None)
    assert payload["changedFields"] == ["price"]
    assert {name: payload["revision"][name] for name in ("title", "description", "startsAt", "state")} == {
        "title": "Another", "description": "Text", "startsAt": None, "state": "PENDING",
    }  # fmt: skip
    changed = await told(ports, NotificationType.EVENT_CHANGED)
    assert [one["field"] for one in changed[world.user("member").id]["changes"]] == ["price"]
    assert await count(OutboxEvent, OutboxEvent.name == "event.revision.submitted") == 1


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("signed_out", False), ("stranger", False), ("member", False), ("volunteer", False), ("organiser", True),
        ("club_owner", True), ("moderator", True), ("admin", True),
    ],
)  # fmt: skip
async def test_who_sees_what_is_proposed(client, save, who, sees):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))
    revision = (await propose(client, world, title="Another"))["revision"]

    event = await client(world.user(who)).run(SEEN, id=world.event)
    node = await client(world.user(who)).run("query ($id: ID!) { node(id: $id) { id } }", id=revision["id"])

    assert event.data["event"]["pendingRevision"] == (revision if sees else None)
    assert event.data["event"]["viewerRevision"] == (revision if who == "organiser" else None)
    assert event.data["event"]["title"] == world.event.title
    assert (node.data["node"] is not None) is sees


async def test_an_approved_change_is_carried_out_as_an_edit(client, save, ports, row, count):
    world = await a_world(save)
    await save(make_registration(world.event, world.user("member")))
    later = world.event.starts_at + timedelta(days=1)
    dates = {"startsAt": later.isoformat(), "endsAt": (later + timedelta(hours=4)).isoformat()}
    await propose(client, world, title="Another", newVenue={"name": "Elsewhere"}, moveServices=True, **dates)
    [item] = await items(ports)

    answer = await client(world.user("moderator")).execute(DECIDE, itemId=item, decision="APPROVE")

    assert answer.data["decideModerationItem"] == {
        "item": {
            "state": "APPROVED",
            "event": {
                "title": "Another", "startsAt": dates["startsAt"], "venue": {"name": "Elsewhere"},
                "services": [{"startsAt": dates["startsAt"]}],
            },
            "revision": {"title": "Another", "state": "APPROVED"},
        },
        "errors": [],
    }  # fmt: skip
    changed = await told(ports, NotificationType.EVENT_CHANGED)
    told_of = [one["field"] for one in changed[world.user("member").id]["changes"]]
    assert told_of == ["title", "startsAt", "endsAt", "venue"]
    assert set(await told(ports, NotificationType.EVENT_CHANGE_APPROVED)) == {world.user("organiser").id}
    assert (await row(Event, world.event.id)).version > 2
    assert await count(Service, Service.starts_at == later, Service.version == 2) == 1
    assert await count(AuditEntry) == 1


async def test_a_rejection_needs_a_reason_and_tells_it(client, save, ports):
    world = await a_world(save)
    await propose(client, world, title="Another")
    [item] = await items(ports)
    moderator = client(world.user("moderator"))

    without = await moderator.execute(DECIDE, itemId=item, decision="REJECT")
    answer = await moderator.execute(DECIDE, itemId=item, decision="REJECT", reason="Misleading")
    seen = await client(world.user("organiser")).run(SEEN, id=world.event)

    assert codes(without, "decideModerationItem") == ["REQUIRED"]
    assert answer.data["decideModerationItem"]["item"]["event"]["title"] == world.event.title
    assert seen.data["event"]["pendingRevision"] is None
    assert (seen.data["event"]["viewerRevision"]["state"], seen.data["event"]["viewerRevision"]["reason"]) == (
        "REJECTED", "Misleading",
    )  # fmt: skip
    told_of = await told(ports, NotificationType.EVENT_CHANGE_REJECTED)
    assert told_of[world.user("organiser").id]["reason"] == "Misleading"


async def test_a_later_edit_is_put_together_with_what_waits(client, save, ports):
    world = await a_world(save)
    await propose(client, world, title="Another", description="Text")
    [first] = await items(ports)

    second = await propose(client, world, version=2, title="A third")
    third = await propose(client, world, version=3, capacity=25)
    old = await client(world.user("moderator")).execute(DECIDE, itemId=first, decision="APPROVE")

    assert (second["revision"]["title"], second["revision"]["description"]) == ("A third", "Text")
    assert (third["revision"], third["changedFields"], third["event"]["capacity"]) == (None, ["capacity"], 25)
    assert codes(old, "decideModerationItem") == ["ALREADY_DECIDED"]
    assert [one.state for one in await items(ports)] == [ModerationState.WITHDRAWN, ModerationState.PENDING]


async def test_taking_everything_back_leaves_nothing_to_decide(client, save, ports):
    world = await a_world(save)
    await propose(client, world, title="Another")

    same = await propose(client, world, version=2, title="Another")
    back = await propose(client, world, version=2, title=world.event.title)

    assert (same["revision"]["state"], same["event"]["version"]) == ("PENDING", 2)
    assert (back["revision"], back["event"]["version"]) == (None, 3)
    assert [one.state for one in await items(ports)] == [ModerationState.WITHDRAWN]


async def test_a_description_may_go(client, save, ports, row):
    world = await a_world(save, description="Before")
    payload = await propose(client, world, description=None)
    [item] = await items(ports)

    await client(world.user("moderator")).execute(DECIDE, itemId=item, decision="APPROVE")

    assert (payload["revision"]["description"], payload["revision"]["removesDescription"]) == (None, True)
    assert (await row(Event, world.event.id)).description is None


async def test_a_proposal_is_checked_like_any_edit(client, save, count):
    world = await a_world(save)
    late = {"startsAt": in_days(20).isoformat(), "endsAt": in_days(20.1).isoformat()}

    empty = await propose(client, world, title=" ")
    outside = await propose(client, world, **late)
    past = await propose(client, world, startsAt=in_days(-2).isoformat(), endsAt=in_days(-1).isoformat())
    unknown = await propose(client, world, venueId=Venue(id=world.event.id))

    found = [[error["code"] for error in one["errors"]] for one in (empty, outside, past, unknown)]
    assert found == [["REQUIRED"], ["OUTSIDE_EVENT"], ["EVENT_IN_PAST", "OUTSIDE_EVENT"], ["NOT_FOUND"]]
    assert await count(EventRevision) == await count(ModerationItem) == 0


async def test_what_was_proposed_is_checked_again_when_it_is_approved(client, save, ports, count):
    world = await a_world(save)
    start, end = world.event.starts_at, world.event.ends_at - timedelta(hours=1)
    await propose(client, world, startsAt=start.isoformat(), endsAt=end.isoformat())
    [item] = await items(ports)
    await save(make_service(world.event, world.service_type, starts_at=end, ends_at=world.event.ends_at))

    outside = await client(world.user("moderator")).execute(DECIDE, itemId=item, decision="APPROVE")
    async with ports.database.writing() as uow:
        revision = await uow.session.get_one(EventRevision, item.revision_id)
        revision.starts_at, revision.ends_at = in_days(-2), in_days(-1)
    past = await client(world.user("moderator")).execute(DECIDE, itemId=item, decision="APPROVE")

    for answer, expected in ((outside, {"OUTSIDE_EVENT"}), (past, {"EVENT_IN_PAST", "OUTSIDE_EVENT"})):
        errors = answer.data["decideModerationItem"]["errors"]
        assert {error["code"] for error in errors} == expected
        assert {tuple(error["path"]) for error in errors} == {("itemId",)}
    assert await count(ModerationItem, ModerationItem.state == ModerationState.PENDING) == 1
    assert await count(Notification) == 0


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("signed_out", "UNAUTHENTICATED"), ("stranger", "NOT_FOUND"), ("member", "NOT_FOUND"), ("organiser", "DONE"),
        ("club_owner", "DONE"), ("moderator", "DONE"), ("admin", "DONE"),
    ],
)  # fmt: skip
async def test_who_takes_a_revision_back(client, save, count, who, expected):
    world = await a_world(save)
    revision = (await propose(client, world, title="Another"))["revision"]

    answer = await client(world.user(who)).execute(WITHDRAW, revisionId=revision["id"])
    again = await client(world.user("organiser")).execute(WITHDRAW, revisionId=revision["id"])

    assert outcome(answer, "withdrawEventRevision") == expected
    assert outcome(again, "withdrawEventRevision") == ("ALREADY_DECIDED" if expected == "DONE" else "DONE")
    assert await count(ModerationItem, ModerationItem.state == ModerationState.WITHDRAWN) == 1
    assert await count(Event, Event.title == world.event.title) == 1


@pytest.mark.parametrize("document", [CANCEL, ARCHIVE, DELETE], ids=["cancel", "archive", "delete"])
async def test_an_event_that_ends_takes_its_revision_along(client, save, count, document):
    world = await a_world(save)
    await propose(client, world, title="Another")

    await client(world.user("organiser")).execute(document, eventId=world.event)

    assert await count(ModerationItem, ModerationItem.state == ModerationState.PENDING) == 0


async def test_the_archive_takes_revisions_along(client, save, ports, settings, count):
    world = await a_world(save, starts_at=in_days(-3))
    await propose(client, world, title="Another")

    await archive_past(ports.database, settings)

    assert await count(Event, Event.status == EventStatus.ARCHIVED) == 1
    assert await count(ModerationItem, ModerationItem.state == ModerationState.WITHDRAWN) == 1


async def test_an_event_that_waits_is_submitted_anew_when_it_changes(client, save, ports):
    """A moderator decides on what they have looked at."""
    world = await a_world(save, status=EventStatus.DRAFT, published_at=None)
    await client(world.user("organiser")).execute(PUBLISH, eventId=world.event)
    [first] = await items(ports)

    unseen = await propose(client, world, version=2, capacity=25)
    changed = await propose(client, world, version=3, title="Another")
    old = await client(world.user("moderator")).execute(DECIDE, itemId=first, decision="APPROVE")
    *_, second = await items(ports)
    new = await client(world.user("moderator")).execute(DECIDE, itemId=second, decision="APPROVE")

    assert (unseen["revision"], changed["revision"], changed["event"]["title"]) == (None, None, "Another")
    assert changed["event"]["status"] == "PENDING_REVIEW"
    assert codes(old, "decideModerationItem") == ["ALREADY_DECIDED"]
    assert codes(new, "decideModerationItem") == []


async def test_a_moderator_sees_what_is_proposed_beside_what_is_out(client, save):
    world = await a_world(save)
    await propose(client, world, title="Another", newVenue={"name": "Elsewhere"})

    answer = await client(world.user("moderator")).run(QUEUE)

    assert answer.data["moderationQueue"]["nodes"] == [
        {"event": {"title": world.event.title}, "revision": {"title": "Another", "venue": {"name": "Elsewhere"}}}
    ]


async def test_a_revision_of_somebody_else_is_taken_up_by_a_fellow_organiser(client, save, ports):
    world = await a_world(save)
    await save(make_host(world.event, world.user("stranger"), EventRole.CO_ORGANIZER))
    await propose(client, world, title="Another")

    payload = await propose(client, world, who="stranger", version=2, description="Text")
    staff = await propose(client, world, who="moderator", version=3, description="At once")

    assert (payload["revision"]["title"], payload["revision"]["description"]) == ("Another", "Text")
    assert (staff["revision"], staff["changedFields"]) == (None, ["description"])
    assert (await items(ports))[-1].state is ModerationState.PENDING


async def test_of_two_proposals_at_once_one_wins(client, save, ports):
    world = await a_world(save)
    await save(make_host(world.event, world.user("stranger"), EventRole.CO_ORGANIZER))

    payloads = await asyncio.gather(
        propose(client, world, title="One"), propose(client, world, who="stranger", title="Two")
    )

    assert sorted(error["code"] for one in payloads for error in one["errors"]) == ["VERSION_CONFLICT"]
    assert len(await items(ports)) == 1


async def test_a_decision_and_an_edit_at_once_keep_to_one_order(client, save, ports, row):
    """Either the edit is approved unseen by nobody, or it comes after the decision."""
    world = await a_world(save)
    await propose(client, world, title="One")
    [item] = await items(ports)

    decided, edited = await asyncio.gather(
        client(world.user("moderator")).execute(DECIDE, itemId=item, decision="APPROVE"),
        propose(client, world, version=2, title="Two"),
    )

    title = (await row(Event, world.event.id)).title
    if codes(decided, "decideModerationItem"):
        assert (title, edited["errors"]) == (world.event.title, [])
    else:
        assert title == "One"
        assert [error["code"] for error in edited["errors"]] == ["VERSION_CONFLICT"]


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("signed_out", "UNAUTHENTICATED"), ("stranger", "FORBIDDEN"), ("member", "FORBIDDEN"),
        ("organiser", "FORBIDDEN"), ("volunteer", "FORBIDDEN"), ("moderator", "DONE"), ("admin", "DONE"),
    ],
)  # fmt: skip
async def test_who_says_whom_to_trust(client, save, row, count, who, expected):
    world = await a_world(save)
    target = world.user("organiser")

    answer = await client(world.user(who)).execute(TRUST, userId=target, isTrusted=True)
    await client(world.user(who)).execute(TRUST, userId=target, isTrusted=True)

    assert outcome(answer, "setUserTrusted") == expected
    assert (await row(type(target), target.id)).is_trusted is (expected == "DONE")
    assert await count(AuditEntry, AuditEntry.action == "user.trust") == (1 if expected == "DONE" else 0)


async def test_who_is_trusted_changes_what_is_out(client, save, row):
    world = await a_world(save)
    await client(world.user("moderator")).execute(TRUST, userId=world.user("organiser"), isTrusted=True)
    trusted = await row(type(world.user("organiser")), world.user("organiser").id)

    answer = await client(trusted).execute(UPDATE, eventId=world.event, expectedVersion=1, title="Another")

    assert answer.data["updateEvent"]["event"]["title"] == "Another"
    assert answer.data["updateEvent"]["revision"] is None


@pytest.mark.parametrize(("who", "sees"), [("stranger", None), ("organiser", False), ("moderator", False)])
async def test_who_reads_whether_someone_is_trusted(client, save, who, sees):
    world = await a_world(save)
    document = "query ($id: ID!) { node(id: $id) { ... on User { isTrusted } } }"

    answer = await client(world.user(who)).run(document, id=world.user("organiser"))

    assert answer.data["node"] == {"isTrusted": sees}


@pytest.mark.parametrize("number", [2, 20])
async def test_revisions_of_many_events_take_as_many_statements(client, save, number):
    world = await a_world(save)
    moderator = make_user(role=Role.MODERATOR)
    events = [make_event(world.user("organiser"), world.category, world.venue) for _ in range(number)]
    await save(moderator, *events)
    revisions = [EventRevision(id=one.id, event_id=one.id, title="Another", venue_id=world.venue.id) for one in events]
    await save(*revisions)
    await save(
        *(ModerationItem(event_id=one.event_id, revision_id=one.id, submitted_by_id=moderator.id) for one in revisions)
    )

    document = "{ events(first: 100) { nodes { pendingRevision { ...Fields } viewerRevision { ...Fields } } } }"
    answer = await client(moderator).run(FIELDS + document)

    found = [one["pendingRevision"] for one in answer.data["events"]["nodes"] if one["pendingRevision"]]
    assert [one["state"] for one in found] == ["PENDING"] * number
    assert len(answer.statements) == 7


async def test_a_proposal_repeated_by_its_key_is_one(client, save, count):
    world = await a_world(save)
    asked = {"eventId": world.event, "expectedVersion": 1, "title": "Another", "idempotencyKey": "only-once-please"}

    first = await client(world.user("organiser")).execute(UPDATE, **asked)
    second = await client(world.user("organiser")).execute(UPDATE, **asked)

    assert second.data == first.data
    assert await count(EventRevision) == 1


async def test_a_new_venue_is_proposed_with_the_event(client, save, count, row):
    world = await a_world(save)
    known = make_venue()
    await save(known)

    first = await propose(client, world, newVenue={"name": "Elsewhere"})
    second = await propose(client, world, version=2, venueId=known)

    assert (first["revision"]["venue"], second["revision"]["venue"]) == ({"name": "Elsewhere"}, {"name": known.name})
    assert (await row(Event, world.event.id)).venue_id == world.venue.id
