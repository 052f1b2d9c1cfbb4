"""`make bench`: measure ours against the peers. See README.md."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from benchmarks import big, growth, hostile, live, report
from benchmarks.dataset import Dataset, prepare
from benchmarks.growth import Growth
from benchmarks.hostile import Felt
from benchmarks.live import Burst, Delivered, LiveError
from benchmarks.load import LoadError
from benchmarks.machine import Cores
from benchmarks.measuring import Bench, Results, chosen, compare, know_callers, measure, warm_up
from benchmarks.servers import ROOT, Kind, NotStarted, Running, kinds, started
from benchmarks.workloads import WORKLOADS, Callers, requests
from errors import StartError
from integrations.embedded import EmbeddedServers
from settings import Settings

BUDGETS = ("cost_per_minute", "guest_cost_per_minute")
QUICK_LIVE = frozenset({"engine", "apollo"})
"""Ours and the best of the peers."""


@dataclass(frozen=True)
class Options:
    """What the environment asks for: BIG=1, QUICK=1, BENCH_ONLY=feed,chat, BENCH_SERVERS=engine,asgi, BENCH_HOME."""

    is_quick: bool
    only: frozenset[str]
    servers: frozenset[str]
    home: Path
    is_big: bool

    @classmethod
    def read(cls) -> Options:
        def names(variable: str) -> frozenset[str]:
            return frozenset(name.strip() for name in os.environ.get(variable, "").split(",") if name.strip())

        home = Path(os.environ.get("BENCH_HOME") or ROOT / "var" / "bench").resolve()
        return cls(
            bool(os.environ.get("QUICK")),
            names("BENCH_ONLY"),
            names("BENCH_SERVERS"),
            home,
            bool(os.environ.get("BIG")),
        )

    def wants(self, part: str) -> bool:
        return not self.only or part in self.only


@dataclass
class Session:
    """One run of everything that was asked for, and what it found."""

    options: Options
    cores: Cores
    bench: Bench
    small: Dataset | None
    redis_url: str
    absent: dict[str, str] = field(default_factory=dict)
    delivered: dict[tuple[str, str], Delivered] = field(default_factory=dict)
    bursts: dict[str, Burst] = field(default_factory=dict)
    growth: Growth | None = None
    felt: tuple[float, list[Felt]] = (0.0, [])

    @contextmanager
    def started(self, kind: Kind, *, dataset: Dataset | None = None) -> Iterator[Running]:
        url = (dataset or self.bench.dataset).url
        with started(
            kind, cores=self.cores, database_url=url, redis_url=self.redis_url, home=self.options.home
        ) as server:
            yield server

    def requests(self, wanted: Sequence[Kind]) -> list[Kind]:
        """All workloads over HTTP, with all servers up; those that have started."""
        workloads = chosen(WORKLOADS, self.options.only)
        with ExitStack() as stack:
            servers = []
            for kind in wanted:
                try:
                    server = stack.enter_context(self.started(kind))
                    know_callers(self.bench, server, workloads)
                    servers.append(server)
                except (NotStarted, LoadError) as error:
                    self.absent[kind.name] = str(error)
            for workload in workloads:
                compare(self.bench, workload, servers)
                warm_up(self.bench, workload, servers)
            measure(self.bench, workloads, servers)
        return [server.kind for server in servers]

    def live(self, wanted: Sequence[Kind]) -> None:
        """Each scene on a server of its own, so that memory is not what another scene has left."""
        for scene in live.scenes(self.bench.dataset.world):
            for kind in wanted:
                if not kind.live:
                    continue
                if self.options.is_quick and not self.options.servers and kind.name not in QUICK_LIVE:
                    self.bench.results.skipped[f"live {scene.name}", kind.name] = f"{report.LEFT_OUT} of a quick pass"
                    continue
                try:
                    with self.started(kind) as server:
                        found, burst = live.run(
                            self.bench, server, scene, self.redis_url, with_burst=scene.name == report.SCENES[0]
                        )
                except (LiveError, LoadError, NotStarted) as error:
                    self.bench.results.skipped[f"live {scene.name}", kind.name] = str(error)
                    continue
                self.delivered[scene.name, kind.name] = found
                if burst:
                    self.bursts[kind.name] = burst

    def grow(self, kind: Kind) -> None:
        assert self.small is not None
        try:
            with self.started(kind) as full, self.started(kind, dataset=self.small) as small:
                self.growth = growth.measure(
                    self.bench, replace(self.bench, dataset=self.small, _asks={}, _texts={}), full, small
                )
        except (LoadError, NotStarted) as error:
            self.bench.results.skipped["growth", kind.name] = str(error)

    def suffer(self, kind: Kind) -> None:
        """Measure what one guest does to another, on a server with the budgets that it has by itself."""
        usual = {item.name.upper(): str(item.default) for item in fields(Settings) if item.name in BUDGETS}
        feed = next(one for one in WORKLOADS if one.name == "feed")
        try:
            with self.started(replace(kind, environment={**kind.environment, **usual})) as server:
                texts = requests(server, self.bench.asks(feed), self.bench.callers)
                few, seconds = (hostile.CONNECTIONS[0], 2.5) if self.options.is_quick else (None, 6.0)
                self.felt = hostile.measure(server.port, texts, seconds=seconds, only=few)
        except (LoadError, NotStarted) as error:
            self.bench.results.skipped["hostile", kind.name] = str(error)

    def bars(self, running: Sequence[Kind], ours: str) -> list[report.Bar]:
        reasons = {work: reason for (work, server), reason in self.bench.results.skipped.items() if server == ours}
        live_reason = next((reason for work, reason in reasons.items() if work.startswith("live")), report.LEFT_OUT)
        return [
            *report.request_bars(self.bench.results, running, ours),
            *report.live_bars(self.delivered, running, ours, live_reason),
            report.growth_bar(self.growth, reasons.get("growth", report.LEFT_OUT)),
            *report.hostile_bars(*self.felt, reasons.get("hostile", report.LEFT_OUT)),
        ]

    def print(self, running: Sequence[Kind], bars: Sequence[report.Bar]) -> None:
        names = [workload.name for workload in chosen(WORKLOADS, self.options.only)]
        if names:
            print("", report.figures(self.bench.results, names, running), sep="\n")
            print("", report.ratios(self.bench.results, names, running), sep="\n")
        if self.delivered:
            print("", report.live(self.delivered, self.bursts), sep="\n")
        if self.growth:
            print(
                f"\nfeed, p50 in ms: {self.growth.small:.2f} with a tenth of the data, {self.growth.full:.2f} with all"
            )
        if self.felt[1]:
            print("", report.hostile(*self.felt), sep="\n")
        if words := report.skipped(self.bench.results, self.absent, names, running):
            print("", words, sep="\n")
        print("", *bars, sep="\n")


def main() -> int:
    """Exit status 1 where a bar was missed, 2 where nothing could be measured."""
    options, cores = Options.read(), Cores.chosen()
    try:
        return big.run(options.home, cores) if options.is_big else _run(options, cores)
    except (StartError, LoadError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


def _run(options: Options, cores: Cores) -> int:
    began = time.monotonic()
    if cores.are_shared:
        print("benchmarks: there is only one core; server and load share it, so the figures say little")
    cores.take_others()
    rounds, seconds = (2, 0.5) if options.is_quick else (3, 3.0)
    with EmbeddedServers(options.home, lossy=True) as embedded:
        dataset, small = prepare(embedded.urls.database, small=options.wants("growth"))
        bench = Bench(options.home, dataset, Callers(options.home), Results(), rounds, seconds)
        session = Session(options, cores, bench, small, embedded.urls.redis)
        wanted = [
            kind for kind in kinds() if (kind.name in options.servers if options.servers else not kind.is_optional)
        ]
        running = session.requests(wanted)
        if not running:
            print(report.skipped(bench.results, session.absent, [], []))
            return 2
        if options.wants("live"):
            session.live(running)
        ours = next((kind for kind in running if kind.is_ours), None)
        if options.wants("growth") and ours is not None:
            session.grow(ours)
        if options.wants("hostile") and ours is not None:
            session.suffer(ours)
    bars = session.bars(running, ours.name if ours else "")
    session.print(running, bars)
    print(f"\nbenchmarks: {time.monotonic() - began:.0f} s")
    return 0 if all(bar.is_met for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
