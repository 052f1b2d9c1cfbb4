"""Documents and variables that ask for too much, whichever way they come."""

from __future__ import annotations

import pytest
import strawberry
from graphql import OverlappingFieldsCanBeMergedRule, parse, validate

from documents.documents import Documents
from documents.repeats import repeats
from schema.core.metadata import graphql_schema_of
from schema.core.variables import check_variables
from tests.clients import codes

SIGN_IN = "mutation ($input: SignInInput!) { signIn(input: $input) { errors { code } } }"


def fragments(count: int, repeat: int) -> str:
    """Fragments that each contain the next one several times."""
    chain = [f"fragment F{i} on Query {{ {f'...F{i + 1} ' * repeat} }}" for i in range(count - 1)]
    return "{ ...F0 } " + " ".join(chain) + f" fragment F{count - 1} on Query {{ __typename }}"


NESTED = "{ viewer " + "{ user { viewer " * 12 + "{ email }" + "} }" * 12 + "}"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ " + " ".join(f"a{i}: __typename" for i in range(101)) + " }", "too many aliases"),
        ("{ " + "__typename " * 1001 + "}", "too many fields"),
        ("{ __typename " + "@skip(if: false) " * 51 + "}", "too many directives"),
        (NESTED, "too many levels"),
        ("{ " + "a { " * 200 + "} " * 200 + "}", "too many levels"),
        ("{ __typename " + "b " * 2000 + "}", "tokens"),
        ("# x\n" * 12_501 + "{ __typename }", "too many characters"),
        ("#\n" * 3000 + "{ __typename }", "comments"),
        ("# " + "x" * 10_000 + "\n{ __typename }", "characters in one token"),
        ("{ __typename" + "\n" * 10_001 + "}", "characters in one token"),
        ("{ " + "viewer { user { id } } " * 50 + "viewer { user { id: name } } }", "repeats"),
        ("query (" + " ".join(f"$v{i}: Int" for i in range(101)) + ") { __typename }", "too many variables"),
        ("{ __typename } " + " ".join(f"fragment F{i} on Query {{ __typename }}" for i in range(101)), "definitions"),
        ("mutation { " + "signIn(input: {}) { errors { code } } " * 21 + "}", "too many mutations"),
        (f"{{ nodes(ids: [{','.join(['1'] * 101)}]) {{ id }} }}", "too many items"),
        ('{ node(id: "a\\u0000b") { id } }', "NUL"),
        ("{ node(id: " + "9" * 5000 + ") { id } }", "too large"),
        ("{ node(id: 18446744073709551616) { id } }", "too large"),
        ('{ node(id: "\\ud800") { id } }', "Syntax Error"),
        ("{ node(id: NaN) { id } }", "ID cannot represent"),
        (fragments(60, 3), "too many fields"),
        ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "Cannot spread fragment"),
        ("{ __typena }", "Cannot query field"),
        ("{", "Syntax Error"),
        ("query A { __typename } query B { __typename }", "operation"),
    ],
    ids=lambda value: value[:24],
)
async def test_a_document_that_asks_for_too_much_is_refused(http, document, message):
    response = await http.post("/graphql", json={"query": document})

    body = response.json()
    assert "data" not in body
    assert message in body["errors"][0]["message"]
    assert {error["extensions"]["code"] for error in body["errors"]} == {"BAD_USER_INPUT"}


async def test_a_flood_of_validation_errors_is_cut(client):
    answer = await client().run("{ " + " ".join(f"x{i}" for i in range(900)) + " }")

    assert len(answer.errors) == 6
    assert "Did you mean" not in str(answer.errors)


async def test_repeats_to_the_letter_are_no_reason_to_compare(client, monkeypatch):
    """Each would be compared with each: a second of validation."""
    checked = []

    def noting(schema, document, rules, **options):
        checked.append(rules)
        return validate(schema, document, rules, **options)

    monkeypatch.setattr("documents.documents.validate", noting)

    answer = await client().run("query A { " + "viewer { user { id } } " * 240 + "}")

    assert answer.data == {"viewer": None}
    assert [OverlappingFieldsCanBeMergedRule in rules for rules in checked] == [False]


