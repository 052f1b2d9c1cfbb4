"""What operations cost, and what happens to those that cost too much."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode
from structlog.testing import capture_logs

from engine.cost import Costs
from schema.core.context import Caller, Context
from settings import Settings
from tests.clients import ROOT, gid, shared_schema
from tests.factories import make_user
from tests.sockets import Failed, Socket
from tests.tools.syntax import nodes
from tests.transport.conftest import metric
from tests.transport.live.test_sse import STREAM, events
from transport.observing.metrics import Metrics
from transport.operations.operations import Operations
from transport.operations.requests import Parameters

SCHEMA = shared_schema()
DEEP = "{ events(first: 100) { nodes { participants(first: 100) { nodes { clubs(first: 20) { nodes { name } } } } } } }"
DEEP_COST = 21 + 100 * (1 + 1 + 20 * (1 + 1 + 5))
"""20 participants and 5 clubs are typical."""
HUGE = DEEP.replace("{ name }", "{ members(first: 20) { nodes { role } } }")
HUGE_COST = 21 + 100 * (1 + 1 + 20 * (1 + 1 + 5 * (1 + 1 + 20)))
EXAMPLE = "{ events(first: 50) { totalCount nodes { title venue { name } hosts { user { displayName } } } } }"


def cost(document: str, /, **variables: object) -> int:
    prepared = SCHEMA.prepare(document)
    assert prepared.errors == ()
    operation = prepared.operation(None)
    assert operation is not None
    return Costs(SCHEMA.graphql).of(document, prepared, operation, variables)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ __typename }", 1),
        ("{ viewer { unreadChatCount } }", 1 + 1),
        ("{ events(first: 0) { nodes { title } } }", 21),
        ("{ events { nodes { title startsAt } } }", 21 + 20),
        ("{ events(first: 50) { nodes { title } } }", 21 + 50),
        ("{ events(last: 7) { edges { cursor node { title } } pageInfo { endCursor } } }", 21 + 7),
        ("{ events(first: 5) { nodes { id } edges { node { venue { name } } } } }", 21 + 5 * (2 + 1)),
        ("{ events(first: 5) { edges { cursor a: node { id } b: node { id } } } }", 21 + 5 * 2),
        ("{ events(first: 5) { edges { cursor } } }", 21 + 5),
        ("{ events(first: 5) { totalCount } }", 21 + 5 + 500),
        ("{ events(first: 5) { totalCountIsCapped } }", 21 + 5 + 500),
        ("{ events(first: 5) { totalCount again: totalCount totalCountIsCapped } }", 21 + 5 + 500),
        ('{ events(first: 5, filter: {text: "walk"}) { nodes { id } } }', 21 + 5 + 1_500 + 500),
        ('{ events(first: 5, filter: {text: "a b c, d-e"}) { nodes { id } } }', 21 + 5 + 1_500 + 5 * 500),
        ('{ events(first: 5, filter: {text: " ?! "}) { nodes { id } } }', 21 + 5),
        ("{ events(first: 5, filter: {text: null}) { nodes { id } } }", 21 + 5),
        (
            "{ events(first: 5, filter: {timings: [PAST, ONGOING], isFree: true}) { nodes { id } } }",
            21 + 5 + 2 * 50 + 2 * 5,
        ),
        ("{ events(first: 5, sort: STARTS_AT_DESC) { nodes { id } } }", 21 + 5 + 50),
        ('{ events(first: 5, filter: {ids: ["a", "b"]}) { nodes { id } } }', 21 + 5 + 50 + 2 * 5),
        ('{ events(first: 5, filter: {dateRange: {from: "2027-01-01"}}) { nodes { id } } }', 21 + 5 + 50),
        ('{ clubs(first: 5, filter: {text: "ab cd", interestIds: ["x"]}) { nodes { id } } }', 21 + 5 + 200 + 55),
        ("{ events(first: 5) { nodes { availability { taken } priceFrom { amount } } } }", 21 + 5),
        ("{ events(first: 5) { nodes { venue { name } } } }", 21 + 5 * (1 + 1)),
        ("{ events(first: 5) { nodes { ratingSummary { average } } } }", 21 + 5 * (1 + 1)),
        ("{ events(first: 5) { nodes { viewerRegistrationState { code } } } }", 21 + 5 * (1 + 1)),
        ("{ events(first: 5) { nodes { hosts { role user { handle } } } } }", 21 + 5 * (1 + 1 + 2 * (1 + 1))),
        ("{ events(first: 2) { nodes { participants(first: 3) { nodes { handle } } } } }", 21 + 2 * (1 + 1 + 3)),
        ("{ events(first: 2) { nodes { participants(first: 90) { nodes { handle } } } } }", 21 + 2 * (1 + 1 + 20)),
        ("{ events(first: 2) { nodes { participants(first: 0) { totalCount } } } }", 21 + 2 * (1 + 1 + 20)),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 21 + 3 * (5 + 1)),
        ('{ node(id: "a") { ... on Event { venue { name } } ... on Venue { name } } }', 21 + 1),
        ("{ __schema { queryType { name } } }", 50 + 2 * 2),
        ('{ __type(name: "X") { name } events(first: 5) { nodes { hosts { role } } } }', 70 + 21 + 5 * (1 + 1 + 20)),
        ('mutation { registerForEvent(input: {eventId: "x"}) { registration { event { venue { name } } } } }', 200 + 2),
        ("mutation { a: signOut(input: {}) { errors { code } } b: signOut(input: {}) { errors { code } } }", 400),
        ('mutation { signIn(input: {login: "a", password: "b"}) { errors { code } } }', 10_000),
        ('subscription { messageSent(chatId: "x") { ... on MessageSent { message { author { handle } } } } }', 21 + 1),
    ],
    ids=lambda value: str(value)[:70],
)
def test_each_part_of_an_operation_has_its_price(document, expected):
    assert cost(document) == expected


def test_the_example_of_the_documentation_is_right():
    assert cost(EXAMPLE) == 871


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, 21 + 20),
        ({"first": 50}, 21 + 50),
        ({"first": None}, 21 + 20),
        ({"first": 50.0}, 21 + 50),
        ({"first": 1_000_000}, 21 + 100),
        ({"first": -5}, 21),
        ({"first": "fifty"}, 21 + 20),
        ({"first": [50]}, 21 + 20),
        ({"first": float("nan")}, 21 + 20),
        ({"first": float("inf")}, 21 + 20),
        ({"filter": {"text": "walk"}}, 21 + 20 + 2_000),
        ({"filter": {"text": "walk " * 100}}, 21 + 20 + 1_500 + 20 * 500),
        ({"filter": {"text": None}}, 21 + 20),
        ({"filter": {"text": ["walk"]}}, 21 + 20),
        ({"filter": {"nonsense": "walk"}}, 21 + 20),
        ({"filter": "walk"}, 21 + 20),
    ],
    ids=str,
)
def test_variables_are_read_leniently_and_never_make_an_operation_cheap(variables, expected):
    document = "query ($first: Int, $filter: EventFilter) { events(first: $first, filter: $filter) { nodes { id } } }"

    assert cost(document, **variables) == expected


def test_a_variables_default_counts_unless_another_value_is_given():
    document = "query ($first: Int = 30) { events(first: $first) { nodes { venue { name } } } }"

    assert [cost(document), cost(document, first=2), cost(document, first=None)] == [81, 25, 61]


def test_a_list_of_ids_counts_by_its_length():
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Event { venue { name } } } }"

    assert [cost(document, ids=["a"] * 40), cost(document, ids="a"), cost(document, ids=[])] == [
        21 + 40 * 7,
        21 + 5 + 2,
        21,
    ]


def test_a_field_that_several_fragments_ask_for_counts_once():
    document = """
    { events(first: 10) { nodes { ...Card ...Header venue { id } } } }
    fragment Card on Event { venue { name } category { name } }
    fragment Header on Event { venue { address } ...Card }
    """

    assert cost(document) == 21 + 10 * (1 + 1 + 1)


def test_what_is_left_out_costs_nothing():
    document = """
    query ($full: Boolean = false, $short: Boolean!) {
      events(first: 10) { nodes { venue @include(if: $full) { name } ... @skip(if: $short) { category { name } } } }
    }
    """

    assert cost(document, short=True) == 21 + 10
    assert cost(document, short=False) == 21 + 10 * 2
    assert cost(document, full=True, short=False) == 21 + 10 * 3
    assert cost(document, full="yes", short=7) == 21 + 10 * 3


def test_of_the_types_of_a_union_the_dearest_counts():
    document = """
    query ($first: Int) {
      node(id: "x") {
        ... on Event { participants(first: $first) { nodes { handle } } }
        ... on Venue { name }
        ... on Club { events(first: 10) { nodes { venue { name } } } }
      }
    }
    """

    assert cost(document, first=5) == 21 + 1 + 5 * 2
    assert cost(document, first=90) == 21 + 1 + 20


def test_one_document_is_read_once_and_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr("caches.CacheLimit.bytes", 4_000_000)
    costs = Costs(SCHEMA.graphql)

    for number in range(80):
        document = f"query ($n: Int) {{ events(first: $n) {{ nodes {{ a{number}: title venue {{ name }} }} }} }}"
        prepared = SCHEMA.prepare(document)
        found = [costs.of(document, prepared, prepared.operation(None), {"n": n}) for n in (1, 2, 50)]
        assert found == [23, 25, 121]

    assert 0 < costs._kept.weight <= 280_000
    assert 5 < len(costs._kept) < 80


def documents_of(folder: Path) -> set[str]:
    """Every string in the sources that is a valid document."""
    texts = {node.value for file in folder.rglob("*.py") for node in nodes(file) if isinstance(node, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and "{" in text and not SCHEMA.prepare(text).errors}


@pytest.mark.parametrize("folder", ["tests/api", "tests/outside", "tests/realtime", "examples", "commands"])
def test_no_operation_of_ours_is_too_costly(folder):
    maximum = Settings.load({}).max_cost
    found = {}
    for text in documents_of(ROOT / folder):
        for node in SCHEMA.prepare(text).document.definitions:
            if isinstance(node, OperationDefinitionNode):
                sizes = {one.variable.name.value: 100 for one in node.variable_definitions or ()}
                found[text] = Costs(SCHEMA.graphql).of(text, SCHEMA.prepare(text), node, sizes)

    assert found
    assert {text: cost for text, cost in found.items() if cost > maximum} == {}


async def test_too_costly_an_operation_is_refused_before_any_sql(ports):
    operations = Operations(SCHEMA, Metrics(), None, timeout=5, max_cost=DEEP_COST)
    context = Context(ports=ports, caller=Caller(accept_language="ru"))
    answers = []
    for document in (DEEP, HUGE):
        with operations.observing("http") as seen:
            operation = await operations.prepare(Parameters(document, None, None), seen, "")
            answers.append((await operations.run(operation, context, seen), seen))

    (paid, first), (refused, second) = answers
    assert paid.body["data"]["events"]["nodes"] == []
    assert (first.cost, first.statements.count > 0) == (DEEP_COST, True)
    assert (second.cost, second.statements.count, second.outcome) == (HUGE_COST, 0, "refused")
    assert refused.body == {
        "errors": [
            {
                "message": "Операция запрашивает слишком много сразу. Запросите меньше строк или разбейте её на "
                "несколько.",
                "extensions": {
                    "code": "QUERY_TOO_COSTLY",
                    "cost": {"requested": HUGE_COST, "maximum": DEEP_COST},
                },
            }
        ]
    }


TOO_COSTLY = {"code": "QUERY_TOO_COSTLY", "cost": {"requested": HUGE_COST, "maximum": 100_000}}


async def test_every_transport_refuses_what_is_too_costly(http, server, sign_in):
    headers = {"Authorization": f"Bearer {await sign_in()}"}
    before = await metric(http, 'wingding_refusals_total{reason="QUERY_TOO_COSTLY"}')

    plain = await http.post("/graphql", json={"query": HUGE}, headers=headers)
    strict = await http.get(
        "/graphql", params={"query": HUGE}, headers=headers | {"Accept": "application/graphql-response+json"}
    )
    async with http.stream("GET", "/graphql/stream", params={"query": HUGE}, headers=STREAM | headers) as response:
        streamed = [item async for item in events(response)]
    async with Socket.connect(server.ws_url) as socket:
        with pytest.raises(Failed) as failed:
            await socket.run(HUGE)
        still = await socket.run("{ __typename }")

    assert (plain.status_code, strict.status_code) == (200, 422)
    assert [answer.json()["errors"][0]["extensions"] for answer in (plain, strict)] == [TOO_COSTLY] * 2
    assert [name for name, _ in streamed] == ["next", "complete"]
    assert streamed[0][1]["errors"][0]["extensions"] == TOO_COSTLY
    assert failed.value.errors[0]["extensions"] == TOO_COSTLY
    assert still == {"__typename": "Query"}
    assert await metric(http, 'wingding_refusals_total{reason="QUERY_TOO_COSTLY"}') == before + 4


async def test_the_variables_decide_with_every_request_anew(http):
    document = HUGE.replace("members(first: 20)", "members(first: $n)").replace(
        "{ events", "query ($n: Int) { events", 1
    )

    answers = [await http.post("/graphql", json={"query": document, "variables": {"n": n}}) for n in (100, 1, 100)]

    assert ["errors" in answer.json() for answer in answers] == [True, False, True]


async def test_who_asks_is_told_what_it_cost(http, save):
    ada = make_user()
    await save(ada)
    request = {
        "query": "query ($id: ID!) { node(id: $id) { id } }",
        "variables": {"id": gid(ada)},
        "extensions": {"cost": True},
    }

    asked = await http.post("/graphql", json=request)
    silent = await http.post("/graphql", json=request | {"extensions": {"cost": 1}})

    assert asked.json() == {
        "data": {"node": {"id": gid(ada)}},
        "extensions": {"cost": {"requested": 21, "actual": 21, "maximum": 100_000, "remaining": None}},
    }
    assert silent.json() == {"data": {"node": {"id": gid(ada)}}}


@pytest.mark.parametrize(
    ("query", "cost", "outcome"), [("{ events { nodes { id } } }", 41, "ok"), (HUGE, HUGE_COST, "refused")]
)
async def test_the_log_line_of_an_operation_has_its_cost(http, query, cost, outcome):
    with capture_logs() as lines:
        await http.post("/graphql", json={"query": query})

    assert [(line["cost"], line["outcome"], line["document"]) for line in lines] == [(cost, outcome, "sent")]
