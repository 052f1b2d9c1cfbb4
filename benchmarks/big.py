"""`make bench BIG=1`: is every list flat on the big dataset, and does every large mutation hold? See README.md."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg

from benchmarks import big_reads, big_rows, big_writes, dataset
from benchmarks.big_reads import Asking, Line, Measuring, Timed
from benchmarks.big_rows import BigWorld
from benchmarks.big_writes import PostBox, Writing, Written
from benchmarks.lists import Question, Walk
from benchmarks.machine import Cores, parent
from benchmarks.servers import ROOT, Kind, Running, environment, kinds, started
from benchmarks.workloads import Callers
from integrations.embedded import EmbeddedServers
from schema import make_schema
from schema.core.metadata import graphql_schema_of

LOOKING, MEASURING = 120.0, 90.0
"""Seconds. On a machine with nothing else to do there is time for all."""
FEW = 4
"""Requests of the tenth, which only says how much there is to grow."""
FULL, TENTH = "bench_big", "bench_big_tenth"


def run(home: Path, cores: Cores) -> int:
    """Measure reads and then writes. Exit status 1 where a bar was missed, 2 where a list gave no answer."""
    cores.take_others()
    scale = float(os.environ.get("BIG", "1"))
    kind = next(one for one in kinds() if one.is_ours)
    with EmbeddedServers(home, lossy=True) as embedded:
        asyncio.run(_ready(embedded.urls.database, FULL, scale))
        asyncio.run(_ready(embedded.urls.database, TENTH, scale / 10))
        began = time.monotonic()
        bench = BigBench(home, cores, kind, embedded.urls.database, embedded.urls.redis)
        looked, full = bench.reads(FULL, scale)
        small = bench.reads_again(TENTH, scale / 10, {one.question.name for one in full})
        found = big_reads.lines(full, small)
        absent = big_reads.unmeasured(looked)
        _print(found, absent)
        written = bench.writes(FULL, scale)
        print("", big_writes.HEADER, *written, sep="\n")
    print(f"\nbenchmarks: measured in {time.monotonic() - began:.0f} s")
    if absent:
        return 2
    is_above = any(line.state == "ABOVE" for line in found) or any(one.is_above for one in written)
    return 1 if is_above else 0


async def _ready(server_url: str, name: str, scale: float) -> None:
    files = [Path(big_rows.__file__), *sorted(big_rows.FOLDER.glob("*.sql"))]
    wanted = f"{dataset.version(*files)} {scale:g}"
    await dataset.kept(server_url, name, wanted, lambda url: big_rows.fill(url, BigWorld.scaled(scale)))


class BigBench:
    """Serves the datasets and asks."""

    def __init__(self, home: Path, cores: Cores, kind: Kind, database_url: str, redis_url: str) -> None:
        self._home, self._cores, self._kind = home, cores, kind
        self._database_url, self._redis_url = database_url, redis_url
        self._callers = Callers(home, big_rows.identifier)

    def reads(self, name: str, scale: float) -> tuple[list[Timed], list[Timed]]:
        """Every question at a glance, then the slowest of each way, and those above their bar once more."""
        with self._measuring(name) as measuring:
            looked = measuring.look(_questions(scale), LOOKING)
            _say("looked")
            timed = measuring.measure(big_reads.slowest(looked), MEASURING)
            _say("measured")
            return looked, big_reads.better(timed, measuring.measure(big_reads.above(timed), MEASURING / 2))

    def reads_again(self, name: str, scale: float, names: Collection[str]) -> list[Timed]:
        with self._measuring(name) as measuring:
            return measuring.measure([one for one in _questions(scale) if one.name in names], LOOKING, FEW)

    def writes(self, name: str, scale: float) -> list[Written]:
        """On a copy, which goes away: the dataset is kept as it is."""
        copy, world = f"{name}_copy", BigWorld.scaled(scale)
        url = dataset.url_of(self._database_url, copy)
        asyncio.run(dataset.create(self._database_url, copy, name))
        with PostBox() as post:
            kind = replace(self._kind, environment={**self._kind.environment, "SMTP_URL": post.url})
            with self._started(kind, url) as server, self._worker(kind, url):
                postmaster = asyncio.run(_postmaster(url))
                writing = Writing(lambda: Asking(server, self._callers, postmaster), world, url)
                try:
                    return asyncio.run(writing.measure(big_writes.writes(world)))
                finally:
                    post.shutdown()

    def _started(self, kind: Kind, url: str) -> AbstractContextManager[Running]:
        return started(kind, cores=self._cores, database_url=url, redis_url=self._redis_url, home=self._home)

    @contextmanager
    def _worker(self, kind: Kind, url: str) -> Iterator[None]:
        """Start the process that does jobs, beside the server."""
        told = environment(kind, port=0, database_url=url, redis_url=self._redis_url, home=self._home)
        with (self._home / "worker.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "commands", "worker"], cwd=ROOT, env=told, stdout=output, stderr=output
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)

    @contextmanager
    def _measuring(self, name: str) -> Iterator[Measuring]:
        url = dataset.url_of(self._database_url, name)
        with self._started(self._kind, url) as server:
            yield Measuring(Asking(server, self._callers, asyncio.run(_postmaster(url))))


async def _postmaster(url: str) -> int:
    """Find the process of PostgreSQL that starts one for each connection."""
    connection = await asyncpg.connect(url)
    try:
        return parent(connection.get_server_pid())
    finally:
        await connection.close()


def _say(what: str) -> None:
    print(f"benchmarks: {what} at {time.strftime('%H:%M:%S')}", flush=True)


def _questions(scale: float) -> list[Question]:
    return list(Walk(graphql_schema_of(make_schema()), BigWorld.scaled(scale)).questions())


def _print(found: Sequence[Line], absent: dict[str, str]) -> None:
    print(big_reads.HEADER, *found, sep="\n")
    above = [line for line in found if line.state == "ABOVE"]
    if above:
        print(f"\n{len(above)} of {len(found)} above their bar:", big_reads.HEADER, sep="\n")
        print(*sorted(above, key=lambda line: -line.worst.p95), sep="\n")
    for field, reason in absent.items():
        print(f"NOT MEASURED  {field}: {reason}")