FRAGMENTS = "{ nodes(ids: []) { ...A ... on Event { %s } ... on Club { %s } } } fragment A on Event { title }"


@pytest.mark.parametrize(
    ("document", "conflicts"),
    [
        ("{ a: viewer { isActive } a: viewer { isActive } }", False),
        ("{ a: __typename a: viewer { user { id } } }", True),
        ("{ viewer { user { id } } viewer { user { id: handle } } }", True),
        ("{ events(first: 1) { totalCount } events(first: 2) { totalCount } }", True),
        ("{ events(first: 1) { totalCount } events(first: 1) { totalCount } }", False),
        (FRAGMENTS % ("id", "id"), False),
        (FRAGMENTS % ("x: title", "x: name"), False),
        (FRAGMENTS % ("x: title", "x: memberCount"), True),
        (FRAGMENTS % ("x: status", "x: visibility"), True),
        (FRAGMENTS % ("title", "title: name"), False),
        (FRAGMENTS % ("title: id", "id"), True),
    ],
)
def test_repeats_are_seen_as_the_slow_rule_sees_them(schema, document, conflicts):
    parsed = parse(document)
    errors = validate(schema.graphql, parsed, [OverlappingFieldsCanBeMergedRule])
    found = repeats(schema.graphql, parsed, most=1_000)

    assert bool(errors) is conflicts
    assert not (found.are_alike and errors)


async def test_a_message_does_not_quote_a_document_at_length(client):
    answer = await client().run("{ " + "x" * 9_000 + " }")

    assert len(answer.errors[0]["message"]) == 500


async def test_introspection_is_within_the_limits(http, schema):
    answer = await http.post("/graphql", json={"query": "{ __schema { queryType { name } } }"})

    assert answer.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    assert schema.introspect()["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\udfff"])
@pytest.mark.parametrize("place", ["login", "password", "idempotencyKey"])
async def test_text_that_postgres_cannot_keep_is_refused(client, text, place):
    answer = await client().execute(SIGN_IN, **{"login": "ada", "password": "secret secret"} | {place: text})

    assert codes(answer, "signIn") == ["INVALID"]
    assert answer.statements == []


@pytest.mark.parametrize("value", [2**63, 2**64, -(2**70), float("inf"), float("nan"), 1e300, True, "5", [5], {}])
async def test_numbers_that_do_not_fit_are_refused(client, value):
    answer = await client().run("query ($n: Int) { events(first: $n) { nodes { id } } }", n=value)

    assert answer.error_codes == ["BAD_USER_INPUT"] if value != [5] else answer.errors


@strawberry.input
class Bulk:
    few: list[int] | None = None
    many: list[list[int]] | None = strawberry.field(default=None, metadata={"max_items": 150})


@strawberry.type
class Counting:
    @strawberry.field
    def count(self, input: Bulk) -> int:
        return 0


async def test_a_list_in_the_variables_is_limited_unless_its_field_says_otherwise():
    tiny = strawberry.Schema(Counting)
    operation = parse("query ($input: Bulk!) { count(input: $input) }").definitions[0]

    def problems(**input: object) -> list[str]:
        found = check_variables(graphql_schema_of(tiny), operation, {"input": input})
        return [f"{'.'.join(error.original_error.path)}: {error.message}" for error in found]

    assert problems(few=[1] * 100, many=[[1] * 150] * 150) == []
    assert problems(few=[1] * 101) == ["input.few: At most 100 items."]
    assert problems(many=[[1]] * 151) == ["input.many: At most 150 items."]


async def test_the_kept_documents_are_bounded_by_their_weight(schema, monkeypatch):
    monkeypatch.setattr("caches.CacheLimit.bytes", 10_000_000)
    documents = Documents(schema.graphql)

    for number in range(30):
        documents.prepare(f"{{ a{number}: __typename }} " + ("#" + "x" * 9_000 + "\n") * 5)
        documents.prepare("{ " + "nonsense " * 400 + f"a{number} }}")

    assert 1_000_000 < documents._kept.weight <= 2_000_000
    assert 100_000 < documents._refused.weight <= 300_000
