"""Connections that split, mix, break and leave at random: answers stay whole and in order, and nothing is left behind.

`FUZZ_SEED` chooses other connections.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from tests.clients import ServerProcess
from tests.transport.conftest import RunningServer, serving, until
from tests.transport.raw import Wire, chunked, connected, named, post

SEED = int(os.environ.get("FUZZ_SEED", "17"))
AT_ONCE = 12
LARGE = b'{"query":"{ %b: __schema { types { name description fields { name description } } } }"}'

Maker = Callable[[str], bytes]
MAKERS: list[Maker] = [
    lambda name: post(named(name)),
    lambda name: post(named(name)),
    lambda name: post(named(name), origin="https://friend.example", accept_encoding="br"),
    lambda name: post(named(name), padding="x" * 5_000),
    lambda name: post(named(name) + b" " * 3_000),
    lambda name: post(named(name) + b" " * 70_000),
    lambda name: post(named(name), expect="later"),
    lambda name: chunked(named(name)),
    lambda name: post(LARGE % name.encode()),
    lambda name: f"GET /graphql?query={{{name}:__typename}} HTTP/1.1\r\nhost: x\r\n\r\n".encode(),
]
GARBAGE = [
    b"\x00\x01\xff\xfe",
    b"\r\n\r\n",
    b"POST",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"POST /graphql HTTP/9.9\r\n\r\n",
    b"POST /graphql HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    b"POST /graphql HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    b"POST /graphql HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"POST /graphql HTTP/1.1\r\nhost\r\n\r\n",
    b"POST /graphql HTTP/1.1\r\nx: " + b"y" * 200_000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


def pieces(random: Random, data: bytes) -> list[bytes]:
    """The data, cut at random places."""
    cuts = sorted(random.sample(range(1, len(data)), min(random.choice((0, 1, 3, 9)), len(data) - 1)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


async def whole(random: Random, wire: Wire) -> None:
    """All requests are answered, in order."""
    names = [f"q{number}" for number in range(random.randint(1, 7))]
    data = b"".join(random.choice(MAKERS)(name) for name in names)
    sending = asyncio.create_task(wire.send(*pieces(random, data), pause=random.choice((0.0, 0.002))))
    answered = [list((await wire.reply(20)).json["data"]) for _ in names]
    await sending
    assert answered == [[name] for name in names]


async def cut_short(random: Random, wire: Wire) -> None:
    """The client leaves in the midst of something, sometimes without having read, sometimes by a reset."""
    data = b"".join(random.choice(MAKERS)(f"q{number}") for number in range(random.randint(1, 5)))
    await wire.send(*pieces(random, data[: random.randrange(len(data))] or b"P"), pause=0.001)
    await asyncio.sleep(random.choice((0.0, 0.003)))
    if random.random() < 0.3:
        wire.writer.transport.abort()


async def spoilt(random: Random, wire: Wire) -> None:
    """Garbage after some requests: those before it may be answered, then the server closes or is left."""
    data = b"".join(random.choice(MAKERS[:5])(f"q{number}") for number in range(random.randint(0, 2)))
    with suppress(OSError):
        await wire.send(*pieces(random, data + random.choice(GARBAGE) + b"\r\n\r\n"), pause=0.001)
        if wire.writer.can_write_eof() and random.random() < 0.5:
            wire.writer.write_eof()
        with suppress(TimeoutError):
            answer = await wire.ended(0.3)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 ")


async def storm(port: int, seed: int, connections: int) -> None:
    """Many connections, some at a time; each is bounded."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        random = Random(f"{seed}.{number}")
        async with turns, asyncio.timeout(30), connected(port) as wire:
            await random.choice((whole, whole, cut_short, spoilt))(random, wire)

    await asyncio.gather(*(one(number) for number in range(connections)))


async def test_a_storm_leaves_nothing_behind(environment: dict[str, str]):
    async with serving(environment) as server:
        await storm(server.port, SEED, 250)

        assert await until(nothing_left(server))


def nothing_left(server: RunningServer) -> Callable[[], Any]:
    """No connection, no task of a request."""

    async def check() -> bool:
        assert server.uvicorn is not None
        return not server.uvicorn.server_state.connections and not server.uvicorn.server_state.tasks

    return check


@pytest.mark.outside
async def test_a_server_process_weathers_storms(environment: dict[str, str], tmp_path: Path):
    server = ServerProcess(environment, log=tmp_path / "log")
    try:
        for seed in range(SEED, SEED + 5):
            await storm(server.port, seed, 400)
        async with connected(server.port) as wire:
            await wire.send(post())
            assert (await wire.reply()).status == 200
    finally:
        server.stop()

    lines = [orjson.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [line for line in lines if line["level"] == "error"] == []
