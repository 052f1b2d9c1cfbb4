"""`wingding run`: everything in one go, for development. Embedded servers, migrations, demo data, API and worker."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

import httpx

from commands import demo_texts as texts
from commands.migrations import migrate
from commands.seed import seed
from integrations import keeper
from integrations.embedded import EmbeddedServers
from settings import Settings

START_SECONDS = 30.0
FIRST_QUERY = "{ events(first: 3, filter: {timing: UPCOMING}) { nodes { title startsAt venue { name } } } }"


class Stopped(Exception):
    """Ctrl-C or SIGTERM."""


def main(settings: Settings, _arguments: Namespace) -> int:
    """Serve until told to stop; nothing is left running afterwards."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        with ExitStack() as stack:
            _check_port(settings)
            settings = _with_servers(settings, stack)
            environment = os.environ | {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
            api = stack.enter_context(_process(environment, "serve"))
            worker = stack.enter_context(_process(environment, "worker"))
            _wait_for_api(settings, api)
            print(_banner(settings), flush=True)
            while api.poll() is None and worker.poll() is None:
                time.sleep(0.5)
            print("wingding: a process has ended unexpectedly; stopping", file=sys.stderr)
            return 1
    except Stopped:
        return 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            sys.exit(
                f"wingding: {settings.host}:{settings.port} cannot be used ({error.strerror}); choose HOST and PORT"
            )


def _with_servers(settings: Settings, stack: ExitStack) -> Settings:
    """Real servers where they are set, embedded ones else. Demo data goes only into the embedded database."""
    is_own_database = not settings.database_url
    if not (settings.database_url and settings.redis_url):
        urls = stack.enter_context(EmbeddedServers(settings.wingding_home)).urls
        settings = replace(
            settings, database_url=settings.database_url or urls.database, redis_url=settings.redis_url or urls.redis
        )
    asyncio.run(migrate(settings.database_url))
    if is_own_database:
        asyncio.run(seed(settings.database_url))
    return settings


@contextmanager
def _process(environment: dict[str, str], command: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of our processes, under a keeper, so that it ends even if we are killed."""
    arguments = [str(int(signal.SIGTERM)), "-1", "-1", sys.executable, "-m", "commands", command]
    with subprocess.Popen(
        [sys.executable, "-I", str(keeper.__file__), *arguments],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=Path(__file__).parent.parent,
        env=environment | {"WINGDING_HOME": str(Path(environment.get("WINGDING_HOME", "var")).resolve())},
    ) as kept:
        try:
            yield kept
        finally:
            assert kept.stdin is not None
            kept.stdin.close()
            kept.wait()


def _wait_for_api(settings: Settings, api: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while api.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(f"{_local_url(settings)}/healthz", timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    sys.exit("wingding: the API did not start; its message stands above")


def _local_url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{host}:{settings.port}"


def _banner(settings: Settings) -> str:
    url = _local_url(settings)
    lines = ["", f"Wingding serves GraphQL at {url}/graphql"]
    if settings.has_explorer:
        lines.append(f"Explorer (in a browser):   {url}/graphql")
    if not settings.smtp_url and not settings.is_production:
        lines.append(f"Mail that was sent:        {url}/dev/mailbox")
    lines += ["", f"Demo accounts, all with the password {texts.PASSWORD}:"]
    lines += [f"  {handle:<8}{role}" for handle, _, role, _ in texts.ACCOUNTS]
    lines += [
        "",
        "A first query:",
        f"  curl -s {url}/graphql -H 'content-type: application/json' \\",
        f'    -d \'{{"query": "{FIRST_QUERY}"}}\'',
        "",
        "Ctrl-C stops everything and keeps the data.",
        "",
    ]
    return "\n".join(lines)
