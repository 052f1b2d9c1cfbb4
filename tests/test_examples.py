"""The examples tell the truth: they run against a real server with the demo data."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from commands.seed import seed
from tests.clients import ROOT, ServerProcess, free_port


@pytest.fixture
def worker(environment: dict[str, str]) -> Iterator[ServerProcess]:
    """Sends the mail."""
    process = ServerProcess(environment, ("worker",))
    yield process
    process.stop()


async def test_the_first_evening_ends_well(start_server, worker, ports):
    _, server = await asyncio.gather(seed(ports.settings.database_url), asyncio.to_thread(start_server))

    evening = await asyncio.to_thread(tell, server.url)

    assert evening.returncode == 0, evening.stdout + evening.stderr
    assert "follows the link in the mail and chooses a password" in evening.stdout
    assert evening.stdout.splitlines()[-1] == "Good night."


async def test_the_first_evening_fails_where_no_server_is():
    evening = await asyncio.to_thread(tell, f"http://127.0.0.1:{free_port()}")

    assert evening.returncode == 1
    assert "The evening went wrong. ConnectError" in evening.stderr


def tell(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "examples/first_evening.py"]
    environment = os.environ | {"WINGDING_URL": url}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
