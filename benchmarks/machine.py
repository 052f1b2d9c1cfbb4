"""Which core does what, and what a process has used."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """The server has a core to itself; PostgreSQL, Redis and the load share the others."""

    server: int
    others: frozenset[int]

    @classmethod
    def chosen(cls) -> Cores:
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], frozenset(usable[1:] or usable))

    @property
    def are_shared(self) -> bool:
        """Only one core: the figures are then of no use."""
        return self.server in self.others

    def take_others(self) -> None:
        """For this process and all that it starts from now on."""
        os.sched_setaffinity(0, self.others)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, its threads included, in seconds."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(pid: int) -> int:
    """Memory of a process, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def on_processor(pids: Iterable[int]) -> float:
    """Return how long these processes have run on a processor, in milliseconds. Ended ones count for nothing."""
    ran = 0
    for pid in pids:
        with suppress(OSError):
            ran += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return ran / 1_000_000


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def parent(pid: int) -> int:
    """Return the process that started this one, such as PostgreSQL's of a connection."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
