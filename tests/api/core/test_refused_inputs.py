"""Whatever is wrong with an input, and can be seen without the database, is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
)

from models import Chat, Event, Role, User, utcnow
from schema.core import ids
from schema.core.input_checks import kind_of, rules_of
from schema.core.metadata import definition_of
from schema.core.node_interface import NODES
from tests.api.booking.test_registrations import an_event
from tests.factories import in_days, make_category, make_user, make_venue

ONLY_THE_DATABASE_KNOWS = {
    "code": "given out by a provider",
    "currentPassword": "compared with the one that is kept",
    "deviceToken": "an unknown one is no mistake: the device is a new one",
    "expectedVersion": "any number may be the version",
    "login": "whether there is such an account is not told",
    "providerId": "compared with the settings of the server",
    "redirectUri": "compared with the settings of the server",
    "refreshToken": "sealed by the server",
    "state": "given out by the server",
    "token": "given out by the server",
    "SignInInput.password": "compared with the one that is kept",
}
"""Fields of inputs of which no value is wrong in itself, and why."""
WRONG: dict[str, Any] = {
    "ID": "x", "String": "x" * 20_001, "Int": -5, "Float": 1000.5, "Decimal": "-1", "Date": "1800-01-01",
    "DateTime": "2030-01-01T10:00:00",
}  # fmt: skip
"""A value of each scalar that no field of ours takes."""


def mutations(schema: Any) -> dict[str, tuple[GraphQLInputObjectType, str]]:
    fields = schema.graphql.mutation_type.fields
    return {name: (get_named_type(one.args["input"].type), one.description) for name, one in fields.items()}


def wrong(type_: Any, *, in_type: bool) -> Any:
    """A value that is wrong in everything. Values of enums and booleans are wrong in their type or not at all."""
    if isinstance(type_, GraphQLNonNull):
        return wrong(type_.of_type, in_type=in_type)
    if isinstance(type_, GraphQLList):
        return [wrong(type_.of_type, in_type=in_type)] * 2
    if isinstance(type_, GraphQLInputObjectType):
        return {name: wrong(one.type, in_type=in_type) for name, one in type_.fields.items()}
    if isinstance(type_, GraphQLEnumType):
        return "x" if in_type else next(iter(type_.values))
    if type_.name == "Boolean":
        return "x" if in_type else False
    return WRONG[type_.name]


def expected(type_: GraphQLInputObjectType, *, in_type: bool, path: str = "") -> Iterator[str]:
    """Paths of everything that `wrong` has made."""
    for name, one in type_.fields.items():
        inner = one.type.of_type if isinstance(one.type, GraphQLNonNull) else one.type
        ends = ["", ""] if not isinstance(inner, GraphQLList) else [".0", ".1"]
        named = get_named_type(inner)
        for end in ends:
            if isinstance(named, GraphQLInputObjectType):
                yield from expected(named, in_type=in_type, path=f"{path}{name}{end}.")
            elif f"{type_.name}.{name}" in ONLY_THE_DATABASE_KNOWS or name in ONLY_THE_DATABASE_KNOWS:
                pass
            elif in_type or not (isinstance(named, GraphQLEnumType) or named.name == "Boolean"):
                yield f"{path}{name}{end}"


@pytest.fixture
async def admin(save):
    admin = make_user(role=Role.ADMIN)
    await save(admin)
    return admin


@pytest.mark.parametrize("in_type", [False, True])
async def test_every_field_that_is_wrong_is_named(client, schema, admin, count, in_type):
    """`in_type`: enums and booleans have values of other types, so that the input does not fit its type."""
    missing, undeclared = {}, {}
    for name, (type_, description) in mutations(schema).items():
        document = f"mutation ($input: {type_.name}!) {{ {name}(input: $input) {{ errors {{ code path }} }} }}"

        answer = await client(admin).execute(document, **wrong(type_, in_type=in_type))

        found = [(error["code"], ".".join(error["path"])) for error in answer.data[name]["errors"]]
        missing[name] = set(expected(type_, in_type=in_type)) - {path for _, path in found}
        undeclared[name] = {code for code, _ in found if code not in description.partition("Error codes: ")[2]}
        assert answer.statements == [], name
    assert {name: paths for name, paths in missing.items() if paths} == {}
    assert {name: found for name, found in undeclared.items() if found} == {}
    assert await count(User) == 1


def test_every_id_of_an_input_says_of_what_it_is(schema):
    """By its name, or by its metadata."""
    inputs = [one for one in schema.graphql.type_map.values() if isinstance(one, GraphQLInputObjectType)]
    for input_type in inputs:
        for rule in rules_of(definition_of(input_type).origin).values():
            if get_named_type(input_type.fields[rule.spelling].type).name == "ID" and rule.name != "ids":
                assert kind_of(rule.name) in NODES, (input_type.name, rule.name)


CREATE_EVENT = """
mutation ($input: CreateEventInput!) { createEvent(input: $input) { event { id } errors { code path } } }
"""
CREATE_CHAT = "mutation ($input: CreateChatInput!) { createChat(input: $input) { errors { code path } } }"
WHEN = {"startsAt": "2130-01-02T10:00:00Z", "endsAt": "2130-01-01T10:00:00Z"}


def told(answer: Any, field: str) -> set[str]:
    assert answer.errors == []
    return {f"{error['code']} {'.'.join(error['path'])}" for error in answer.data[field]["errors"]}


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        (
            {"title": "", "capacity": 0, **WHEN},
            {"REQUIRED title", "INVALID capacity", "INVALID endsAt", "REQUIRED categoryId", "REQUIRED venueId"},
        ),
        (
            {"title": "", "capacity": 0, "categoryId": ids.encode("Venue", UUID(int=1)), "interestIds": ["y"],
             "clubId": "q", **WHEN},
            {"REQUIRED title", "INVALID capacity", "INVALID_ID categoryId", "INVALID_ID interestIds.0",
             "INVALID_ID clubId", "INVALID endsAt", "REQUIRED venueId"},
        ),
        (
            {"title": "Yoga", "visibility": "CLUB", "services": [{"capacity": 0}], "capacity": 3_000_000_000},
            {"REQUIRED clubId", "REQUIRED categoryId", "REQUIRED startsAt", "REQUIRED endsAt", "REQUIRED venueId",
             "INVALID services.0.capacity", "REQUIRED services.0.serviceTypeId", "REQUIRED services.0.startsAt",
             "REQUIRED services.0.endsAt", "INVALID capacity"},
        ),
    ],
)  # fmt: skip
async def test_what_is_missing_comes_with_what_is_wrong(client, admin, given, problems):
    assert told(await client(admin).execute(CREATE_EVENT, **given), "createEvent") == problems


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({"kind": "GROUP", "title": "", "memberIds": ["x"]}, {"REQUIRED title", "INVALID_ID memberIds.0"}),
        (
            {"kind": "DIRECT", "title": "x" * 256, "memberIds": []},
            {"TOO_LONG title", "INVALID title", "INVALID memberIds"},
        ),
    ],
)
async def test_problems_of_a_chat_come_at_once(client, admin, given, problems):
    assert told(await client(admin).execute(CREATE_CHAT, **given), "createChat") == problems


async def test_an_input_written_into_the_document_is_looked_at_alike(client, admin):
    document = 'mutation { setInterests(input: {interestIds: ["a", "b"]}) { errors { code path } } }'

    assert told(await client(admin).run(document), "setInterests") == {
        "INVALID_ID interestIds.0",
        "INVALID_ID interestIds.1",
    }


async def test_what_only_the_database_knows_comes_along(client, save):
    ada = make_user(handle_changed_at=utcnow())
    await save(ada)
    document = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { errors { code path } } }"

    answer = await client(ada).execute(document, handle="other", bio="x" * 2001, comment="x", locale="de")

    assert told(answer, "updateProfile") == {
        "HANDLE_CHANGED_RECENTLY handle",
        "TOO_LONG bio",
        "FORBIDDEN comment",
        "INVALID locale",
    }


@pytest.mark.parametrize("key", [None, "0123456789"])
async def test_a_wrong_input_changes_nothing_though_the_rule_is_asked(client, save, count, monkeypatch, key):
    """Also where a rule would let pass what the input's own check refuses."""
    ada, category, venue = make_user(), make_category(), make_venue()
    await save(ada, category, venue)
    monkeypatch.setattr("resolvers.events.creation.check_title", lambda *_given: "Yoga")

    answer = await client(ada).execute(
        CREATE_EVENT, title="x" * 501, categoryId=category, venueId=venue, idempotencyKey=key,
        startsAt=in_days(1).isoformat(), endsAt=in_days(2).isoformat(),
    )  # fmt: skip

    assert told(answer, "createEvent") == {"TOO_LONG title"}
    assert answer.data["createEvent"]["event"] is None
    assert (await count(Event), await count(Chat)) == (0, 0)


