"""Runs the workloads against the servers, in turns, and keeps what was measured."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import load
from benchmarks.comparing import ask_once, difference, normal
from benchmarks.dataset import Dataset
from benchmarks.load import LoadError
from benchmarks.machine import cpu_seconds, resident
from benchmarks.servers import Running
from benchmarks.workloads import Ask, Callers, Workload, requests

WARM_UP = 1.0
"""Seconds of each workload before the first round: compilers work in threads of their own, which would count, too."""
COMPARED = 5
"""Requests of each workload whose answers are compared, spread over all of them."""


@dataclass(frozen=True)
class Sample:
    """One run: requests per second, latencies and server time per request in milliseconds, memory in MiB."""

    rate: float
    p50: float
    p99: float
    cpu: float
    memory: float


@dataclass
class Results:
    """Samples by workload and server, and why something is not there."""

    samples: dict[tuple[str, str], list[Sample]] = field(default_factory=lambda: defaultdict(list))
    skipped: dict[tuple[str, str], str] = field(default_factory=dict)

    def median(self, workload: str, server: str, what: str = "rate") -> float | None:
        found = [getattr(sample, what) for sample in self.samples.get((workload, server), ())]
        return median(found) if found else None

    def spread(self, workload: str, server: str, what: str = "rate") -> tuple[float, float] | None:
        found = [getattr(sample, what) for sample in self.samples.get((workload, server), ())]
        return (min(found), max(found)) if found else None


@dataclass(frozen=True)
class Bench:
    """What all measurements share."""

    home: Path
    dataset: Dataset
    callers: Callers
    results: Results
    rounds: int
    seconds: float
    _asks: dict[str, list[Ask]] = field(default_factory=dict)
    _texts: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)

    def undo(self) -> None:
        asyncio.run(self.dataset.undo())

    def asks(self, workload: Workload) -> list[Ask]:
        """Of this dataset, made once."""
        if workload.name not in self._asks:
            self._asks[workload.name] = workload.asks(self.dataset.world)
        return self._asks[workload.name]

    def texts(self, workload: Workload, server: Running) -> list[bytes]:
        """Return the same as whole requests to a server."""
        key = (workload.name, server.kind.name)
        if key not in self._texts:
            self._texts[key] = requests(server, self.asks(workload), self.callers)
        return self._texts[key]

    def can(self, server: Running, workload: Workload) -> bool:
        return workload.name in server.kind.serves and (workload.name, server.kind.name) not in self.results.skipped


def compare(bench: Bench, workload: Workload, servers: Sequence[Running]) -> None:
    """Ask all servers the same; who differs from plain Strawberry, or from the first one where that is not there, is
    left out of this workload, by name.
    """
    asks = bench.asks(workload)
    step = max(1, len(asks) // COMPARED)
    chosen = asks[::step][:COMPARED]
    expected = None
    for server in sorted(servers, key=lambda server: server.kind.name != "reference"):
        if not bench.can(server, workload):
            continue
        if workload.once:
            bench.undo()
        try:
            found = [normal(ask_once(server, ask, bench.callers), document=ask.document) for ask in chosen]
        except (OSError, ValueError) as error:
            bench.results.skipped[workload.name, server.kind.name] = f"did not answer: {error}"
            continue
        if any("errors" in answer for answer in found):
            errors = next(answer["errors"] for answer in found if "errors" in answer)
            bench.results.skipped[workload.name, server.kind.name] = f"answers with errors: {str(errors)[:300]}"
        elif expected is None:
            expected = found
        elif words := difference(expected, found):
            bench.results.skipped[workload.name, server.kind.name] = f"answers something else: {words}"


def warm_up(bench: Bench, workload: Workload, servers: Iterable[Running]) -> None:
    """Let every server compile, plan and connect; ours also reads each token once, as it does of any client."""
    for server in servers:
        if bench.can(server, workload):
            if workload.once:
                bench.undo()
            run(bench, workload, server, seconds=WARM_UP)


def know_callers(bench: Bench, server: Running, workloads: Iterable[Workload]) -> None:
    """Show every access token once. Its signature is checked at a client's first request, and then remembered."""
    users = sorted({ask.user for workload in workloads for ask in bench.asks(workload) if ask.user is not None})
    if server.kind.is_ours and users:
        texts = requests(server, [Ask("typename", {}, user) for user in users], bench.callers)
        load.http(bench.home, server.port, texts, connections=8, seconds=120, once=True)


def run(bench: Bench, workload: Workload, server: Running, *, seconds: float, connections: int = 0) -> Sample | None:
    """One run; null where it went wrong, which is noted as a reason to skip."""
    texts = bench.texts(workload, server)
    used = cpu_seconds(server.pid)
    try:
        found = load.http(
            bench.home, server.port, texts, connections=connections or workload.connections, seconds=seconds,
            once=workload.once,
        )  # fmt: skip
    except LoadError as error:
        bench.results.skipped[workload.name, server.kind.name] = str(error)[:400]
        return None
    spent = (cpu_seconds(server.pid) - used) * 1000
    return Sample(found.rate, found.p50, found.p99, spent / found.done, resident(server.pid) / 1024)


def measure(bench: Bench, workloads: Sequence[Workload], servers: Sequence[Running]) -> None:
    """Measure in rounds over all workloads and servers, so that what the machine does meanwhile meets all alike."""
    for number in range(bench.rounds):
        began = time.monotonic()
        for workload in workloads:
            for server in servers:
                if not bench.can(server, workload):
                    continue
                if workload.once:
                    bench.undo()
                sample = run(bench, workload, server, seconds=bench.seconds)
                if sample is not None:
                    bench.results.samples[workload.name, server.kind.name].append(sample)
        print(f"benchmarks: round {number + 1} of {bench.rounds} took {time.monotonic() - began:.0f} s", flush=True)


def chosen(workloads: Sequence[Workload], names: Collection[str]) -> list[Workload]:
    """Those that are named, by their first word; all where none is."""
    return [one for one in workloads if not names or one.name in names or one.name.split()[0] in names]
