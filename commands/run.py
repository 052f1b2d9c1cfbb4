"""`wingding run`: everything in one go, for development. Embedded servers, migrations, demo data, API and worker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from urllib.request import urlopen

import asyncpg

from commands.demo.people import ACCOUNTS, PASSWORD
from commands.listening import listen
from commands.local import need_home, telling_why
from commands.revisions import newest_revision
from database import dsn_of
from errors import StartError
from integrations import keeper
from integrations.embedded import EmbeddedServers
from settings import Settings

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0
FIRST_QUERY = "{ events(first: 3, filter: {timings: [UPCOMING]}) { nodes { title startsAt venue { name } } } }"


class Stopped(Exception):
    """Ctrl-C or SIGTERM."""


def main(settings: Settings, _arguments: Namespace) -> int:
    """Serve until told to stop; nothing is left running afterwards."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        with ExitStack() as stack:
            need_home(settings)
            listen(settings).close()
            is_own_database = not settings.database_url
            environment = _environment(settings, stack)
            is_stale = _prepare(environment, with_demo_data=is_own_database)
            api = stack.enter_context(_process(environment, "serve"))
            _wait_for_api(settings, api)
            worker = stack.enter_context(_process(environment, "worker"))
            print(_banner(settings, is_stale=is_stale), flush=True)
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


def _environment(settings: Settings, stack: ExitStack) -> dict[str, str]:
    """For our processes: real servers where they are set, embedded ones else."""
    urls = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    if not all(urls.values()):
        embedded = stack.enter_context(EmbeddedServers(settings.wingding_home)).urls
        urls = {
            "DATABASE_URL": settings.database_url or embedded.database,
            "REDIS_URL": settings.redis_url or embedded.redis,
        }
    return os.environ | urls | {"WINGDING_HOME": str(settings.wingding_home.resolve())}


def _prepare(environment: dict[str, str], *, with_demo_data: bool) -> bool:
    """Migrate and load demo data where that is still to do. Demo data goes only into the embedded database.

    True if it was loaded so long ago that all its events are over.
    """
    is_migrated, has_people, has_coming = asyncio.run(_state(environment["DATABASE_URL"]))
    steps = [] if is_migrated else ["migrate"]
    steps += ["seed"] if with_demo_data and not has_people else []
    for step in steps:
        done = subprocess.run([sys.executable, "-m", "commands", step], cwd=ROOT, env=environment, check=False)
        if done.returncode:
            raise StartError(f"`wingding {step}` failed; its message stands above")
    return with_demo_data and has_people and not has_coming


async def _state(database_url: str) -> tuple[bool, bool, bool]:
    """Return whether the database is migrated, whether it has users, and whether it has upcoming events."""
    with telling_why():
        connection = await asyncpg.connect(dsn_of(database_url))
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return False, False, False
        applied = "SELECT EXISTS (SELECT FROM alembic_applied WHERE revision = $1)"
        is_known = await connection.fetchval("SELECT to_regclass('alembic_applied') IS NOT NULL")
        is_migrated = bool(is_known and await connection.fetchval(applied, newest_revision()))
        has_people = await connection.fetchval("SELECT EXISTS (SELECT FROM users)")
        has_coming = await connection.fetchval("SELECT EXISTS (SELECT FROM events WHERE ends_at > now())")
        return is_migrated, has_people, has_coming
    finally:
        await connection.close()


@contextmanager
def _process(environment: dict[str, str], command: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of our processes, under a keeper, so that it ends even if we are killed."""
    arguments = [str(int(signal.SIGTERM)), "-1", "-1", sys.executable, "-m", "commands", command]
    with subprocess.Popen(
        [sys.executable, "-I", str(keeper.__file__), *arguments],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=ROOT,
        env=environment,
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
            with urlopen(f"{_local_url(settings)}/healthz", timeout=2):
                return
        except OSError:
            pass
        time.sleep(0.05)
    sys.exit("wingding: the API did not start; its message stands above")


def _local_url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{host}:{settings.port}"


def _banner(settings: Settings, *, is_stale: bool) -> str:
    url = _local_url(settings)
    lines = ["", f"Wingding serves GraphQL at {url}/graphql"]
    if settings.has_explorer:
        lines.append(f"Explorer (in a browser):   {url}/graphql")
    if not settings.smtp_url and not settings.is_production:
        lines.append(f"Mail that was sent:        {url}/dev/mailbox")
    lines += ["", f"Demo accounts, all with the password {PASSWORD}:"]
    lines += [f"  {handle:<8}{role}" for handle, _, role, _ in ACCOUNTS]
    lines += [
        "",
        "A first query:",
        f"  curl -s {url}/graphql -H 'content-type: application/json' \\",
        f'    -d \'{{"query": "{FIRST_QUERY}"}}\'',
        "",
        *([f"All events are over by now. For new demo data stop, and delete {settings.wingding_home}."] * is_stale),
        "Ctrl-C stops everything and keeps the data.",
        "",
    ]
    return "\n".join(lines)
