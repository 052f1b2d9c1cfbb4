"""What one guest feels while another one does their worst.

The hostile guest sends one kind of request over many connections, each the next as soon as an answer has come, and
comes back where a connection is closed. A second guest of another address asks for the feed a few times a second. The
bar is a ratio: their p95 meanwhile, to their p95 while nobody else is there.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
from graphql import get_introspection_query

from benchmarks.load import LoadError

KINDS: dict[str, Callable[[], bytes]] = {}
"""Whole HTTP requests by kind. `NUMBER` in them is another one each time, so that none is known from before."""
NUMBER = b"0123456789"
CONNECTIONS = (16, 128)
PAUSE = 0.03
"""Seconds between two requests of the guest."""
SETTLE = 0.5
PATIENCE = 30.0


@dataclass(frozen=True)
class Felt:
    """By the guest, in milliseconds. `answers` is how many the hostile one had in a second."""

    kind: str
    connections: int
    p50: float
    p95: float
    answers: float


def _request(body: bytes) -> bytes:
    head = "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _asks(document: str, variables: object = None) -> bytes:
    return _request(orjson.dumps({"query": document, "variables": variables}))


def kind(name: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    def add(make: Callable[[], bytes]) -> Callable[[], bytes]:
        KINDS[name] = make
        return make

    return add


@kind("refused, 24 KB")
def _refused() -> bytes:
    return _asks("{ events { nodes { x0123456789 " + " ".join(f"unknownField{n:010}" for n in range(950)) + " } } }")


@kind("refused, the same again")
def _the_same() -> bytes:
    return _asks("{ events { nodes { " + " ".join(f"unknown{n}" for n in range(900)) + " } } }")


@kind("valid, ever new")
def _valid() -> bytes:
    aliases = " ".join(f"a{n}: id title startsAt" for n in range(90))
    return _asks(f"query Q0123456789 {{ events(first: 1) {{ nodes {{ {aliases} }} }} }}")


@kind("repeats of one field")
def _repeats() -> bytes:
    return _asks("query Q0123456789 { " + "viewer { user { id } } " * 240 + "}")


@kind("nested")
def _nested() -> bytes:
    return _asks("query Q0123456789 { " + "viewer { user { " * 38 + "id" + " } }" * 38 + "}")


@kind("comments")
def _comments() -> bytes:
    return _asks("query Q0123456789 { __typename }\n" + "\n".join("#" + "x" * 9_000 for _ in range(10)))


@kind("syntax errors")
def _syntax() -> bytes:
    return _asks("query Q0123456789 { " + "a { b c } " * 350)


@kind("long texts in variables")
def _texts() -> bytes:
    return _asks("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["0123456789" + "я" * 9_000] * 45})


@kind("many values in variables")
def _values() -> bytes:
    return _asks("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["0123456789", *range(49_000)]})


@kind("introspection")
def _introspection() -> bytes:
    return _asks(get_introspection_query().replace("IntrospectionQuery", "Q0123456789"))


@kind("introspection, the same again")
def _known_introspection() -> bytes:
    return _asks(get_introspection_query())


@kind("searches")
def _searches() -> bytes:
    searches = " ".join(f'a{n}: events(filter: {{text: "a b c d e"}}) {{ nodes {{ id }} }}' for n in range(20))
    return _asks(f"query Q0123456789 {{ {searches} }}")


@kind("feeds")
def _feeds() -> bytes:
    return _asks("{ events(first: 50) { nodes { id title venue { name } hosts { user { displayName } } } } }")


@kind("{ __typename }")
def _typename() -> bytes:
    return _asks("{ __typename }")


@kind("no JSON")
def _no_json() -> bytes:
    return _request(b'{"query": "{ __typename }", ' + b"[" * 20_000)


@kind("no HTTP")
def _no_http() -> bytes:
    return b"NONSENSE 0123456789\r\n\r\n"


# The hostile guest, in a process of its own


class _Hostile(asyncio.Protocol):
    """One connection."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._flood.next())

    def data_received(self, data: bytes) -> None:
        self._data += data
        head = self._data.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self._data[:head].lower().find(b"content-length:")
        length = int(self._data[at + 15 : head].split(b"\r\n")[0]) if at > 0 else 0
        if len(self._data) >= head + 4 + length:
            self._data = b""
            self._flood.answers += 1
            self._transport.write(self._flood.next())

    def connection_lost(self, _error: Exception | None) -> None:
        self._flood.come_back()


