"""The load client in C, seen from Python: built when it is first wanted, called in a thread of its own."""

from __future__ import annotations

import ctypes
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("load.c")
ROOM = 1_000_000
"""Latencies that are kept of one run."""


class LoadError(Exception):
    """The client could not be built, or a connection broke."""


class _Outcome(ctypes.Structure):
    _fields_ = (
        ("done", ctypes.c_uint64),
        ("wrong", ctypes.c_uint64),
        ("seconds", ctypes.c_double),
        ("example", ctypes.c_char * 600),
    )


@dataclass(frozen=True)
class Run:
    """What one run of requests gave. Latencies are in milliseconds."""

    done: int
    seconds: float
    p50: float
    p90: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.done / self.seconds


@cache
def library(folder: Path) -> Any:
    """Return the client, compiled into the folder unless it is there. Raises `LoadError` without a C compiler."""
    built = folder / f"load-{sha256(SOURCE.read_bytes()).hexdigest()[:16]}.so"
    if not built.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(built), str(SOURCE)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise LoadError("the load client needs a C compiler named cc") from None
        except subprocess.CalledProcessError as error:
            raise LoadError(f"the load client does not compile: {error.stderr}") from None
    found = ctypes.CDLL(str(built))
    found.sockets_open.restype = ctypes.c_void_p
    for name in ("run", "stop", "close", "count"):
        getattr(found, f"sockets_{name}").argtypes = [ctypes.c_void_p] + [ctypes.c_void_p] * 2 * (name == "count")
        getattr(found, f"sockets_{name}").restype = None
    for told in (found.sockets_sample, found.sockets_refusal):
        told.argtypes, told.restype = [ctypes.c_void_p], ctypes.c_char_p
    return found


def _texts(texts: Sequence[bytes]) -> tuple[Any, Any]:
    lengths = (ctypes.c_size_t * len(texts))(*map(len, texts))
    return (ctypes.c_char_p * len(texts))(*texts), lengths


def http(
    folder: Path,
    port: int,
    requests: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    once: bool = False,
    first: int = 0,
) -> Run:
    """Send whole HTTP requests over keep-alive connections, each the next one when its answer has come.

    In turns until the seconds are over; with `once` each a single time at most. Raises `LoadError` where an answer
    is not 200 or has errors, and quotes it.
    """
    texts, lengths = _texts(requests)
    latencies = (ctypes.c_uint32 * ROOM)()
    outcome = _Outcome()
    broken = library(folder).http_load(
        port, connections, ctypes.c_double(seconds), int(once), ctypes.c_size_t(len(requests)), texts, lengths,
        ctypes.c_size_t(first), latencies, ctypes.c_size_t(ROOM), ctypes.byref(outcome),
    )  # fmt: skip
    if broken:
        raise LoadError(f"a connection broke after {outcome.done} answers")
    if outcome.wrong:
        example = outcome.example.decode("utf-8", "replace")
        raise LoadError(f"{outcome.wrong} of {outcome.done} answers were wrong, the first: {example}")
    kept = sorted(latencies[: min(outcome.done, ROOM)])
    p50, p90, p99 = (kept[min(len(kept) - 1, int(len(kept) * part))] / 1000 for part in (0.5, 0.9, 0.99))
    return Run(outcome.done, outcome.seconds, p50, p90, p99)


@dataclass(frozen=True)
class Heard:
    """What the sockets have heard so far. `last` is when, on the monotonic clock."""

    subscribed: int
    messages: int
    listeners: int
    """Sockets that have heard something."""
    lost: int
    other: int
    """Messages that were no event: an error, or the end of a subscription."""
    last: float


class Sockets:
    """Open WebSockets that count what they hear."""

    def __init__(self, client: Any, handle: int) -> None:
        self._client = client
        self._handle = handle

    def heard(self) -> Heard:
        counts, last = (ctypes.c_uint64 * 5)(), ctypes.c_double()
        self._client.sockets_count(self._handle, ctypes.addressof(counts), ctypes.addressof(last))
        return Heard(counts[0], counts[1], counts[2], counts[3], counts[4], last.value)

    def sample(self) -> bytes:
        """Return the first event that was heard, as it came."""
        return self._client.sockets_sample(self._handle) or b""

    def refusal(self) -> str:
        """Return the first message that was no event, as it came."""
        return (self._client.sockets_refusal(self._handle) or b"").decode("utf-8", "replace")


@contextmanager
def sockets(folder: Path, port: int, scripts: Sequence[tuple[bytes, bytes, bytes]]) -> Iterator[Sockets]:
    """One WebSocket for each script: a handshake, a first message, and one to send once that is answered."""
    client = library(folder)
    texts, lengths = _texts([text for script in scripts for text in script])
    handle = client.sockets_open(port, len(scripts), texts, lengths)
    hearing = threading.Thread(target=client.sockets_run, args=(handle,), name="sockets", daemon=True)
    hearing.start()
    try:
        yield Sockets(client, handle)
    finally:
        client.sockets_stop(handle)
        hearing.join()
        client.sockets_close(handle)
