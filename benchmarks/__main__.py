"""`make bench`: measure ours against the peers. See README.md."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report
from benchmarks.dataset import Dataset, prepare
from benchmarks.machine import Cores
from benchmarks.measuring import Bench, Results, chosen, compare, know_callers, measure, warm_up
from benchmarks.servers import ROOT, Kind, NotStarted, Running, kinds, started
from benchmarks.workloads import WORKLOADS, Callers
from integrations.embedded import EmbeddedServers, Urls


@dataclass(frozen=True)
class Options:
    """What the environment asks for: QUICK=1, BENCH_ONLY=feed,chat, BENCH_SERVERS=engine,mercurius, BENCH_HOME."""

    is_quick: bool
    only: frozenset[str]
    servers: frozenset[str]
    home: Path

    @classmethod
    def read(cls) -> Options:
        def names(variable: str) -> frozenset[str]:
            return frozenset(name.strip() for name in os.environ.get(variable, "").split(",") if name.strip())

        home = Path(os.environ.get("BENCH_HOME") or ROOT / "var" / "bench")
        return cls(bool(os.environ.get("QUICK")), names("BENCH_ONLY"), names("BENCH_SERVERS"), home)

    def wants(self, part: str) -> bool:
        return not self.only or part in self.only


def main() -> int:
    """Exit status 1 where a bar was missed, 2 where nothing could be measured."""
    options, cores = Options.read(), Cores.chosen()
    if cores.are_shared:
        print("benchmarks: there is only one core; server and load share it, so the figures say little")
    cores.take_others()
    with EmbeddedServers(options.home, lossy=True) as embedded:
        dataset, _small = prepare(embedded.urls.database, small=options.wants("growth"))
        return _measure(options, cores, dataset, embedded.urls)


def _measure(options: Options, cores: Cores, dataset: Dataset, urls: Urls) -> int:
    began = time.monotonic()
    rounds, seconds = (2, 0.8) if options.is_quick else (5, 3.0)
    bench = Bench(options.home, dataset, Callers(options.home), Results(), rounds, seconds)
    wanted = [kind for kind in kinds() if not options.servers or kind.name in options.servers]
    workloads = chosen(WORKLOADS, options.only)
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        servers = _start(stack, wanted, absent, cores=cores, urls=urls, dataset=dataset, home=options.home)
        if not servers:
            print(report.skipped(bench.results, absent))
            return 2
        for server in servers:
            know_callers(bench, server, workloads)
        for workload in workloads:
            compare(bench, workload, servers)
            warm_up(bench, workload, servers)
        measure(bench, workloads, servers)
    running = [server.kind for server in servers]
    bars = _bars(bench, running)
    _print(bench, running, absent, [workload.name for workload in workloads], bars)
    print(f"\nbenchmarks: {time.monotonic() - began:.0f} s")
    return 0 if all(bar.is_met for bar in bars) else 1


def _start(
    stack: ExitStack, wanted: Sequence[Kind], absent: dict[str, str], *, cores: Cores, urls: Urls, dataset: Dataset,
    home: Path,
) -> list[Running]:  # fmt: skip
    servers = []
    for number, kind in enumerate(wanted):
        try:
            server = started(
                kind, number=number, cores=cores, database_url=dataset.url, redis_url=urls.redis, home=home
            )
            servers.append(stack.enter_context(server))
        except NotStarted as error:
            absent[kind.name] = str(error)
    return servers


def _bars(bench: Bench, running: Sequence[Kind]) -> list[report.Bar]:
    ours = next((kind.name for kind in running if kind.is_ours), "engine")
    return report.request_bars(bench.results, running, ours)


def _print(
    bench: Bench, running: Sequence[Kind], absent: dict[str, str], workloads: Sequence[str], bars: Sequence[report.Bar]
) -> None:
    print("", report.figures(bench.results, workloads, running), sep="\n")
    print("", report.ratios(bench.results, workloads, running), sep="\n")
    if words := report.skipped(bench.results, absent):
        print("", words, sep="\n")
    print("", *bars, sep="\n")


if __name__ == "__main__":
    sys.exit(main())
