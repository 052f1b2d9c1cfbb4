"""What waits for slow readers is bounded for the process."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace

import pytest

from tests.transport.conftest import serving, until
from tests.transport.http.test_direct import LARGE
from tests.transport.raw import connected, post
from transport.http.backlog import BACKLOG, Backlog, PendingFrames


class Reader:
    def __init__(self, backlog: Backlog, size: int) -> None:
        self.size = size
        self.is_dropped = False
        backlog.hold(self, PendingFrames(lambda: self.size, self._drop))

    def _drop(self) -> None:
        self.is_dropped = True


def dropped(*readers: Reader) -> list[bool]:
    return [one.is_dropped for one in readers]


def test_who_holds_most_is_dropped():
    backlog = Backlog(100)
    readers = [Reader(backlog, size) for size in (30, 50, 20)]

    last = Reader(backlog, 40)

    assert dropped(*readers, last) == [False, True, False, False]


def test_what_has_been_read_in_the_meantime_does_not_count():
    backlog = Backlog(100)
    readers = [Reader(backlog, size) for size in (30, 50, 20)]
    readers[1].size = 5

    last = Reader(backlog, 40)

    assert dropped(*readers, last) == [False, False, False, False]


def test_who_has_read_all_is_forgotten():
    backlog = Backlog(100)
    for _ in range(10):
        reader = Reader(backlog, 60)
        backlog.release(reader)
        assert not reader.is_dropped


def test_an_answer_in_hand_counts_as_long_as_it_waits():
    backlog, gone = Backlog(100), []
    with backlog.holding(80, lambda: gone.append("held")):
        reader = Reader(backlog, 30)
    assert (gone, reader.is_dropped) == (["held"], False)

    Reader(backlog, 60)

    assert gone == ["held"]


@pytest.mark.skipif(os.environ.get("EXECUTION") == "reference", reason="it takes seconds for these large answers")
async def test_readers_who_take_nothing_are_dropped_where_they_hold_too_much(environment, monkeypatch):
    async with serving(environment) as server, connected(server.port) as first, connected(server.port) as second:
        assert server.uvicorn is not None
        connections = server.uvicorn.server_state.connections
        await asyncio.gather(first.send(post()), second.send(post()))
        assert [(await one.reply()).status for one in (first, second)] == [200, 200]
        assert len(connections) == 2
        told: list[int] = []
        log = SimpleNamespace(warning=lambda _event, *, waiting: told.append(waiting))
        monkeypatch.setattr("transport.http.backlog.log", log)
        monkeypatch.setattr(BACKLOG, "most", 100_000)
        first.writer.write(post(LARGE) * 100)
        second.writer.write(post(LARGE) * 100)

        async def is_dropped() -> object:
            return told and len(connections) < 2

        async def is_within() -> bool:
            return sum(one.transport.get_write_buffer_size() for one in list(connections)) <= BACKLOG.most

        await until(is_dropped)
        assert await is_within()
