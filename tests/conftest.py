"""Real PostgreSQL and Redis in a scratch folder; one database for each worker, emptied between tests."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

import models
from app import make_ports
from commands.migrations import migrate
from integrations.embedded import EmbeddedServers
from schema import Schema
from schema.core.ports import Ports
from settings import Settings
from tests.clients import Client, ServerProcess, shared_schema
from tests.factories import standing_now
from tests.jobs import Jobs
from tests.rows import Rows

SCRATCH_ENVIRONMENT = {
    "PASSWORD_HASH_MEMORY": "1024",
    "SIGN_UPS_PER_ADDRESS": "100000",
    "SIGN_IN_ATTEMPTS_PER_ADDRESS": "100000",
    "LOG_FORMAT": "json",
    # Every test holds for both: `EXECUTION=reference make test`.
    "EXECUTION": os.environ.get("EXECUTION", "engine"),
    "COST_PER_MINUTE": "0",
    "GUEST_COST_PER_MINUTE": "0",
    "QUOTAS": "off",
}


def pytest_sessionstart() -> None:
    """What is there now stays: the collector of cycles need not go through all of it again and again."""
    gc.freeze()
    gc.enable()


def pytest_collection_finish() -> None:
    """Nor through half a million objects of what was collected."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """Embedded servers of this worker. They end with it, whatever ends it."""
    with tempfile.TemporaryDirectory(prefix="wingding-tests-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        with EmbeddedServers(Path(folder) / "дом и сад", lossy=True) as running:
            yield running


@pytest.fixture(scope="session")
def environment(servers: EmbeddedServers) -> dict[str, str]:
    """Settings of every server under test, as environment variables."""
    urls = {"DATABASE_URL": servers.urls.database, "REDIS_URL": servers.urls.redis}
    found = urls | SCRATCH_ENVIRONMENT | {"WINGDING_HOME": str(servers.home)}
    asyncio.run(migrate(servers.urls.database))
    return found


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> Settings:
    return Settings.load(environment)


@pytest.fixture(scope="session")
async def ports(settings: Settings) -> AsyncIterator[Ports]:
    made = make_ports(settings)
    await made.hub.connect()
    yield made
    await made.hub.disconnect()
    await made.redis.disconnect()
    await made.database.dispose()


@pytest.fixture(scope="session")
def schema() -> Schema:
    return shared_schema()


@pytest.fixture(autouse=True)
def one_moment() -> Iterator[None]:
    """The factories' clock stands while a test runs."""
    with standing_now():
        yield


@pytest.fixture(scope="session")
async def rows(settings: Settings) -> AsyncIterator[Rows]:
    made = Rows(settings.database_url)
    yield made
    await made.close()


@pytest.fixture
async def tables(rows: Rows) -> AsyncIterator[None]:
    """Emptied in the end."""
    yield
    await rows.empty()


@pytest.fixture(autouse=True)
def empty_tables(request: pytest.FixtureRequest) -> None:
    """Every test begins with empty tables. A test that needs no database pays nothing, not even a turn of the loop."""
    if "ports" in request.fixturenames:
        request.getfixturevalue("tables")


@pytest.fixture
def save(ports: Ports, rows: Rows) -> Callable[..., Awaitable[None]]:
    """Write rows as they are, in one transaction: those first to which others refer."""
    return partial(rows.write, ports.database)


@pytest.fixture
def count(ports: Ports) -> Callable[..., Awaitable[int]]:
    """How many rows a table has, narrowed by conditions."""

    async def counted(entity: type[models.Base], *where: Any) -> int:
        async with ports.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(entity).where(*where)) or 0

    return counted


@pytest.fixture
def row(ports: Ports) -> Callable[..., Awaitable[Any]]:
    """A row by its key, as it is in the database now."""

    async def read(entity: type[models.Base], key: Any) -> Any:
        async with ports.database.reading() as session:
            return await session.get_one(entity, key)

    return read


@pytest.fixture
def happened(ports: Ports) -> Callable[..., Awaitable[list[dict[str, Any]]]]:
    """Metadata of the domain events of one name, oldest first."""

    async def read(name: str) -> list[dict[str, Any]]:
        found = select(models.OutboxEvent.event_metadata).where(models.OutboxEvent.name == name)
        async with ports.database.reading() as session:
            return list(await session.scalars(found.order_by(models.OutboxEvent.id)))

    return read


@pytest.fixture
def client(schema: Schema, ports: Ports) -> Callable[..., Client]:
    """`client(user)` speaks GraphQL to the schema as that user, `client()` as a guest."""

    def make(user: models.User | None = None, *, language: str = "en") -> Client:
        return Client(schema, ports, user, language)

    return make


@pytest.fixture
def start_server(environment: dict[str, str]) -> Iterator[Callable[..., ServerProcess]]:
    """Start real server processes over the test database: `start_server(SETTING="value")`."""
    running: list[ServerProcess] = []

    def start(**overrides: str) -> ServerProcess:
        running.append(ServerProcess(environment | overrides))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def run_jobs(ports: Ports, servers: EmbeddedServers) -> Jobs:
    """`mails = await run_jobs()` runs all jobs that are due, in this process."""
    return Jobs(ports, servers.urls.database)


@pytest.fixture
def sound_builders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A builder of the engine may fail only where a value is at fault, which then is told as an error."""
    failed: list[Any] = []
    monkeypatch.setattr("engine.execute.log", SimpleNamespace(error=lambda *_, **told: failed.append(told)))
    yield
    assert failed == []
