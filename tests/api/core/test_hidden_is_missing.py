"""Every root field, asked for what is hidden from its caller: the answer is that for what does not exist."""

from __future__ import annotations

from typing import Any

import pytest

import models
from models import uuid7
from schema.core import ids
from tests.api.core.test_hostile_input import build, leaves_of, plain, root_fields
from tests.clients import gid
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
    make_message,
    make_notification,
    make_registration,
    make_review,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    now,
)

TYPES = {"categoryId": "EventCategory", "interestIds": "Interest", "serviceTypeId": "ServiceType", "venueId": "Venue"}
"""Of ids that lead to nothing in either case."""


async def hidden_world(save: Any) -> dict[str, models.Base]:
    """One of everything that a stranger must not know of, by the name of the input that takes its id."""
    owner, gone = make_user(), make_user(is_active=False)
    category, kind, venue = make_category(), make_service_type(), make_venue()
    club = make_club(visibility=models.ClubVisibility.PRIVATE)
    draft = make_event(owner, category, venue, status=models.EventStatus.DRAFT)
    of_club = make_event(
        owner, category, venue, club=club, visibility=models.EventVisibility.CLUB, starts_at=in_days(-5)
    )
    chat = make_chat(last_sequence=1)
    await save(owner, gone, category, kind, venue, club, chat)
    await save(draft, of_club)
    service, membership = make_service(draft, kind), make_membership(club, owner)
    review, message = make_review(of_club, owner), make_message(chat, owner, 1)
    registration, notification = make_registration(draft, owner), make_notification(owner, 1)
    item = models.ModerationItem(id=uuid7(), event_id=draft.id, submitted_by_id=owner.id)
    session = models.Session(id=uuid7(), user_id=owner.id, expires_at=in_days(1), last_used_at=now())
    revision = models.EventRevision(id=uuid7(), event_id=draft.id, title="Another")
    await save(revision)
    await save(service, membership, review, message, registration, notification, item, session)
    await save(make_host(draft, owner), make_host(of_club, owner), make_member(chat, owner))
    booking = make_booking(service, owner)
    await save(booking)
    return {
        "eventId": draft, "serviceId": service, "serviceIds": service, "clubId": club, "chatId": chat,
        "membershipId": membership, "reviewId": review, "bookingId": booking, "messageId": message, "itemId": item,
        "revisionId": revision,
        "sessionId": session, "userId": gone, "memberIds": gone, "staffPersonId": gone, "onBehalfOf": gone,
        "event": draft, "service": service, "club": club, "chat": chat, "user": gone, "registration": registration,
        "notification": notification, "past event": of_club,
    }  # fmt: skip


def selecting(field: Any, name: str, operation: str) -> str:
    declared = ", ".join(f"${key}: {one.type}" for key, one in field.args.items())
    given = ", ".join(f"{key}: ${key}" for key in field.args)
    selection = "{ errors { code message path } }" if operation == "mutation" else "{ __typename }"
    if "after" in field.args:
        selection = "{ totalCount nodes { __typename } }"
    return f"{operation} ({declared}) {{ {name}({given}) {selection} }}"


@pytest.mark.parametrize("who", ["guest", "stranger"])
@pytest.mark.parametrize("operation", ["query", "mutation"])
async def test_what_is_hidden_looks_like_what_is_missing(schema, client, save, who, operation):
    hidden = await hidden_world(save)
    user = None
    if who == "stranger":
        user = make_user()
        await save(user)
    compared, told = [], []

    for name, field in root_fields(schema, operation).items():
        types = {key: one.type for key, one in field.args.items()}
        if name in ("node", "nodes") or not any("ID" in leaves_of(type_, set()) for type_ in types.values()):
            continue
        answers = []
        for is_missing in (False, True):

            def leaf(kind: str, label: str, name: str = name, is_missing: bool = is_missing) -> Any:
                row = hidden.get(name if label == "id" else "eventId" if label == "ids" else label)
                if kind != "ID" or row is None:
                    return plain(kind, label) if kind != "ID" else ids.encode(TYPES.get(label, "Event"), uuid7())
                return ids.encode(type(row).__name__, uuid7()) if is_missing else gid(row)

            given = {key: build(type_, leaf, key) for key, type_ in types.items()}
            if name == "user":
                given["handle"] = None
            if "first" in given:
                given |= {"first": None, "last": None, "after": None, "before": None}
                given["filter"] = {"ids": given["filter"]["ids"]} if "ids" in given["filter"] else None
            answers.append(await client(user).run(selecting(field, name, operation), **given))
        compared.append(name)
        if (answers[0].data, answers[0].errors) != (answers[1].data, answers[1].errors):
            told.append((name, answers[0].data, answers[0].errors, answers[1].data, answers[1].errors))

    assert told == []
    assert len(compared) >= (6 if operation == "query" else 25)


@pytest.mark.parametrize("who", ["guest", "stranger"])
async def test_no_hidden_thing_is_a_node(client, save, who):
    hidden = {gid(row) for row in (await hidden_world(save)).values()}
    user = None
    if who == "stranger":
        user = make_user()
        await save(user)

    answer = await client(user).run("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=sorted(hidden))

    assert answer.errors == []
    assert answer.data["nodes"] == [None] * len(hidden)
    assert len(hidden) >= 13
