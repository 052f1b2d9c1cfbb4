"""Status codes of GraphQL over HTTP, edition September2026, and the older ones by a setting; the method QUERY."""

from __future__ import annotations

import httpx2
import pytest

from tests.clients import NO_TLS
from tests.transport.conftest import serving

RESPONSE = "application/graphql-response+json"
UNKNOWN = b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "%b"}}}' % (b"0" * 64)

ANSWERS = {
    "no JSON": (b'{"query"', 400, 400, 400),
    "no object": (b"[]", 422, 400, 400),
    "no query": (b"{}", 422, 400, 400),
    "a query of a wrong type": (b'{"query": 1}', 422, 400, 400),
    "variables of a wrong type": (b'{"query": "{ __typename }", "variables": []}', 422, 400, 400),
    "no GraphQL": (b'{"query": "{"}', 400, 400, 200),
    "an unknown document": (UNKNOWN, 400, 400, 200),
    "an unknown field": (b'{"query": "{ nonsense }"}', 422, 400, 200),
    "no such operation": (b'{"query": "query A { __typename } query B { __typename }"}', 422, 400, 200),
    "a missing variable": (b'{"query": "query ($id: ID!) { node(id: $id) { id } }"}', 422, 400, 200),
    "an answer in part": (b'{"query": "{ __typename node(id: \\"x\\") { id } }"}', 294, 200, 200),
    "an answer": (b'{"query": "{ __typename }"}', 200, 200, 200),
}
"""Body, and its status: by the edition, by the older one, and as plain JSON."""


async def status(http, body: bytes, accept: str) -> int:
    headers = {"Content-Type": "application/json", "Accept": accept}
    return (await http.post("/graphql", content=body, headers=headers)).status_code


@pytest.mark.parametrize(("body", "edition", "_older", "plain"), ANSWERS.values(), ids=ANSWERS)
async def test_the_status_is_the_one_of_the_edition(http, body, edition, _older, plain):
    assert await status(http, body, RESPONSE) == edition
    assert await status(http, body, "application/json") == plain


@pytest.fixture(scope="module")
async def older(environment):
    async with (
        serving(environment | {"GRAPHQL_OVER_HTTP": "older"}) as server,
        httpx2.AsyncClient(base_url=server.url, timeout=10, verify=NO_TLS) as client,
    ):
        yield client


@pytest.mark.parametrize(("body", "_edition", "expected", "plain"), ANSWERS.values(), ids=ANSWERS)
async def test_a_setting_brings_the_older_codes(older, body, _edition, expected, plain):
    assert await status(older, body, RESPONSE) == expected
    assert await status(older, body, "application/json") == plain


async def test_the_method_query_runs_queries_alone(http):
    query = await http.request("QUERY", "/graphql", json={"query": "{ __typename }"})
    mutation = await http.request(
        "QUERY", "/graphql", json={"query": 'mutation { registerForEvent(input: {eventId: "x"}) { errors { code } } }'}
    )

    assert query.json() == {"data": {"__typename": "Query"}}
    assert query.headers["accept-query"] == "application/json"
    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")


async def test_other_methods_and_types_are_told_what_is_understood(http):
    put = await http.put("/graphql", json={"query": "{ __typename }"})
    text = await http.request("QUERY", "/graphql", content=b"{ __typename }", headers={"Content-Type": "text/plain"})
    get = await http.get("/graphql", params={"query": "{ __typename }"})

    assert (put.status_code, put.headers["allow"]) == (405, "GET, POST, QUERY")
    assert (text.status_code, text.headers["accept-query"]) == (415, "application/json")
    assert get.headers["accept-query"] == "application/json"
