"""No list of the schema takes a statement for each of its rows.

The walk finds every connection by itself, so one that is added later is tested too, or has to say where it is found.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType, get_named_type, is_leaf_type
from sqlalchemy import select

from commands.seed import seed
from models import EventStatus, ModerationItem, User
from schema import make_schema
from tests.factories import (
    make_category,
    make_club,
    make_event,
    make_interest,
    make_membership,
    make_notification,
    make_service_type,
    make_venue,
)

SCHEMA = make_schema()._schema
PATHS = {
    "Query": "{ %s }",
    "Viewer": "{ viewer { %s } }",
    "Event": "{ events(first: 40, filter: {timing: PAST}) { nodes { %s } } }",
    "Club": "{ clubs(first: 20) { nodes { %s } } }",
    "Chat": "{ viewer { chats(first: 40) { nodes { %s } } } }",
    "Service": "{ events(first: 40) { nodes { services { %s } } } }",
    "User": "{ events(first: 40) { nodes { organizers { %s } } } }",
}
"""Where objects of a type are found."""
MOST = 30
"""Statements for everything that a node shows, one relation deep: one for each relation, however many nodes."""
MORE = 40
SHORT = {"Viewer.bookings", "Viewer.sessions"}
"""Lists that are short in this world: their own tests compare ten rows with a hundred."""


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
async def readers(ports, save):
    """An administrator, who sees the most rows, and someone of whom more is asked than a role answers."""
    await seed(ports.settings.database_url)
    async with ports.database.reading() as session:
        found = await session.scalars(select(User).where(User.handle.in_(("ada", "anna"))).order_by(User.handle))
        ada, anna = found.all()
    await _lengthen_lists(save, ada, anna)
    return ada, anna


async def _lengthen_lists(save, *people):
    """More rows where the demo world has few."""
    clubs = [make_club(name=f"Яхты {at}") for at in range(MORE)]
    places = [(make_category(), make_venue(), make_service_type(), make_interest()) for _ in range(MORE)]
    waiting = [make_event(people[0], *place[:2], status=EventStatus.PENDING_REVIEW) for place in places]
    await save(*clubs, *chain.from_iterable(places))
    await save(*waiting, *(make_membership(club, person) for club in clubs for person in people))
    await save(*(ModerationItem(event_id=event.id, submitted_by_id=people[0].id) for event in waiting))
    await save(
        *(
            make_notification(person, 1000 + at, subject_type="Event", subject_id=waiting[at].id)
            for at in range(MORE)
            for person in people
        )
    )


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
    assert {name: number for name, number in rows.items() if number <= MOST and name not in SHORT} == {}
