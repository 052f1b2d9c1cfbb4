"""How much slower the feed is with ten times the data."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks import load
from benchmarks.measuring import Bench
from benchmarks.servers import Running
from benchmarks.workloads import WORKLOADS, requests


@dataclass(frozen=True)
class Growth:
    """Latency of the feed in milliseconds, one request at a time."""

    small: float
    full: float

    @property
    def ratio(self) -> float:
        return self.full / self.small


def measure(bench: Bench, small_bench: Bench, full: Running, small: Running) -> Growth:
    """Measure the same server over both datasets, in turns. Each gets pages of its own data."""
    feed = next(workload for workload in WORKLOADS if workload.name == "feed")
    sides = [(small, requests(small, small_bench.asks(feed), bench.callers))]
    sides.append((full, requests(full, bench.asks(feed), bench.callers)))
    latencies: list[list[float]] = [[], []]
    for turn in range(bench.rounds + 1):
        for side, (server, texts) in enumerate(sides):
            found = load.http(bench.home, server.port, texts, connections=1, seconds=bench.seconds)
            if turn:  # the first one warms up
                latencies[side].append(found.p50)
    return Growth(*(median(found) for found in latencies))
