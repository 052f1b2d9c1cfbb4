"""Lines of the log: in order, complete, and written together."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import signal
import subprocess
from pathlib import Path

import httpx2
import orjson
import structlog
from structlog.typing import FilteringBoundLogger

from commands.logs import AS_JSON, LATEST, LineWriter
from tests.clients import ServerProcess
from tests.transport.http.test_http import TYPENAME
from transport.observing.tracing import marks


class File(io.StringIO):
    """Counts how often something was written."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


async def test_lines_of_a_moment_are_written_together():
    file = File()
    lines = LineWriter(file)

    for number in range(5):
        lines.info(f"line {number}")
    before = file.getvalue()
    await asyncio.sleep(LATEST * 3)

    assert before == ""
    assert file.getvalue().splitlines() == [f"line {number}" for number in range(5)]
    assert file.writes == 1


async def test_a_warning_does_not_wait_and_keeps_the_order():
    file = File()
    lines = LineWriter(file)

    lines.info("first")
    lines.warning("second")
    found = file.getvalue()
    lines.info("third")
    await asyncio.sleep(LATEST * 3)

    assert found == "first\nsecond\n"
    assert file.getvalue() == "first\nsecond\nthird\n"


def test_lines_without_an_event_loop_or_after_its_end_are_written():
    file = File()
    lines = LineWriter(file)

    async def main(words: str) -> None:
        lines.info(words)

    lines.info("before")
    asyncio.run(main("within"))
    asyncio.run(main("within another"))
    lines.info("after")

    assert file.getvalue().splitlines() == ["before", "within", "within another", "after"]


def logger_into(lines: LineWriter) -> FilteringBoundLogger:
    wrapper = structlog.make_filtering_bound_logger(logging.INFO)
    return structlog.wrap_logger(lines, processors=AS_JSON, wrapper_class=wrapper)  # type: ignore[no-any-return]  # structlog types it as Any


def test_a_line_says_what_happened_when_and_for_which_request():
    file = File()
    token = marks.set({"request_id": "r", "trace_id": "t"})
    log = logger_into(LineWriter(file))

    log.info("short", number=1, odd={1: object})
    log.bind(bound=2).info("%s way", "long", number=3)
    log.warning("careful")
    marks.reset(token)

    short, long, careful = (orjson.loads(line) for line in file.getvalue().splitlines())
    assert short.pop("timestamp").endswith("Z")
    assert short == {
        "event": "short",
        "level": "info",
        "number": 1,
        "odd": {"1": "<class 'object'>"},
        "request_id": "r",
        "trace_id": "t",
    }
    assert (long["event"], long["bound"], long["number"], long["level"]) == ("long way", 2, 3, "info")
    assert (careful["event"], careful["level"]) == ("careful", "warning")


def test_a_traceback_tells_no_values():
    file = File()
    password = "secret value"

    try:
        raise RuntimeError(len(password))
    except RuntimeError:
        logger_into(LineWriter(file)).exception("bad")

    line = orjson.loads(file.getvalue())
    assert "RuntimeError: 12" in line["exception"]
    assert password not in line["exception"]


def test_no_line_is_lost_when_a_server_is_told_to_end(environment: dict[str, str], tmp_path: Path):
    server = ServerProcess(environment, log=tmp_path / "log")
    try:
        with httpx2.Client() as client:
            for _ in range(50):
                client.post(f"{server.url}/graphql", json=TYPENAME)
        os.kill(server.process.pid, signal.SIGTERM)
        server.process.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        raise

    lines = [orjson.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    found = [line for line in lines if line["event"] == "operation"]
    assert len(found) == 50
    assert len({line["request_id"] for line in found}) == 50
