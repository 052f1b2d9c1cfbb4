"""The table of ratios, and one line for each bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.growth import Growth
from benchmarks.hostile import CONNECTIONS, Felt
from benchmarks.live import Burst, Delivered
from benchmarks.measuring import Results
from benchmarks.servers import Kind

LEFT_OUT = "left out"
YARDSTICK = "mercurius"
"""With its own loaders, as its documentation has it. The bars mean this one."""
FASTER = "mercurius_dl"
"""The same with DataLoader, which it does not come with. Its ratio stands beside each bar."""
SCENES = ("1 x 1000", "200 x 5")


@dataclass(frozen=True)
class Bar:
    """What must hold. `found` is null where it was not measured, and `reason` says why.

    A bar that was left out on purpose is not missed; one that could not be measured is.
    """

    name: str
    wanted: float
    found: float | None
    reason: str = ""
    at_most: bool = False
    aside: str = ""

    @property
    def is_met(self) -> bool:
        if self.found is None:
            return self.reason.startswith(LEFT_OUT)
        return self.found <= self.wanted if self.at_most else self.found >= self.wanted

    def __str__(self) -> str:
        sign = "at most" if self.at_most else "at least"
        if self.found is None:
            return f"not measured  {self.name}: {sign} {self.wanted:g} ({self.reason})"
        aside = f" ({self.aside})" if self.aside else ""
        if self.is_met:
            return f"met           {self.name}: {self.found:.2f}, {sign} {self.wanted:g}{aside}"
        short = abs(self.wanted - self.found) / self.wanted * 100
        return f"MISSED        {self.name}: {self.found:.2f}, {sign} {self.wanted:g}; by {short:.0f} %{aside}"


def _lines(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    made = []
    for row in rows:
        cells = [cell.ljust(width) if not column else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        made.append("  ".join(cells).rstrip())
    return "\n".join(made)


def figures(results: Results, workloads: Sequence[str], kinds: Sequence[Kind]) -> str:
    """Everything that was measured, a line for each workload and server."""
    rows = [["workload, server", "req/s", "min", "max", "p50 ms", "p99 ms", "CPU ms/req", "MiB"]]
    for workload in workloads:
        for kind in kinds:
            if (rate := results.median(workload, kind.name)) is None:
                continue
            least, most = results.spread(workload, kind.name) or (0, 0)
            p50, p99, cpu, memory = (
                results.median(workload, kind.name, what) or 0.0 for what in ("p50", "p99", "cpu", "memory")
            )
            numbers = (f"{rate:.0f}", f"{least:.0f}", f"{most:.0f}", f"{p50:.2f}", f"{p99:.2f}")
            rows.append([f"{workload}, {kind.name}", *numbers, f"{cpu:.3f}", f"{memory:.0f}"])
    return _lines(rows)


def ratio(results: Results, workload: str, server: str, to: str, what: str = "rate") -> float | None:
    ours, theirs = results.median(workload, server, what), results.median(workload, to, what)
    return ours / theirs if ours is not None and theirs else None


def ratios(results: Results, workloads: Sequence[str], kinds: Sequence[Kind]) -> str:
    """Throughput as a multiple of the yardstick's, and the feed's server time."""
    rows = [["ratio to Mercurius", *(kind.name for kind in kinds)]]
    for workload in workloads:
        found = [ratio(results, workload, kind.name, YARDSTICK) for kind in kinds]
        rows.append([workload, *("–" if value is None else f"{value:.2f}" for value in found)])
        found = [ratio(results, workload, kind.name, YARDSTICK, "cpu") for kind in kinds]
        rows.append(["  CPU per request", *("–" if value is None else f"{value:.2f}" for value in found)])
    return _lines(rows)


def best_peer(results: Results, workload: str, kinds: Sequence[Kind]) -> str | None:
    """Return the peer with the most requests per second."""
    rates = {kind.name: results.median(workload, kind.name) for kind in kinds if not kind.is_ours}
    measured = {name: rate for name, rate in rates.items() if rate is not None}
    return max(measured, key=lambda name: measured[name]) if measured else None


def request_bars(results: Results, kinds: Sequence[Kind], ours: str) -> list[Bar]:
    """Return the bars of throughput and server time."""

    def against(name: str, workload: str, wanted: float, to: str | None, what: str = "rate") -> Bar:
        found = ratio(results, workload, ours, to, what) if to else None
        reason = results.skipped.get((workload, ours)) or results.skipped.get((workload, to or "")) or LEFT_OUT
        aside = ratio(results, workload, ours, FASTER, what) if to == YARDSTICK else None
        return Bar(
            f"{name} / {to or 'best peer'}", wanted, found, reason, at_most=what == "cpu",
            aside=f"{aside:.2f} to {FASTER}" if aside is not None else "",
        )  # fmt: skip

    bars = [
        against("feed", "feed", 1.6, YARDSTICK),
        against("feed", "feed", 0.8, "by_hand"),
        against("feed, CPU per request", "feed", 0.45, YARDSTICK, "cpu"),
        against("event with 50 participants", "event", 1.4, YARDSTICK),
        against("chat history", "chat", 1.5, YARDSTICK),
        against("{ __typename }", "typename", 0.55, YARDSTICK),
    ]
    for workload, wanted in (("register hot", 1.1), ("register spread", 1.1), ("send", 1.0)):
        bars.append(against(workload, workload, wanted, best_peer(results, workload, kinds)))
    return bars


def live(found: Mapping[tuple[str, str], Delivered], bursts: Mapping[str, Burst]) -> str:
    """Deliveries of each scene, and what a burst costs a query."""
    rows = [["live", "deliveries/s", "CPU us each", "KiB per subscriber"]]
    rows += [
        [f"{scene}, {server}", f"{one.rate:.0f}", f"{one.cpu:.1f}", f"{one.memory:.1f}"]
        for (scene, server), one in sorted(found.items())
    ]
    made = _lines(rows)
    if bursts:
        rows = [["a query beside 1000 subscribers", "p50 ms idle", "p99 ms idle", "p50 ms burst", "p99 ms burst"]]
        rows += [
            [server, *(f"{value:.2f}" for value in (one.idle_p50, one.idle_p99, one.busy_p50, one.busy_p99))]
            for server, one in sorted(bursts.items())
        ]
        made += "\n\n" + _lines(rows)
    return made


def live_bars(found: Mapping[tuple[str, str], Delivered], kinds: Sequence[Kind], ours: str, reason: str) -> list[Bar]:
    """Deliveries against the best of the peers, and memory for each subscriber."""
    peers = [kind.name for kind in kinds if not kind.is_ours]
    bars = []
    for scene in SCENES:
        own = found.get((scene, ours))
        best = max((found[scene, peer].rate for peer in peers if (scene, peer) in found), default=None)
        value = own.rate / best if own and best else None
        bars.append(Bar(f"deliveries/s, {scene} / best peer", 3.0, value, reason))
    own = found.get((SCENES[0], ours))
    return [*bars, Bar("KiB per subscriber", 30.0, own.memory if own else None, reason, at_most=True)]


def hostile(idle: float, found: Sequence[Felt]) -> str:
    """Return what a guest feels beside each kind of hostile one."""
    rows = [["beside a hostile guest", "connections", "p50 ms", "p95 ms", "p95 / alone", "answers/s"]]
    for one in found:
        numbers = (f"{one.p50:.1f}", f"{one.p95:.1f}", f"{one.p95 / idle:.2f}", f"{one.answers:.0f}")
        rows.append([one.kind, str(one.connections), *numbers])
    return f"a guest alone: p95 {idle:.1f} ms\n{_lines(rows)}"


def hostile_bars(idle: float, found: Sequence[Felt], reason: str) -> list[Bar]:
    """Return the worst kind for each number of connections."""
    bars = []
    for connections in CONNECTIONS:
        among = [one for one in found if one.connections == connections]
        worst = max(among, key=lambda one: one.p95, default=None)
        ratio = worst.p95 / idle if worst is not None else None
        name = f"p95 beside a hostile guest of {connections} connections / alone"
        bars.append(Bar(name, 5.0, ratio, reason, at_most=True, aside=worst.kind if worst else ""))
    return bars


def growth_bar(found: Growth | None, reason: str) -> Bar:
    return Bar("feed latency with ten times the data", 1.3, found.ratio if found else None, reason, at_most=True)


def skipped(results: Results, absent: Mapping[str, str], workloads: Sequence[str], kinds: Sequence[Kind]) -> str:
    """Return what is not in the tables, and why."""
    lines = [f"skipped: {name}: {reason}" for name, reason in absent.items()]
    lines += [f"skipped: {server} in {workload}: {reason}" for (workload, server), reason in results.skipped.items()]
    for kind in kinds:
        if lacking := [workload for workload in workloads if workload not in kind.serves]:
            lines.append(f"skipped: {kind.name} in {', '.join(lacking)}: {kind.why_not}")
    return "\n".join(lines)
