"""Variables that do not fit: told in the payload where one is a mutation's whole input, else of the request. All at
once, in the reader's language, alike by the engine and by the reference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLInputObjectType, get_named_type, is_scalar_type, parse
from graphql.execution.values import VariableValues, get_variable_values

from models import Role, User
from schema.core import ids
from schema.core.variables import FITTING, KEY, MOST, _fitting, settle
from schema.core.variables.values import NotText
from tests.clients import Client
from tests.factories import make_user

CREATE = """
mutation ($input: CreateEventInput!) { createEvent(input: $input) { event { id } errors { code message path } } }
"""
UPDATE = """
mutation ($input: UpdateEventInput!) {
  updateEvent(input: $input) { errors { code message path details { minimum maximum allowed } } }
}
"""


@pytest.fixture(params=["engine", "reference"])
def clients(request, schema, ports):
    """Clients whose operations the engine answers, and such whose operations graphql-core does."""
    own = replace(ports, settings=replace(ports.settings, execution=request.param))

    def make(user: User | None = None, *, language: str = "en") -> Client:
        return Client(schema, own, user, language)

    return make


@pytest.fixture
async def ada(save):
    ada = make_user()
    await save(ada)
    return ada


def told(answer: Any, field: str) -> list[tuple[str, str]]:
    assert answer.errors == []
    return [(one["code"], ".".join(one["path"] or ())) for one in answer.data[field]["errors"]]


async def test_missing_fields_are_named_all_at_once_in_the_payload(clients, ada):
    answer = await clients(ada).execute(CREATE, description="Only this")

    assert told(answer, "createEvent") == [
        ("REQUIRED", "title"),
        ("REQUIRED", "categoryId"),
        ("REQUIRED", "startsAt"),
        ("REQUIRED", "endsAt"),
        ("REQUIRED", "venueId"),
    ]
    assert answer.data["createEvent"]["event"] is None
    assert answer.statements == []


@pytest.mark.parametrize("variables", [{}, {"input": None}, {"input": {}}])
async def test_a_missing_input_is_one_without_fields(clients, ada, variables):
    answer = await clients(ada).run(CREATE, **variables)

    assert [path for _, path in told(answer, "createEvent")] == [
        "title", "categoryId", "startsAt", "endsAt", "venueId",
    ]  # fmt: skip


async def test_an_input_that_needs_nothing_is_missing_itself(clients, ada):
    document = "mutation ($input: SignOutInput!) { signOut(input: $input) { errors { code path } } }"

    assert told(await clients(ada).run(document), "signOut") == [("REQUIRED", "")]


INPUT = {"eventId": ids.encode("Event", UUID(int=1)), "expectedVersion": 1}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"eventId": None}, [("REQUIRED", "eventId")]),
        ({"eventId": {}}, [("INVALID_ID", "eventId")]),
        ({"expectedVersion": "1"}, [("INVALID", "expectedVersion")]),
        ({"expectedVersion": 2**31}, [("INVALID", "expectedVersion")]),
        ({"expectedVersion": True}, [("INVALID", "expectedVersion")]),
        ({"title": None}, [("INVALID", "title")]),
        ({"title": 7}, [("INVALID", "title")]),
        ({"title": "a\x00b"}, [("INVALID", "title")]),
        ({"title": "\ud800"}, [("INVALID", "title")]),
        ({"visibility": "SECRET"}, [("INVALID", "visibility")]),
        ({"visibility": ["PUBLIC"]}, [("INVALID", "visibility")]),
        ({"startsAt": "tomorrow"}, [("INVALID", "startsAt")]),
        ({"price": {"amount": "x", "currency": 7}}, [("INVALID", "price.amount"), ("INVALID", "price.currency")]),
        ({"price": "free"}, [("INVALID", "price")]),
        (
            {"interestIds": ["a", None, 7.5]},
            [("INVALID_ID", "interestIds.0"), ("REQUIRED", "interestIds.1"), ("INVALID_ID", "interestIds.2")],
        ),
        ({"moveServices": "yes"}, [("INVALID", "moveServices")]),
        ({"colour": "red", "\ud800": 1}, [("INVALID", "colour"), ("INVALID", "?")]),
        ({"x" * 1000: 1}, [("INVALID", "x" * 63 + "…")]),
    ],
)
async def test_each_kind_of_problem_has_its_code_and_path(clients, ada, given, expected):
    answer = await clients(ada).execute(UPDATE, **(INPUT | given))

    assert told(answer, "updateEvent") == expected


async def test_the_values_that_are_accepted_are_data(clients, ada):
    answer = await clients(ada).execute(UPDATE, **(INPUT | {"expectedVersion": "x", "visibility": "x"}))

    found = {one["path"][0]: one["details"] for one in answer.data["updateEvent"]["errors"]}
    assert found == {
        "expectedVersion": {"minimum": -(2**31), "maximum": 2**31 - 1, "allowed": None},
        "visibility": {"minimum": None, "maximum": None, "allowed": ["PUBLIC", "UNLISTED", "CLUB"]},
    }


@pytest.mark.parametrize(
    ("language", "messages"),
    [
        ("en", ["This is required.", "This must be a date and a time of day.", "This field does not exist here."]),
        ("ru", ["Это обязательное поле.", "Здесь нужны дата и время.", "Здесь нет такого поля."]),
    ],
)
async def test_the_words_are_in_the_readers_language(clients, save, language, messages):
    document = "mutation ($input: AddServiceInput!) { addService(input: $input) { errors { message } } }"
    volunteer = make_user(role=Role.VOLUNTEER)
    await save(volunteer)
    given = {"eventId": INPUT["eventId"], "startsAt": "soon", "endsAt": "2030-01-01T10:00:00Z", "colour": "red"}

    answer = await clients(volunteer, language=language).execute(document, **given)

    assert [one["message"] for one in answer.data["addService"]["errors"]] == messages


async def test_who_may_not_call_it_hears_that_first(clients):
    answer = await clients().execute(CREATE)

    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert answer.data == {"createEvent": None}


async def test_a_variable_that_fits_its_type_is_looked_at_where_it_is_read(clients, ada):
    """Also beside one that does not fit."""
    document = """
    mutation ($bad: CreateEventInput!, $wrong: SetInterestsInput!) {
      createEvent(input: $bad) { errors { code } }
      setInterests(input: $wrong) { errors { code path } }
    }
    """
    filtered = "query ($filter: EventFilter) { first: events { totalCount } events(filter: $filter) { totalCount } }"

    answer = await clients(ada).run(document, bad={}, wrong={"interestIds": ["x"]})
    refused = await clients(ada).run(filtered, filter={"priceTo": {"amount": "-1"}})

    assert told(answer, "setInterests") == [("INVALID_ID", "interestIds.0")]
    assert [error["path"] for error in refused.errors] == [["events"]]


async def test_other_mutations_of_the_operation_run(clients, ada):
    document = """
    mutation ($bad: CreateEventInput!, $good: MarkAllNotificationsReadInput!) {
      first: markAllNotificationsRead(input: $good) { count }
      createEvent(input: $bad) { errors { code path } }
      ...More
    }
    fragment More on Mutation { again: createEvent(input: $bad) { errors { code } } }
    """

    answer = await clients(ada).run(document, bad={}, good={})

    assert answer.data["first"] == {"count": 0}
    assert len(told(answer, "createEvent")) == len(answer.data["again"]["errors"]) == 5


@pytest.mark.parametrize(
    ("document", "variables", "expected"),
    [
        (
            "query ($id: ID!, $first: Int) { event(id: $id) { id } events(first: $first) { nodes { id } } }",
            {"first": "many"},
            [("REQUIRED", ["id"]), ("INVALID", ["first"])],
        ),
        (
            "query ($filter: EventFilter) { events(filter: $filter) { nodes { id } } }",
            {"filter": {"timing": "SOON", "colour": "red", "interestIds": [None]}},
            [
                ("REQUIRED", ["filter", "interestIds", "0"]),
                ("INVALID", ["filter", "timing"]),
                ("INVALID", ["filter", "colour"]),
            ],
        ),
        (
            "mutation ($title: String!, $input: SignOutInput!) "
            "{ createClub(input: {name: $title}) { errors { code } } signOut(input: $input) { errors { code } } }",
            {"input": {"colour": "red"}},
            [("REQUIRED", ["title"]), ("INVALID", ["input", "colour"])],
        ),
    ],
)
async def test_everything_else_is_told_of_the_request_with_its_path(clients, ada, document, variables, expected):
    answer = await clients(ada).run(document, **variables)

    assert answer.data is None
    assert {one["extensions"]["code"] for one in answer.errors} == {"BAD_USER_INPUT"}
    found = [(one["extensions"]["reason"], one["extensions"]["path"]) for one in answer.errors]
    assert sorted(found) == sorted(expected)
    assert all(one["locations"] for one in answer.errors)
    russian = await clients(ada, language="ru").run(document, **variables)
    assert not any(one["message"].isascii() for one in russian.errors)


async def test_too_much_is_told_of_the_request(clients, ada):
    answer = await clients(ada).execute(
        UPDATE, **(INPUT | {"interestIds": [ids.encode("Interest", UUID(int=1))] * 101})
    )

    [error] = answer.errors
    del error["extensions"]["errors"]
    assert error["message"] == "At most 100 items."
    assert error["extensions"] == {
        "code": "BAD_USER_INPUT",
        "reason": "LIMIT",
        "path": ["input", "interestIds"],
        "details": {"maximum": 100},
    }


async def test_no_more_than_fifty_are_told_and_no_value_is_repeated(clients, ada):
    secret = "secret" * 1000

    answer = await clients(ada).execute(UPDATE, **(INPUT | {f"field{n}": secret for n in range(200)} | {"title": {}}))

    found = answer.data["updateEvent"]["errors"]
    assert len(found) == MOST
    assert "secret" not in str(found)


def test_every_input_of_a_mutation_can_be_refused(schema):
    """What stands in its place fits, whatever the input needs."""
    for name, field in schema.graphql.mutation_type.fields.items():
        type_ = field.args["input"].type
        operation: Any = parse(f"mutation ($input: {type_}) {{ {name}(input: $input) {{ errors {{ code }} }} }}")
        given = {"input": _fitting(type_) | {"idempotencyKey": "refused"}}

        found = get_variable_values(schema.graphql, operation.definitions[0].variable_definitions, given)

        assert isinstance(get_named_type(type_), GraphQLInputObjectType)
        assert isinstance(found, VariableValues), name


def test_every_scalar_has_a_value_that_fits(schema):
    scalars = {name for name, type_ in schema.graphql.type_map.items() if is_scalar_type(type_)}

    assert scalars <= FITTING.keys()


def test_every_input_is_read_where_most_of_it_is_left_out(schema):
    """What is asked of several fields together meets the values that stand for those which are left out."""
    inner = schema.graphql  # type: ignore[attr-defined]  # of graphql-core
    for name, field in inner.mutation_type.fields.items():
        type_ = field.args["input"].type
        document = parse(f"mutation ($input: {type_}) {{ {name}(input: $input) {{ __typename }} }}")
        [operation] = document.definitions

        settled = settle(inner, operation, {}, {"input": _fitting(type_) | {KEY: 5}})

        assert isinstance(settled, dict), name
        assert (NotText, (KEY,)) in [(type(one), one.path) for one in settled["input"][KEY].problems], name
