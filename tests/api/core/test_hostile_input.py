"""Every root field with input that nobody means well by: an answer or a refusal, never a fault of ours."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    get_named_type,
    is_leaf_type,
)

import models
from models import uuid7
from schema.core import ids
from schema.core.node_interface import NODES
from tests.clients import gid
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_interest,
    make_member,
    make_membership,
    make_message,
    make_registration,
    make_review,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

ROLES = {"guest": None, "user": models.Role.USER, "admin": models.Role.ADMIN}
GOES_OUT = {"startProviderSignIn", "signInWithProvider"}
"""They ask another server."""
# One of the walks is in the quick run; each takes many seconds.
WALKS = [pytest.param(role, marks=[] if role == "user" else [pytest.mark.outside]) for role in ROLES]

MALFORMED = [
    "",
    " ",
    "0",
    "-1",
    "null",
    "é",
    "\U0001f600",
    "\u202eEvent",
    "Event:1",
    "=" * 8,
    "A" * 5000,
    "../../etc/passwd",
    urlsafe_b64encode(b"Event:").decode(),
    urlsafe_b64encode(b"\xff\xfe:" + bytes(16)).decode(),
    urlsafe_b64encode(b"__class__:" + bytes(16)).decode().rstrip("="),
]
UNKNOWN_TYPE = ids.encode("Nothing", uuid7())
HOSTILE = {
    "String": [
        "",
        " \t\r\n\u2028",
        "\u200b\u200d\ufeff",
        "\u202eevil\u202c",
        "\x01\x1b[31m\x7f",
        "\U0001f469\u200d\U0001f4bb" * 20,
        "& | ! : * ' \\ <-> ((",
        "')) OR 1=1; --",
        "%_%\\",
        "{x.__class__} {0} %s %(a)s ${7*7}",
        "<script>alert(1)</script>",
        "a\u0301" * 6000,
        "9" * 400,
        "+" + "9" * 60,
        "\U000e0041\ufdfa\ufb03ßıİ",
        "{}",
    ],
    "Int": [-(2**31), 2**31 - 1, -1, 0, 1_000_001, 2**31, 2**63, 1.5, "1", True],
    "Float": [1e308, -1e308, 0, 91, 181, 5e-324, "NaN", 10**400],
    "Decimal": ["NaN", "sNaN", "Infinity", "-Infinity", "1E+999999", "1E-999999", "-0", "0.001", "99999999.995",
                "9" * 500, "1_000", "٣", "", True, 1.1],
    "DateTime": ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59", "10000-01-01T00:00Z",
                 "2026-12-31T23:59:60Z", "2027-01-01T00:00:00+23:59", "2027-01-01", "2027-W01-1T00:00:00Z", "", 5],
    "Date": ["0001-01-01", "9999-12-31", "10000-01-01", "2026-02-30", "-0001-01-01", "2027-01-01T00:00:00Z", "", 0],
    "Boolean": ["true", 1],
}  # fmt: skip
CURSORS = [
    "",
    "é",
    "A" * 3000,
    *(
        urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")
        for values in (
            {},
            [],
            ["\0", str(uuid7())],
            [5, 5],
            [["\0"], {}],
            [2**62, str(uuid7())],
            ["0001-01-01T00:00:00+14:00", str(uuid7())],
            ["9999-12-31T23:59:59-14:00", str(uuid7())],
            ["2026-01-01T00:00:00", str(uuid7())],
        )
    ),
]


def root_fields(schema: Any, operation: str) -> dict[str, Any]:
    found = getattr(schema.graphql, f"{operation}_type").fields
    return {name: field for name, field in found.items() if name not in GOES_OUT}


def build(type_: Any, leaf: Any, name: str = "") -> Any:
    """A value of an input type with every field given; `leaf(type name, field name)` says what the leaves are."""
    if isinstance(type_, GraphQLNonNull):
        return build(type_.of_type, leaf, name)
    if isinstance(type_, GraphQLList):
        return [build(type_.of_type, leaf, name)]
    if isinstance(type_, GraphQLInputObjectType):
        return {key: build(one.type, leaf, key) for key, one in type_.fields.items() if key != "idempotencyKey"}
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    assert isinstance(type_, GraphQLScalarType)
    return leaf(type_.name, name)


def document(field: Any, name: str, operation: str) -> str:
    declared = ", ".join(f"${key}: {one.type}" for key, one in field.args.items())
    given = ", ".join(f"{key}: ${key}" for key in field.args)
    selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    if operation == "mutation":
        selection = " { errors { code } }"
    head = f"({declared})" if declared else ""
    return f"{operation} {head} {{ {name}{f'({given})' if given else ''}{selection} }}"


def leaves_of(type_: Any, found: set[str]) -> set[str]:
    """Names of the scalars in an input type."""
    named = get_named_type(type_)
    if isinstance(named, GraphQLInputObjectType):
        for one in named.fields.values():
            leaves_of(one.type, found)
    else:
        found.add(named.name)
    return found


def plain(type_name: str, name: str) -> Any:
    """A value that might do."""
    return {
        "String": "something fine",
        "Int": 1,
        "Float": 1.0,
        "Boolean": True,
        "Decimal": "1.00",
        "DateTime": in_days(3).isoformat(),
        "Date": "2020-01-01",
        "ID": ids.encode("Event", uuid7()),
    }[type_name]


def outcome(answer: Any, name: str) -> list[str]:
    """All codes in an answer, of whatever kind."""
    found = [error["extensions"].get("reason") or error["extensions"]["code"] for error in answer.errors]
    payload = (answer.data or {}).get(name)
    if isinstance(payload, dict):
        found += [error["code"] for error in payload.get("errors", ())]
    return found


async def caller(role: models.Role | None, save: Any) -> models.User | None:
    if role is None:
        return None
    user = make_user(role=role)
    await save(user)
    return user


@pytest.mark.parametrize("role", WALKS)
@pytest.mark.parametrize("operation", ["query", "mutation"])
async def test_ids_of_the_wrong_kind_and_of_nothing_are_refused_everywhere(schema, client, save, role, operation):
    user = await caller(ROLES[role], save)
    wrong = [*MALFORMED, UNKNOWN_TYPE]
    unknown = [ids.encode(name, uuid7()) for name in NODES]
    seen, faults = 0, []

    for name, field in root_fields(schema, operation).items():
        types = {key: one.type for key, one in field.args.items()}
        if not any("ID" in leaves_of(type_, set()) for type_ in types.values()):
            continue
        for id in (*wrong, *unknown):
            given = {
                key: build(type_, lambda kind, label, id=id: id if kind == "ID" else plain(kind, label))
                for key, type_ in types.items()
            }
            if name == "user":
                given["handle"] = None
            if set(given) >= {"first", "last"}:
                given |= {"first": None, "last": None, "after": None, "before": None}
            answer = await client(user).run(document(field, name, operation), **given)
            codes = outcome(answer, name)
            seen += 1
            if "INTERNAL" in codes or ((id in wrong or operation == "mutation") and not codes):
                faults.append((name, id[:40], codes, answer.errors))

    assert faults == []
    assert seen > 100


async def world(save: Any, user: models.User) -> dict[str, Any]:
    """One of everything that the user may change, by the name of the input that takes its id."""
    interest, category, kind, venue, club = (
        make_interest(), make_category(), make_service_type(), make_venue(), make_club(),
    )  # fmt: skip
    event = make_event(user, category, venue)
    past = make_event(user, category, venue, starts_at=in_days(-5))
    chat = make_chat(last_sequence=1)
    await save(interest, category, kind, venue, club)
    await save(event, past, chat)
    service = make_service(event, kind)
    own = make_membership(club, user, role=models.ClubRole.OWNER)
    review = make_review(past, user)
    message = make_message(chat, user, 1)
    await save(service, own, review, message, make_host(event, user), make_host(past, user), make_member(chat, user))
    await save(make_registration(past, user), make_registration(event, user))
    booking = make_booking(service, user)
    await save(booking)
    return {
        "eventId": event, "serviceId": service, "serviceIds": service, "clubId": club, "chatId": chat,
        "venueId": venue, "categoryId": category, "interestIds": interest, "serviceTypeId": kind,
        "membershipId": own, "reviewId": review, "bookingId": booking, "messageId": message, "userId": user,
        "memberIds": user, "staffPersonId": user, "onBehalfOf": user, "id": event, "ids": event,
        "venueIds": venue, "categoryIds": category, "clubIds": club, "serviceTypeIds": kind,
    }  # fmt: skip


@pytest.mark.outside
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", ["query", "mutation"])
async def test_hostile_values_are_refused_or_taken_as_they_are(schema, client, save, role, operation):
    user = await caller(ROLES[role], save)
    owner = user or make_user()
    if user is None:
        await save(owner)
    known = await world(save, owner)
    seen, faults = 0, []

    for name, field in root_fields(schema, operation).items():
        types = {key: one.type for key, one in field.args.items()}
        scalars = set().union(*(leaves_of(type_, set()) for type_ in types.values())) & HOSTILE.keys()
        for scalar in sorted(scalars):
            for value in HOSTILE[scalar]:

                def leaf(kind: str, label: str, scalar: str = scalar, value: Any = value) -> Any:
                    if kind == "ID":
                        return gid(known[label]) if label in known else plain(kind, label)
                    return value if kind == scalar else plain(kind, label)

                given = {key: build(type_, leaf, key) for key, type_ in types.items()}
                if set(given) >= {"first", "last"}:
                    given |= {"last": None, "before": None}
                    if scalar != "String":
                        given["after"] = None
                answer = await client(user).run(document(field, name, operation), **given)
                seen += 1
                if "INTERNAL" in outcome(answer, name):
                    faults.append((name, scalar, str(value)[:40]))

    assert faults == []
    assert seen > 50


async def test_cursors_that_were_made_up_are_a_place_in_the_list_or_refused(schema, client):
    admin = make_user(role=models.Role.ADMIN)
    lists = [name for name, field in root_fields(schema, "query").items() if "after" in field.args]
    found = {}

    for name in lists:
        for cursor in CURSORS:
            answer = await client(admin).run(
                f"query ($after: String) {{ {name}(after: $after) {{ totalCount }} }}", after=cursor
            )
            found[name, cursor] = outcome(answer, name)

    assert len(lists) > 5
    assert [key for key, codes in found.items() if codes not in ([], ["INVALID_CURSOR"])] == []
    assert {cursor: found["events", cursor] for cursor in CURSORS} == {key: ["INVALID_CURSOR"] for key in CURSORS}


@pytest.mark.parametrize("stream", ["availabilityChanged(eventId: $id)", "messageSent(chatId: $id)"])
async def test_a_stream_of_something_else_is_refused(client, save, stream):
    user = await caller(models.Role.USER, save)
    own = ids.encode("User", user.id)
    document = f"subscription ($id: ID!) {{ {stream} {{ __typename }} }}"
    missing = ids.encode("Event" if "event" in stream else "Chat", uuid7())

    found = [await refusal(await client(user).subscribe(document, id=id)) for id in (*MALFORMED, UNKNOWN_TYPE, own)]

    assert found == [["INVALID_ID"]] * (len(MALFORMED) + 2)
    assert await refusal(await client(user).subscribe(document, id=missing)) == ["NOT_FOUND"]


async def refusal(stream: Any) -> list[str]:
    """Reasons of the first answer of a stream, which is its refusal."""
    first = stream if not hasattr(stream, "__anext__") else await anext(stream)
    return [error.extensions["reason"] for error in first.errors]
