"""Which core does what, and what a process has used."""

from __future__ import annotations

import os
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