async def test_a_capacity_that_is_none_is_not_compared_with_what_is_taken(client, save, admin):
    _, event = await an_event(save, capacity=5)
    document = "mutation ($input: UpdateEventInput!) { updateEvent(input: $input) { errors { code path } } }"

    answer = await client(admin).execute(
        document, eventId=event, expectedVersion=1, title="", capacity=-1, price={"amount": "10.50", "currency": "JPY"}
    )

    assert told(answer, "updateEvent") == {"REQUIRED title", "INVALID capacity", "INVALID price.amount"}


PAST = "2020-01-01T10:00:00Z"
BEFORE = "2019-01-01T10:00:00Z"
IN_PAST = "EVENT_IN_PAST endsAt"


async def test_all_that_is_wrong_with_times_is_told_at_once(client, save, admin):
    _, event = await an_event(save)
    update = "mutation ($input: UpdateEventInput!) { updateEvent(input: $input) { errors { code path } } }"
    cases = {
        (PAST, BEFORE): {"INVALID endsAt", IN_PAST},
        ("2030-01-01T10:00:00", PAST): {"INVALID startsAt", IN_PAST},
        ("soon", PAST): {"INVALID startsAt", IN_PAST},
    }
    for (starts_at, ends_at), expected in cases.items():
        times = {"startsAt": starts_at, "endsAt": ends_at}
        created = await client(admin).execute(CREATE_EVENT, title="Walk", **times)
        updated = await client(admin).execute(update, eventId=event, expectedVersion=1, **times)

        assert told(created, "createEvent") >= expected
        # Whether an end that is over is the one that stands is known where the input can be read.
        assert told(updated, "updateEvent") == (expected if starts_at != "soon" else expected - {IN_PAST})


