"""`wingding run` as a newcomer meets it: starts, serves, stops, leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from commands.run import FIRST_QUERY
from tests.clients import ROOT, free_port
from tests.tools.shifted import compiler, moved_clock

pytestmark = pytest.mark.outside
COUNT = "{ events { totalCount } }"


class Running:
    """`wingding run` over a folder of its own."""

    def __init__(self, home: Path, **changed: str) -> None:
        self.home, self.port = home, free_port()
        environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        environment |= {"WINGDING_HOME": str(home), "PORT": str(self.port), "PYTHONUNBUFFERED": "1"} | changed
        self.began = time.monotonic()
        self.output = (home.parent / f"output-{self.port}.txt").open("a+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "commands", "run"], cwd=ROOT, env=environment, stdout=self.output, stderr=self.output
        )

    def ask(self, query: str) -> dict[str, Any]:
        """The answer's data."""
        answer = httpx2.post(f"http://127.0.0.1:{self.port}/graphql", json={"query": query}, timeout=5)
        return dict(answer.json()["data"])

    def count_events(self) -> int:
        """The first answer, however long it takes to come (30 s at most)."""
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                count = int(self.ask(COUNT)["events"]["totalCount"])
                self.answered_after = time.monotonic() - self.began
                return count
            except httpx2.TransportError:
                time.sleep(0.05)
        self.output.seek(0)
        raise AssertionError(f"no answer: {self.output.read()}")

    def wait_for_banner(self) -> str:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            self.output.seek(0)
            text = self.output.read()
            if "Ctrl-C" in text:
                return text
            time.sleep(0.05)
        raise AssertionError("nothing was printed")

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def close(self) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGTERM)
        self.output.close()


def left_behind(home: Path) -> list[str]:
    """Command lines of processes that still know the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(home).encode() in text:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


def wait_until_gone(home: Path) -> None:
    until = time.monotonic() + 20
    while left_behind(home) and time.monotonic() < until:
        time.sleep(0.1)
    assert left_behind(home) == []


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wingding-run-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder) / "дом и сад"
        wait_until_gone(Path(folder) / "дом и сад")


@pytest.fixture
def run(home: Path) -> Iterator[Callable[..., Running]]:
    """Start `wingding run` over a folder; whatever still runs at the end is ended."""
    started: list[Running] = []

    def start(folder: Path, **changed: str) -> Running:
        folder.mkdir(exist_ok=True)
        started.append(Running(folder, **changed))
        return started[-1]

    yield start
    for running in started:
        running.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_demo_data_stops_cleanly_and_keeps_the_data(
    home: Path, run: Callable[..., Running], number: signal.Signals
) -> None:
    first = run(home)
    count = first.count_events()
    banner = first.wait_for_banner()
    shown = first.ask(FIRST_QUERY)["events"]["nodes"]
    assert first.end(number) == 0
    assert left_behind(home) == []

    second = run(home)
    again = second.count_events()
    second.wait_for_banner()
    second.end(number)

    assert count == again > 100
    assert len(shown) == 3
    assert second.answered_after < 30
    for expected in ("/graphql", "wingding-demo", "ada", "curl"):
        assert expected in banner


def test_nothing_outlives_a_kill_and_the_data_survive_it(home: Path, run: Callable[..., Running]) -> None:
    first = run(home)
    count = first.count_events()
    first.wait_for_banner()

    first.end(signal.SIGKILL)

    wait_until_gone(home)
    second = run(home)
    assert second.count_events() == count
    second.wait_for_banner()
    second.end(signal.SIGTERM)


def test_two_can_run_beside_each_other_but_not_over_one_folder(home: Path, run: Callable[..., Running]) -> None:
    first, second = run(home), run(home.parent / "other")
    first.count_events()
    second.count_events()
    third = run(home)

    code = third.process.wait(20)

    third.output.seek(0)
    assert code != 0
    assert "in use" in third.output.read()
    for running in (first, second):
        running.wait_for_banner()
        assert running.end(signal.SIGTERM) == 0


@pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
def test_it_says_that_its_demo_data_are_of_long_ago(home: Path, run: Callable[..., Running]) -> None:
    first = run(home)
    banner = first.wait_for_banner()
    assert first.end(signal.SIGTERM) == 0
    with moved_clock(timedelta(days=90), compiler() or []) as later:
        second = run(home, **later)
        later_banner = second.wait_for_banner()
        found = second.ask("{ upcoming: events(first: 1, filter: {timings: [UPCOMING]}) { nodes { id } } }")
        assert second.end(signal.SIGTERM) == 0

    assert "All events are over by now" not in banner
    assert f"All events are over by now. For new demo data stop, and delete {home}" in later_banner
    assert found["upcoming"]["nodes"] == []
