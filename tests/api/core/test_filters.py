"""What holds for every filter of the schema. The walk finds them by itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
)

from documents.limits import MAX_ITEMS
from models import Role
from schema.core import ids
from tests.clients import shared_schema
from tests.factories import (
    make_category,
    make_club,
    make_event,
    make_host,
    make_membership,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

SCHEMA = shared_schema().graphql
WAYS = {
    "Query": "%s",
    "Viewer": "viewer { %s }",
    "Event": "event(id: $id) { %s }",
    "Service": "service(id: $id) { %s }",
    "Club": "club(id: $id) { %s }",
    "User": "viewer { user { %s } }",
}
"""Where the lists of a type are found."""
KINDS = {"category": "EventCategory", "staffPerson": "User"}
"""What the ids of a filter are of where their name does not say it."""


def lists() -> list[tuple[str, str, GraphQLInputObjectType]]:
    """Every list that takes a filter: its type, its name, the filter's type."""
    return [
        (name, field_name, get_named_type(field.args["filter"].type))
        for name, type_ in SCHEMA.type_map.items()
        if isinstance(type_, GraphQLObjectType)
        for field_name, field in type_.fields.items()
        if "filter" in field.args
    ]


def sets(filter: GraphQLInputObjectType) -> list[str]:
    return [name for name, one in filter.fields.items() if isinstance(get_nullable_type(one.type), GraphQLList)]


def a_value(filter: GraphQLInputObjectType, name: str) -> Any:
    type_ = get_named_type(filter.fields[name].type)
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if type_.name == "Int":
        return 1
    kind = name.removesuffix("Ids") if name != "ids" else "event"
    return ids.encode(KINDS.get(kind, kind[0].upper() + kind[1:]), UUID(int=1))


SETS = [pytest.param(*one, name, id=f"{one[0]}.{one[1]}.{name}") for one in lists() for name in sets(one[2])]


@pytest.fixture
async def world(save):
    """An administrator, and by their types things of which they see the lists."""
    ada, club, category = make_user(role=Role.ADMIN), make_club(), make_category()
    venue, kind = make_venue(), make_service_type()
    await save(ada, club, category, venue, kind)
    event = make_event(ada, category, venue, club=club)
    await save(event)
    service = make_service(event, kind)
    await save(service, make_host(event, ada), make_membership(club, ada))
    return ada, {"Event": event, "Service": service, "Club": club}


@pytest.mark.parametrize(("owner", "name", "filter", "field"), SETS)
async def test_a_set_has_values_and_not_too_many(client, world, owner, name, filter, field):
    ada, things = world
    known = {"id": things[owner]} if owner in things else {}
    declared = f"{'$id: ID!, ' if known else ''}$filter: {filter.name}"
    asked = f"{name}(filter: $filter) {{ totalCount }}"
    one = a_value(filter, field)

    async def refused(values):
        answer = await client(ada).run(
            f"query ({declared}) {{ {WAYS[owner] % asked} }}", filter={field: values}, **known
        )
        return [error["extensions"] for error in answer.errors]

    [empty] = await refused([])
    [too_many] = await refused([one] * (MAX_ITEMS + 1))
    assert (empty["code"], empty["reason"]) == ("BAD_USER_INPUT", "REQUIRED")
    assert [problem["path"] for problem in empty["errors"]] == [["filter", field]]
    assert too_many["code"] == "BAD_USER_INPUT"
    assert await refused([one] * MAX_ITEMS) == []


@pytest.mark.parametrize("filter", sorted({one[2].name for one in lists()}))
def test_where_clients_choose_among_several_they_may_choose_several(filter):
    """A filter that takes one member of an enum cannot say what two lists would have to be merged for."""
    fields = SCHEMA.type_map[filter].fields

    single = [
        name for name, one in fields.items()
        if isinstance(get_nullable_type(one.type), GraphQLEnumType) or name.endswith("Id")
    ]  # fmt: skip

    assert [name for name in single if name != "participantId"] == []