EVENTS = "query ($filter: EventFilter) { events(filter: $filter) { totalCount } }"


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        (
            {"timings": [], "venueIds": ["x"], "clubIds": ["y"], "text": "x" * 201,
             "priceTo": {"amount": "-1", "currency": "DEM"}, "dateRange": {"from": "2030-01-02", "to": "2030-01-01"}},
            {"REQUIRED filter.timings", "INVALID_ID filter.venueIds.0", "INVALID_ID filter.clubIds.0",
             "TOO_LONG filter.text", "INVALID filter.priceTo.amount", "INVALID filter.priceTo.currency",
             "INVALID filter.dateRange.to"},
        ),
        (
            {"categoryIds": [ids.encode("EventCategory", UUID(int=1))] * 101, "venueIds": ["x"], "timings": []},
            {"LIMIT filter.categoryIds", "INVALID_ID filter.venueIds.0", "REQUIRED filter.timings"},
        ),
    ],
)  # fmt: skip
async def test_problems_of_a_filter_come_at_once(client, given, problems):
    answer = await client().run(EVENTS, filter=given)

    found = [one for error in answer.errors for one in error["extensions"].get("errors", [])]
    assert {f"{one['code']} {'.'.join(one['path'])}" for one in found} == {
        one.replace("LIMIT", "INVALID") for one in problems
    }