class Flood:
    def __init__(self, port: int, address: str, request: bytes) -> None:
        self._port, self._address = port, address
        self._before, _, self._after = request.partition(NUMBER)
        self._is_always_new = NUMBER in request
        self._number = random.randrange(10**9)
        self._waiting: set[asyncio.Task[None]] = set()
        self.answers = 0

    def next(self) -> bytes:
        if not self._is_always_new:
            return self._before
        self._number += 1
        return b"%b%010d%b" % (self._before, self._number, self._after)

    def come_back(self) -> None:
        task = asyncio.ensure_future(self.connect())
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def connect(self) -> None:
        while True:
            try:
                await asyncio.get_running_loop().create_connection(
                    lambda: _Hostile(self), "127.0.0.1", self._port, local_addr=(self._address, 0)
                )
            except OSError:
                await asyncio.sleep(0.01)
            else:
                return


async def _flood(port: int, address: str, name: str, connections: int) -> None:
    """Until standard input is closed; then say how many answers came in a second."""
    flood = Flood(port, address, KINDS[name]())
    began = time.monotonic()
    for _ in range(connections):
        await flood.connect()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(flood.answers / (time.monotonic() - began), flush=True)


@contextmanager
def flooding(port: int, name: str, connections: int) -> Iterator[Callable[[], float]]:
    """Keep a hostile guest there, with an address and a budget that nobody has had. What is given back ends them and
    tells the answers in a second."""
    address = f"127.{random.randrange(1, 255)}.{random.randrange(255)}.{random.randrange(2, 255)}"
    command = [sys.executable, "-m", "benchmarks.hostile", str(port), address, name, str(connections)]
    # PostgreSQL and the guest share its core, and must not feel that.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(15)
    )
    assert process.stdin is not None and process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def end() -> float:
        stdin.close()
        return float(stdout.readline() or 0)

    try:
        if stdout.readline() != "ready\n":
            raise LoadError("the hostile guest did not come")
        yield end
    finally:
        process.kill()
        process.wait()


# The guest


def latencies(port: int, requests: Sequence[bytes], seconds: float) -> list[float]:
    """Milliseconds that each request took, one after the other. Raises `LoadError` where an answer is not 200."""
    found = []
    until = time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        turn = 0
        while time.monotonic() < until:
            began = time.perf_counter()
            connection.sendall(requests[turn % len(requests)])
            answer = _answer(connection)
            found.append((time.perf_counter() - began) * 1000)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise LoadError(f"a guest was refused: {answer[:400].decode('utf-8', 'replace')}")
            turn += 1
            time.sleep(PAUSE)
    return found


def _answer(connection: socket.socket) -> bytes:
    data = b""
    while True:
        part = connection.recv(1 << 20)
        if not part:
            raise LoadError("the guest's connection was closed")
        data += part
        head, separator, body = data.partition(b"\r\n\r\n")
        if separator:
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(body) >= length:
                return data


def _part(values: Sequence[float], part: float) -> float:
    kept = sorted(values)
    return kept[min(len(kept) - 1, int(len(kept) * part))]


def measure(
    port: int, requests: Sequence[bytes], *, seconds: float, kinds: Sequence[str] = (), only: int | None = None
) -> tuple[float, list[Felt]]:
    """Return the guest's p95 while nobody else is there, and what they feel beside each kind. `only` is a number of
    connections."""
    latencies(port, requests, 1.0)
    idle = _part(latencies(port, requests, max(seconds, 3.0)), 0.95)
    found = []
    for name in kinds or KINDS:
        for connections in (only,) if only else CONNECTIONS:
            with flooding(port, name, connections) as end:
                felt = latencies(port, requests, seconds)
                answers = end()
            found.append(Felt(name, connections, _part(felt, 0.5), _part(felt, 0.95), answers))
            time.sleep(SETTLE)
    return idle, found


if __name__ == "__main__":
    asyncio.run(_flood(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
