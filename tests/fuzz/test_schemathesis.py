"""Every root field with generated input, as guest, user and admin: no answer is a 5xx and no error is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from schemathesis.graphql import nodes
from sqlalchemy import text

import models
from tests.clients import NO_TLS, ROOT, ServerProcess
from tests.factories import in_days, make_user, now

schemathesis.graphql.scalar("Decimal", strategies.decimals(allow_nan=True).map(str).map(nodes.String))

EXAMPLES = {"quick": 2, "thorough": 15}
"""For each root field."""
ENDS_THE_SESSION = {"signOut", "signOutEverywhere", "revokeSession", "deleteAccount"}
"""Not run with a token: what follows would be refused as a guest's."""
ROLES = {"guest": None, "user": models.Role.USER, "admin": models.Role.ADMIN}


@pytest.fixture(scope="module")
def server(environment: dict[str, str]) -> Iterator[ServerProcess]:
    running = ServerProcess(environment)
    yield running
    running.stop()


async def token_of(role: models.Role | None, ports: Any, save: Any) -> str | None:
    if role is None:
        return None
    user = make_user(role=role)
    session = models.Session(id=models.uuid7(), user_id=user.id, expires_at=in_days(1), last_used_at=now())
    await save(user)
    await save(session)
    return str(ports.tokens.issue(user.id, session.id)[0])


@cache
def operations() -> list[Any]:
    schema = schemathesis.graphql.from_path(str(ROOT / "schema.graphql"))
    return [found.ok() for found in schema.get_all_operations()]


@cache
def generated(operation: Any, examples: int) -> list[str]:
    """Documents for one root field, the same ones for every role."""
    documents: list[str] = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def keep(case: Any) -> None:
        documents.append(case.body)

    keep()
    return documents


def fuzz(url: str, token: str | None, examples: int) -> tuple[int, list[str]]:
    """How many calls were made, and the faults found."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    faults: list[str] = []
    calls = 0
    with httpx2.Client(base_url=url, headers=headers, timeout=20, verify=NO_TLS) as http:
        for operation in operations():
            name = operation.definition.field_name
            if token and name in ENDS_THE_SESSION:
                continue
            for document in generated(operation, examples):
                calls += 1
                response = http.post("/graphql", json={"query": document})
                codes = {error["extensions"]["code"] for error in response.json().get("errors", ())}
                if response.status_code >= 500 or codes & {"INTERNAL", "UNAUTHENTICATED" if token else ""}:
                    faults.append(f"{name}: {response.status_code} {codes}\n{document}")
    return calls, faults


@pytest.mark.parametrize("depth", ["quick", pytest.param("thorough", marks=pytest.mark.outside)])
async def test_no_generated_operation_breaks_the_server(server, ports, save, depth):
    for name, role in ROLES.items():
        token = await token_of(role, ports, save)

        calls, faults = await asyncio.to_thread(fuzz, server.url, token, EXAMPLES[depth])

        assert "\n\n".join(faults) == "", name
        assert calls > 20, name
        async with ports.database.reading() as session:
            assert await session.scalar(text("SELECT 1")) == 1
