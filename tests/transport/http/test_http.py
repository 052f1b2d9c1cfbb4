"""GraphQL over HTTP as a client sees it that means no good. The specification's own audits are in tests/outside."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.clients import gid
from tests.factories import make_user

TYPENAME = {"query": "{ __typename }"}
RESPONSE = "application/graphql-response+json"


async def raw(server, request: bytes, *, seconds: float = 5.0) -> bytes:
    """What the server answers to these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json; charset=utf-8"),
        ("*/*", "application/json; charset=utf-8"),
        ("application/*", "application/json; charset=utf-8"),
        (RESPONSE, f"{RESPONSE}; charset=utf-8"),
        (f"{RESPONSE}; charset=utf-8", f"{RESPONSE}; charset=utf-8"),
        (f"{RESPONSE};q=0.5, application/json", "application/json; charset=utf-8"),
        (f"application/json;q=0.5, {RESPONSE};q=0.9", f"{RESPONSE}; charset=utf-8"),
        (f"{RESPONSE}, application/json", f"{RESPONSE}; charset=utf-8"),
        (f"{RESPONSE};q=0, */*;q=0.1", "application/json; charset=utf-8"),
        ("application/json;q=0, */*", f"{RESPONSE}; charset=utf-8"),
        (f"application/json;q=0, {RESPONSE}", f"{RESPONSE}; charset=utf-8"),
        ("APPLICATION/JSON; Q=0.2, application/*; q=0.1", "application/json; charset=utf-8"),
        ('application/json; charset="utf-8"', "application/json; charset=utf-8"),
        ('application/json; charset="UTF-8", */*;q=0', "application/json; charset=utf-8"),
    ],
)
async def test_the_answer_has_the_type_that_the_client_likes_best(http, accept, expected):
    response = await http.post("/graphql", json=TYPENAME, headers={"Accept": accept})

    assert (response.status_code, response.headers["content-type"]) == (200, expected)


@pytest.mark.parametrize(
    "accept",
    [
        "text/plain",
        f"{RESPONSE};q=0",
        "application/json; charset=utf-16",
        "*/*;q=0",
        "application/*;q=0, */*;q=0.000",
        "application/json;q=2",
    ],
)
async def test_a_client_that_takes_neither_type_is_refused(http, accept):
    response = await http.post("/graphql", json=TYPENAME, headers={"Accept": accept})

    assert response.status_code == 406


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
async def test_a_body_of_another_type_is_refused(http, content_type):
    response = await http.post("/graphql", content=b'{"query":"{__typename}"}', headers={"Content-Type": content_type})

    assert response.status_code == 415


async def test_get_runs_queries_alone(http):
    query = await http.get("/graphql", params={"query": "{ __typename }"})
    mutation = await http.get(
        "/graphql", params={"query": 'mutation { registerForEvent(input: {eventId: "x"}) { errors { code } } }'}
    )
    put = await http.put("/graphql", json=TYPENAME)

    assert query.json() == {"data": {"__typename": "Query"}}
    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    assert (put.status_code, put.headers["allow"]) == (405, "GET, POST, QUERY")


async def test_a_subscription_is_sent_elsewhere(http):
    response = await http.post(
        "/graphql", json={"query": 'subscription { availabilityChanged(eventId: "x") { __typename } }'}
    )

    assert response.status_code == 400
    assert "/graphql/stream" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"5",
        b'"text"',
        b"[]",
        b'[{"query":"{__typename}"}]',
        b"{}",
        b'{"query": 1}',
        b'{"query": ""}',
        b'{"query": "{__typename}", "variables": []}',
        b'{"query": "{__typename}", "variables": "{}"}',
        b'{"query": "{__typename}", "operationName": 1}',
        b'{"query": "{__typename}", "extensions": 1}',
        b'{"query": "{__typename}", "variables": {"a": NaN}}',
        b'{"query": "{__typename}", "variables": {"a": 1e999}}',
        b'{"query": "{__typename}", "variables": {"a": "\\ud800"}}',
        b'{"query": "\xff"}',
        b'{"variables":' + b"[" * 60000 + b"]" * 60000 + b"}",
        b"[" * 60000,
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)
async def test_what_is_no_request_is_told_so(http, body):
    response = await http.post("/graphql", content=body, headers={"Content-Type": "application/json"})

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        (b"Content-Length: 140000\r\n\r\n", 413),
        (b"Content-Length: 999999999999999999\r\n\r\n", 413),
        (b"Transfer-Encoding: chunked\r\n\r\n" + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 9, 413),
        (b'Content-Length: 100\r\n\r\n{"query"', 408),
        (b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"que\r\n', 408),
    ],
    ids=["declared", "absurd", "chunked", "half", "half chunked"],
)
async def test_a_body_too_large_or_too_slow_is_cut_off(server, rest, status):
    answer = await raw(server, HEAD + rest)

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_token_that_is_not_good_is_no_guest(http, sign_in):
    good = await sign_in()

    answers = [
        await http.post("/graphql", json=TYPENAME, headers={"Authorization": header})
        for header in (f"Bearer {good}", f"Bearer {good}x", "Basic eDp5", "Bearer")
    ]

    assert [answer.status_code for answer in answers] == [200, 401, 401, 401]
    assert answers[1].json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "TOKEN_INVALID"}
    assert answers[1].headers["www-authenticate"].startswith("Bearer")


