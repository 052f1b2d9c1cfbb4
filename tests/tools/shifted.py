"""Run a command under a moved wall clock: `python -m tests.tools.shifted SHIFT command …`.

SHIFT is a number of hours from now, a moment like 2027-03-28T00:30Z, or `random` for an hour within two years. Timers
and sleeps stay as they are, and everything that the command starts has the same clock.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import SystemRandom

SOURCE = Path(__file__).with_name("clockshift.c")
TWO_YEARS = 2 * 365 * 24
"""Hours."""


def shift_of(given: str, now: datetime) -> timedelta:
    """How far a SHIFT moves the clock. A moment without a zone is in UTC."""
    if given == "random":
        return timedelta(hours=SystemRandom().randint(1, TWO_YEARS))
    try:
        return timedelta(hours=float(given))
    except ValueError:
        moment = datetime.fromisoformat(given)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def compiler() -> list[str] | None:
    """The C compiler's command, if there is one that makes what this system can preload."""
    found = shlex.split(os.environ.get("CC", "cc"))
    return found if sys.platform == "linux" and shutil.which(found[0]) else None


@contextmanager
def moved_clock(shift: timedelta, command: list[str]) -> Iterator[dict[str, str]]:
    """What has to be in the environment of a process for its clock to be moved, as seen from our own clock."""
    seconds = int(os.environ.get("CLOCK_SHIFT_SECONDS", "0")) + round(shift.total_seconds())
    # Not in the project: the embedded PostgreSQL may run as a user who cannot read there.
    with tempfile.TemporaryDirectory(prefix="wingding-clock-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        library = f"{folder}/clockshift.so"
        subprocess.run([*command, "-shared", "-fPIC", "-O2", "-o", library, str(SOURCE), "-ldl"], check=True)
        yield {"LD_PRELOAD": library, "CLOCK_SHIFT_SECONDS": str(seconds)}


def main() -> int:
    shift_text, *command = sys.argv[1:]
    now = datetime.now(UTC)
    shift = shift_of(shift_text, now)
    if (found := compiler()) is None:
        print("SKIPPED: a moved clock needs Linux and a C compiler (cc, or CC)", flush=True)
        return 0
    given = "".join(f" {name}={os.environ[name]}" for name in ("SEED", "TZ", "LC_ALL") if os.environ.get(name))
    print(f"The clock is moved by {shift / timedelta(hours=1):.2f} hours. To have it again:", flush=True)
    print(f"make test-shifted SHIFT={now + shift:%Y-%m-%dT%H:%MZ}{given}", flush=True)
    with moved_clock(shift, found) as moved:
        return subprocess.run(command, env=os.environ | moved, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
