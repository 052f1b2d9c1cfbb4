"""What orchestrators, Prometheus and people reading logs are told."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from sqlalchemy import text
from starlette.requests import Request
from structlog.testing import capture_logs

from commands.migrations import migrate
from commands.revisions import newest_revision
from database import Database
from realtime.hub import Hub
from tests.api.booking.test_registrations import an_event
from tests.clients import gid
from tests.factories import make_user
from tests.transport.conftest import metric
from transport.http.health import Health
from transport.observing.metrics import MAX_NAMES, OTHER, UNNAMED, Metrics
from transport.observing.tracing import trace_id_of


async def test_ready_means_migrated_as_far_as_this_code_knows(http, ports):
    async def run(*statements: str) -> None:
        async with ports.database.engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement), {"newest": newest_revision()})

    before = await http.get("/readyz")
    await run("DELETE FROM alembic_applied WHERE revision = :newest")
    during = await http.get("/readyz")
    healthy = await http.get("/healthz")
    start = await http.get("/")
    later = (
        "UPDATE alembic_version SET version_num = 'later'",
        "INSERT INTO alembic_applied VALUES (:newest), ('later')",
    )
    await run(*later)
    try:
        newer = await http.get("/readyz")
        done = await migrate(ports.settings.database_url)
    finally:
        await run(
            "UPDATE alembic_version SET version_num = :newest", "DELETE FROM alembic_applied WHERE revision = 'later'"
        )

    assert (before.status_code, before.json()) == (200, {"database": "ok", "redis": "ok"})
    assert (during.status_code, during.json()["database"]) == (503, "migrations are missing")
    assert healthy.status_code == 200
    assert start.status_code == 200 and 'href="/readyz"' in start.text
    assert newer.status_code == 200
    assert done == "nothing to do: it is at later, which is newer than this code"


async def test_without_redis_the_server_is_ready_and_says_so(ports):
    lonely = Health(replace(ports, hub=Hub("redis://127.0.0.1:1")), Metrics(), newest_revision)

    answer = await lonely.readyz(Request({"type": "http"}))

    assert answer.status_code == 200
    assert orjson.loads(answer.body) == {"database": "ok", "redis": "away; live messages wait"}


async def test_without_the_database_the_server_is_not_ready(settings, ports):
    away = Database(replace(settings, database_url="postgresql://x@127.0.0.1:1/x"))
    health = Health(replace(ports, database=away), Metrics(), newest_revision)

    ready = await health.readyz(Request({"type": "http"}))
    metrics = await health.metrics(Request({"type": "http"}))
    await away.dispose()

    assert (ready.status_code, orjson.loads(ready.body)["database"]) == (503, "away")
    assert metrics.status_code == 200


async def test_operations_are_counted_by_name_type_and_outcome(http):
    good = 'wingding_operations_total{operation="Counted",outcome="ok",transport="http",type="query"}'
    bad = 'wingding_operations_total{operation="Counted",outcome="refused",transport="http",type="query"}'
    before = (await metric(http, good), await metric(http, bad))

    await http.post("/graphql", json={"query": "query Counted { __typename }"})
    await http.post("/graphql", json={"query": "query Counted { nonsense }"})

    assert (await metric(http, good), await metric(http, bad)) == (before[0] + 1, before[1] + 1)
    assert await metric(http, 'wingding_operation_seconds_count{operation="Counted",type="query"}') >= 2


async def test_names_of_operations_cannot_fill_the_memory():
    metrics = Metrics()

    names = {metrics.name(f"Operation{number}", learn=True) for number in range(MAX_NAMES + 50)}

    assert len(names) == MAX_NAMES + 1
    assert metrics.name("Operation0", learn=False) == "Operation0"
    assert metrics.name("Failed", learn=False) == OTHER
    assert metrics.name(None, learn=True) == UNNAMED


async def test_the_outbox_is_measured(http, ports, save):
    await an_event(save, capacity=1)
    async with ports.database.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO outbox (id, name, subject_type, subject_id, occurred_at, metadata)"
                " VALUES (gen_random_uuid(), 'x', 'X', gen_random_uuid(), now() - interval '90 seconds', '{}')"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO outbox_deliveries (event_id, consumer, attempts, due_at)"
                " SELECT id, 'nobody', 0, now() FROM outbox WHERE name = 'x'"
            )
        )

    assert await metric(http, 'wingding_outbox_deliveries{consumer="nobody"}') == 1
    assert 89 < await metric(http, 'wingding_outbox_oldest_seconds{consumer="nobody"}') < 120


TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_each_operation_leaves_one_line(http, sign_in):
    ada = make_user()
    headers = {
        "Authorization": f"Bearer {await sign_in(ada)}",
        "X-Request-ID": "request-1",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    }

    with capture_logs() as lines:
        await http.post("/graphql", json={"query": "query Who { viewer { email } }"}, headers=headers)

    assert len(lines) == 1
    assert {name: lines[0][name] for name in ("event", "operation", "type", "outcome", "sql", "viewer")} == {
        "event": "operation",
        "operation": "Who",
        "type": "query",
        "outcome": "ok",
        "sql": 1,
        "viewer": str(ada.id),
    }
    assert headers["Authorization"] not in str(lines)


@pytest.mark.parametrize(
    ("header", "trace_id"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"00-{TRACE}-0000000000000000-01", None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"01-{TRACE}-b7ad6b7169203331", None),
        ("", None),
    ],
)
def test_a_trace_context_is_honoured_if_it_is_valid(header, trace_id):
    assert trace_id_of(header) == trace_id


async def test_an_error_of_ours_tells_nothing(http, save, monkeypatch):
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    _, event = await an_event(save, capacity=1)
    monkeypatch.setattr("database.Database.fetch", broken)
    query = "query ($id: ID!) { node(id: $id) { id ... on Event { title venue { name } } } }"

    with capture_logs() as lines:
        answer = await http.post("/graphql", json={"query": query, "variables": {"id": gid(event)}})

    assert answer.json()["errors"][0]["extensions"] == {"code": "INTERNAL"}
    assert answer.json()["errors"][0]["message"] == "Something went wrong on our side."
    assert "secret detail" not in answer.text
    assert any(line["event"] == "operation.failed" for line in lines)
