"""One server for all these tests, impatient so that they need not wait.

It ends with this folder: its relay would go on taking deliveries that tests of other folders want to see.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import uvicorn
from sqlalchemy import text

import models
from app import create_app
from commands.listening import listen
from commands.serve import configuration
from integrations.quick_redis import QuickRedis
from schema.core.ports import Ports
from settings import Settings
from tests.clients import NO_TLS, free_port
from tests.factories import in_days, make_user, now

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
IMPATIENT = {
    "BODY_TIMEOUT": "1",
    "CONNECTION_INIT_TIMEOUT": "1",
    "SEND_TIMEOUT": "2",
    "OPERATION_TIMEOUT": "1.5",
    "MAX_SOCKETS_PER_USER": "5",
    "MAX_OPERATIONS_PER_SOCKET": "3",
    "MAX_BODY_BYTES": "131072",
    "ALLOWED_ORIGINS": "https://friend.example",
}


@dataclass
class RunningServer:
    """Uvicorn as `wingding serve` sets it up, but in this process."""

    settings: Settings
    uvicorn: uvicorn.Server | None = None

    @property
    def port(self) -> int:
        return self.settings.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"


BOTH_WAYS = {
    "http",
    "editions",
    "limits",
    "deadlines",
    "persisted",
    "trusted",
    "budget",
    "cost",
    "health",
    "hostile_json",
}
"""Modules whose tests are run twice: by our protocol (`transport/http/direct.py`), and through ASGI."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    name = metafunc.module.__name__.rpartition(".test_")[2]
    if name in BOTH_WAYS and "server" in metafunc.fixturenames:
        metafunc.parametrize("server", ["direct", "asgi"], indirect=True)


@asynccontextmanager
async def serving(
    environment: dict[str, str], *, around: Callable[[Any], Any] = lambda app: app, **options: Any
) -> AsyncIterator[RunningServer]:
    """Tokens of the tests' own `ports` are good here: same keys, same issuer. `around` wraps the ASGI application,
    `options` are uvicorn's."""
    changed = environment | IMPATIENT | {"PORT": str(free_port())}
    impatient = Settings.load(changed)
    config = configuration(impatient, app=around(create_app(impatient)), factory=False, loop="none", **options)
    running = uvicorn.Server(config)
    task = asyncio.create_task(running._serve([listen(impatient)]))  # without its signal handlers
    while not running.started:  # uvicorn tells by no event
        await asyncio.sleep(0.02)
    try:
        yield RunningServer(impatient, running)
    finally:
        running.should_exit = True
        await task


@pytest.fixture(scope="package")
async def direct_server(environment: dict[str, str]) -> AsyncIterator[RunningServer]:
    async with serving(environment) as running:
        yield running


@pytest.fixture(scope="package")
async def asgi_server(environment: dict[str, str]) -> AsyncIterator[RunningServer]:
    async with serving(environment, http="httptools") as running:
        yield running


@pytest.fixture
def server(request: pytest.FixtureRequest) -> RunningServer:
    way = getattr(request, "param", "direct")
    found: RunningServer = request.getfixturevalue(f"{way}_server")
    return found


@pytest.fixture
async def http(server: RunningServer, ports: Ports) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=server.url, timeout=10, verify=NO_TLS) as client:
        yield client


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[QuickRedis]:
    """Redis as budgets and persisted documents use it, with patience for a busy machine."""
    made = QuickRedis(settings.redis_url, patience=5)
    yield made
    await made.disconnect()


@pytest.fixture
def sign_in(ports: Ports, save: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[str]]:
    """`await sign_in(user)` makes a session, and the user too unless `saved`; the answer is an access token."""

    async def make(user: models.User | None = None, *, saved: bool = False) -> str:
        user = user or make_user()
        session = models.Session(id=models.uuid7(), user_id=user.id, expires_at=in_days(1), last_used_at=now())
        if not saved:
            await save(user)
        await save(session)
        return ports.tokens.issue(user.id, session.id)[0]

    return make


@pytest.fixture
async def blocked(ports: Ports) -> AsyncIterator[None]:
    """Nobody can read or write events or venues."""
    async with ports.database.engine.connect() as connection:
        await connection.execute(text("LOCK TABLE events, venues IN ACCESS EXCLUSIVE MODE"))
        yield
        await connection.rollback()


def waiting_statements(ports: Ports) -> Callable[[], Awaitable[int]]:
    """Counts those that wait for a lock, for `until`."""

    async def count() -> int:
        async with ports.database.reading() as session:
            return await session.scalar(text(BLOCKED)) or 0

    return count


def none_waiting(ports: Ports) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await waiting_statements(ports)() == 0

    return check


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 20.0) -> Any:
    """Ask again and again until the answer is true."""
    end = asyncio.get_running_loop().time() + seconds
    while not (found := await condition()):
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError
        await asyncio.sleep(0.05)
    return found


async def metric(http: httpx2.AsyncClient, name: str) -> float:
    """A sample of /metrics, by its name and labels as printed."""
    lines = (await http.get("/metrics")).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)