async def test_the_token_says_who_is_calling(http, sign_in):
    ada = make_user()

    token = await sign_in(ada)
    response = await http.post(
        "/graphql", json={"query": "{ viewer { user { id } } }"}, headers={"Authorization": f"Bearer {token}"}
    )

    assert response.json() == {"data": {"viewer": {"user": {"id": gid(ada)}}}}


async def test_every_answer_has_an_id_and_safe_headers(http):
    own = await http.post("/graphql", json=TYPENAME, headers={"X-Request-ID": "abc-1"})
    made = await http.post("/graphql", json=TYPENAME, headers={"X-Request-ID": "bad id!"})

    assert own.headers["x-request-id"] == "abc-1"
    assert len(made.headers["x-request-id"]) == 16
    assert own.headers["x-content-type-options"] == "nosniff"
    assert own.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert own.headers["cache-control"] == "no-store"


async def test_long_answers_are_compressed_and_short_ones_are_not(http):
    long = await http.post("/graphql", json={"query": "{ __schema { types { name fields { name } } } }"})
    short = await http.post("/graphql", json=TYPENAME)

    assert long.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in short.headers


@pytest.mark.parametrize(
    ("accept_encoding", "encoding"),
    [
        ("gzip", "gzip"),
        ("GZIP;q=0.5, br", "gzip"),
        ("*", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q=0.0, *", None),
        ("*;q=0", None),
        ("br", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("path", ["/graphql", "/metrics"])
async def test_answers_are_compressed_only_where_the_client_takes_it(http, path, accept_encoding, encoding):
    query = {"query": "{ __schema { types { name fields { name } } } }"}
    headers = {"Accept-Encoding": accept_encoding}

    method, body = ("POST", query) if path == "/graphql" else ("GET", None)
    answer = await http.request(method, path, json=body, headers=headers)

    assert answer.headers.get("content-encoding") == encoding


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, gzip"])
async def test_a_compressed_body_is_refused(http, encoding):
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}

    answer = await http.post("/graphql", content=b'{"query":"{ __typename }"}', headers=headers)

    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")


async def test_only_allowed_origins_may_read_answers(http):
    def preflight(origin: str) -> dict[str, str]:
        return {"Origin": origin, "Access-Control-Request-Method": "POST"}

    friend = await http.options("/graphql", headers=preflight("https://friend.example"))
    stranger = await http.options("/graphql", headers=preflight("https://stranger.example"))

    assert friend.headers["access-control-allow-origin"] == "https://friend.example"
    assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.parametrize("part", ["prepare", "admit", "_execute"])
async def test_a_fault_of_ours_is_an_answer_of_graphql_and_says_nothing(http, monkeypatch, part):
    async def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(f"transport.operations.operations.Operations.{part}", broken)
    with capture_logs() as lines:
        answer = await http.post("/graphql", json={"query": "{ __typename }"})

    assert answer.status_code == (200 if part == "_execute" else 500)
    (error,) = answer.json()["errors"]
    assert error == {"message": "Something went wrong on our side.", "extensions": {"code": "INTERNAL"}}
    assert [str(line["exc_info"]) for line in lines if line["log_level"] == "error"] == ["secret detail"]
