"""No list of the schema takes a statement for each of its rows.

The walk finds every connection by itself, so one that is added later is tested too, or has to say where it is found.
"""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType, get_named_type, is_leaf_type

from models import Attendance, DataExport, DataExportState, EventStatus, ModerationItem, Role, Session
from tests.clients import shared_schema
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
    make_notification,
    make_registration,
    make_review,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

SCHEMA = shared_schema().graphql
PATHS = {
    "Query": "{ %s }",
    "Viewer": "{ viewer { %s } }",
    "Event": "{ events(first: 40, filter: {timings: [PAST]}) { nodes { %s } } }",
    "Club": "{ clubs(first: 40) { nodes { %s } } }",
    "Chat": "{ viewer { chats(first: 40) { nodes { %s } } } }",
    "Service": "{ events(first: 40, filter: {timings: [UPCOMING]}) { nodes { services { %s } } } }",
    "User": "{ events(first: 40) { nodes { organizers { %s } } } }",
}
"""Where objects of a type are found."""
MOST = 30
"""Statements for everything that a node shows, one relation deep: one for each relation, however many nodes."""
MORE = 40
"""Rows of every kind: each list of the schema shows more than `MOST`."""


def is_connection(type_: GraphQLNamedType) -> bool:
    return type_.name.endswith("Connection")


def connections() -> list[tuple[str, str]]:
    return [
        (name, field_name)
        for name, type_ in SCHEMA.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
        for field_name, field in type_.fields.items()
        if is_connection(get_named_type(field.type))
    ]


def within(field: GraphQLField) -> GraphQLNamedType:
    """The type of a connection's nodes, or the named type of any other field."""
    found = get_named_type(field.type)
    return get_named_type(found.fields["nodes"].type) if is_connection(found) else found


def leaves(type_: GraphQLNamedType) -> str:
    if not isinstance(type_, GraphQLObjectType):
        return "__typename"
    return " ".join(name for name, field in type_.fields.items() if is_leaf_type(get_named_type(field.type)))


def everything(type_: GraphQLNamedType) -> str:
    """All that an object shows, one relation deep."""
    parts = []
    for name, field in type_.fields.items():
        found = get_named_type(field.type)
        if is_connection(found):
            parts.append(f"{name}(first: 2) {{ totalCount nodes {{ {leaves(within(field))} }} }}")
        elif is_leaf_type(found):
            parts.append(name)
        else:
            parts.append(f"{name} {{ {leaves(found)} }}")
    return " ".join(parts)


def rows_of(data: Any, name: str) -> int:
    """How many nodes the lists of a name have in an answer."""
    if isinstance(data, list):
        return sum(rows_of(one, name) for one in data)
    if not isinstance(data, dict):
        return 0
    inner = sum(rows_of(value, name) for key, value in data.items() if key != name)
    return inner + (len(data[name]["nodes"]) if name in data and "nodes" in (data[name] or ()) else 0)


@pytest.fixture
async def readers(save):
    """An administrator, who sees the most rows, and someone of whom more is asked than a role answers."""
    ada, anna, *_ = readers = [make_user(role=Role.ADMIN), *(make_user() for _ in range(3))]
    clubs = [make_club() for _ in range(MORE)]
    places = [(make_category(), make_venue(), make_service_type(), make_interest()) for _ in range(MORE)]
    await save(*readers, *clubs, *(row for place in places for row in place))
    await save(*(make_membership(club, person) for club in clubs for person in readers))
    events, parts, about = [], [], []
    for at, (club, (category, venue, service_type, _)) in enumerate(zip(clubs, places, strict=True)):
        past = make_event(anna, category, venue, club=club, starts_at=in_days(-9 - at))
        coming = make_event(ada, category, venue, club=club, starts_at=in_days(1 + at), capacity=20)
        waiting = make_event(anna, category, venue, starts_at=in_days(99), status=EventStatus.PENDING_REVIEW)
        service, chat = make_service(coming, service_type), make_chat(last_sequence=len(readers))
        events += [past, coming, waiting, chat]
        parts += [
            service,
            ModerationItem(event_id=waiting.id, submitted_by_id=anna.id),
            *(make_host(event, person) for event in (past, coming, waiting) for person in (ada, anna)),
            *(make_registration(past, person, attendance=Attendance.ATTENDED) for person in readers),
            *(make_registration(coming, person) for person in readers),
            *(make_member(chat, person) for person in readers),
        ]
        about += [
            *(make_review(past, person) for person in readers),
            *(make_booking(service, person) for person in readers),
            *(make_message(chat, person, sequence) for sequence, person in enumerate(readers, 1)),
            *(make_notification(person, at + 1, subject_type="Event", subject_id=past.id) for person in readers),
            *(DataExport(user_id=person.id, state=DataExportState.EXPIRED) for person in readers),
            *(Session(user_id=person.id, expires_at=in_days(1)) for person in readers),
        ]
    for rows in (events, parts, about):
        await save(*rows)
    return ada, anna


async def test_every_list_is_read_level_by_level(client, readers):
    statements, rows = {}, {}
    for owner, name in connections():
        field = SCHEMA.type_map[owner].fields[name]
        first = 60 if owner in ("Query", "Viewer") else 10
        page = f"{name}(first: {first}) {{ totalCount nodes {{ {everything(within(field))} }} }}"
        for reader in readers:
            answer = await client(reader).run(PATHS[owner] % page)
            list_name = f"{owner}.{name}"
            statements[list_name] = max(statements.get(list_name, 0), len(answer.statements))
            rows[list_name] = max(rows.get(list_name, 0), rows_of(answer.data, name))
            assert not answer.errors or answer.error_codes == ["FORBIDDEN"], list_name

    assert {name: number for name, number in statements.items() if number > MOST} == {}
    assert {name: number for name, number in rows.items() if number <= MOST} == {}
