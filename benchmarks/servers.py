"""The servers that are measured: ours, and the peers over the same tables."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from benchmarks.machine import Cores
from settings import Settings

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).with_name("peers")
START_SECONDS = 60.0
POOL_SIZE = 10
ISSUER = "http://wingding.example"
PR_SET_PDEATHSIG = 1
OPEN_FILES = 8_192

MERCURIUS = ("mercurius", "fastify", "graphql-jit", "dataloader", "ioredis")
APOLLO = ("@as-integrations/fastify", "fastify", "dataloader", "ioredis", "graphql-ws", "ws", "graphql-yoga")

READS = frozenset({"feed", "event", "chat", "typename", "search", "inbox"})
WRITES = frozenset({"register hot", "register spread", "send", "read"})
ALL = READS | WRITES | {"mixed"}
GRAPHILE = ALL - {"search", "inbox", "mixed"}


@dataclass(frozen=True)
class Kind:
    """How to start a server, and which workloads it can serve."""

    name: str
    label: str
    command: tuple[str, ...]
    serves: frozenset[str] = ALL
    live: bool = False
    is_ours: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    documents: str = ""
    """Folder below `documents/` with documents of its own, where its schema differs from ours."""
    needs: tuple[str, ...] = ()
    """npm packages."""
    is_optional: bool = False
    """Whether it is started only where `BENCH_SERVERS` names it."""
    why_not: str = ""
    """Why it serves no more than it does."""


def _ours(
    name: str,
    label: str,
    command: tuple[str, ...] = ("commands", "serve"),
    *,
    is_optional: bool = False,
    serves: frozenset[str] = ALL,
    **environment: str,
) -> Kind:
    started = (sys.executable, "-m", *command)
    is_live = serves == ALL
    return Kind(
        name,
        label,
        started,
        live=is_live,
        is_ours=True,
        environment=environment,
        serves=serves,
        is_optional=is_optional,
    )


def _node(name: str, label: str, *needs: str, file: str = "", **options: Any) -> Kind:
    return Kind(name, label, ("node", file or f"{name}.mjs"), needs=(*needs, "graphql", "postgres"), **options)


def kinds() -> list[Kind]:
    """Every server. Ours runs with its engine and without, once there is a choice."""
    if any(item.name == "execution" for item in fields(Settings)):
        ours = [
            _ours("engine", "Wingding, engine", EXECUTION="engine"),
            _ours("reference", "Wingding, plain Strawberry", EXECUTION="reference"),
            _ours(
                "asgi",
                "Wingding, engine, through ASGI alone",
                ("benchmarks.peers.through_asgi",),
                is_optional=True,
                serves=READS,
                EXECUTION="engine",
            ),
        ]
    else:
        ours = [_ours("reference", "Wingding, plain Strawberry")]
    by_hand = (sys.executable, "-m", "benchmarks.peers.by_hand")
    return [
        *ours,
        _node("mercurius", "Mercurius, JIT and its loaders", *MERCURIUS, live=True),
        _node(
            "mercurius_dl",
            "Mercurius, JIT and DataLoader",
            *MERCURIUS,
            file="mercurius.mjs",
            environment={"RELATIONS": "dataloader"},
        ),
        _node("apollo", "Apollo Server, DataLoader, graphql-ws", "@apollo/server", *APOLLO, live=True),
        _node("yoga", "GraphQL Yoga, DataLoader", "graphql-yoga", "dataloader", "ioredis"),
        _node(
            "postgraphile",
            "PostGraphile 5",
            "postgraphile",
            documents="postgraphile",
            serves=GRAPHILE,
            why_not="its schema has no union of what news is about, and no words to search by",
        ),
        Kind(
            "by_hand",
            "one SQL by hand",
            by_hand,
            serves=frozenset({"feed", "typename"}),
            why_not="only these two are written by hand",
        ),
    ]


class NotStarted(Exception):
    """A server is not installed or does not answer; the message says why."""


@dataclass
class Running:
    """A started server."""

    kind: Kind
    port: int
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def path(self) -> str:
        return "/graphql"


def missing(kind: Kind) -> str | None:
    """Why a peer cannot be started; null where nothing is missing."""
    if kind.command[0] == "node" and shutil.which("node") is None:
        return "node is not installed"
    absent = [name for name in kind.needs if not (PEERS / "node_modules" / name / "package.json").exists()]
    return f"npm packages are not installed: {', '.join(absent)}" if absent else None


def environment(kind: Kind, *, port: int, database_url: str, redis_url: str, home: Path) -> dict[str, str]:
    """Return what a server is told. Ours runs as in production; nothing is measured in development mode."""
    url = urlsplit(database_url)
    told = {
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PGHOST": parse_qs(url.query)["host"][0],
        "PGDATABASE": url.path.strip("/"),
        "PGUSER": url.username or "",
        "POOL_SIZE": str(POOL_SIZE),
        "NODE_ENV": "production",
        "PYTHONPATH": str(ROOT),
    }
    if kind.is_ours:
        told |= {
            "ENVIRONMENT": "production",
            "WINGDING_HOME": str(home),
            "SIGNING_KEYS_FILE": str(home / "signing-keys.json"),
            "SECRET_KEY": "benchmarks " * 4,
            "PUBLIC_URL": ISSUER,
            "SMTP_URL": "smtp://127.0.0.1:9",
            "DATABASE_POOL_SIZE": str(POOL_SIZE),
            # All clients come from one address.
            "MAX_SOCKETS_PER_USER": "100000",
            # Budgets are kept and asked for, but are beyond what a load client can spend.
            "COST_PER_MINUTE": "1000000000000",
            "GUEST_COST_PER_MINUTE": "1000000000000",
            "QUOTAS": "off",
            # Only its own commits wake a relay: no server does another one's work.
            "RELAY_INTERVAL": "3600",
        }
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return kept | told | dict(kind.environment)


def _free_port() -> int:
    """Not a fixed one: two benchmarks at once must not measure each other's servers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(kind: Kind, *, cores: Cores, database_url: str, redis_url: str, home: Path) -> Iterator[Running]:
    """Run a server on a core of its own, as long as this block lasts. Raises `NotStarted`."""
    if reason := missing(kind):
        raise NotStarted(reason)
    port = _free_port()
    told = environment(kind, port=port, database_url=database_url, redis_url=redis_url, home=home)
    log = home / f"{kind.name}.log"

    def settle() -> None:
        os.sched_setaffinity(0, {cores.server})
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    folder = PEERS if kind.command[0] == "node" else ROOT
    with log.open("wb") as output:
        process = subprocess.Popen(
            kind.command, cwd=folder, env=told, stdout=output, stderr=output, preexec_fn=settle, start_new_session=True
        )
    try:
        server = Running(kind, port, process)
        _wait(server, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Running, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    body = b'{"query": "{ __typename }"}'
    request = Request(f"http://127.0.0.1:{server.port}{server.path}", body, {"content-type": "application/json"})
    while time.monotonic() < until and server.process.poll() is None:
        try:
            with urlopen(request, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
    raise NotStarted(f"it does not answer: {last[0][:200]}")
