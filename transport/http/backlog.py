"""Answers that wait for slow readers, of the whole process.

Each connection has a bound of its own, but there are many of them: 400 readers who took nothing held 3.5 GB until their
time was over. Where all together hold more than `WAITING_ANSWER_BYTES`, those who hold most are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import structlog

log = structlog.get_logger()


class PendingFrames(NamedTuple):
    """`size` tells how many bytes wait at this moment, `drop` ends the connection."""

    size: Callable[[], int]
    drop: Callable[[], None]


class Backlog:
    def __init__(self, most: int) -> None:
        self.most = most
        self._held: dict[object, tuple[int, PendingFrames]] = {}
        self._total = 0

    def hold(self, key: object, held: PendingFrames) -> None:
        """Count what begins to wait, until `release`. Drops others, or this one, where there is too much."""
        self.release(key)
        size = held.size()
        self._held[key] = (size, held)
        self._total += size
        if self._total > self.most:
            self._make_room()

    def release(self, key: object) -> None:
        found = self._held.pop(key, None)
        if found is not None:
            self._total -= found[0]

    @contextmanager
    def holding(self, size: int, drop: Callable[[], None]) -> Iterator[None]:
        """Around a wait for a reader with an answer in hand."""
        key = object()
        self.hold(key, PendingFrames(lambda: size, drop))
        try:
            yield
        finally:
            self.release(key)

    def _make_room(self) -> None:
        # Readers have taken something since they were counted, so nobody is dropped before all are measured again.
        self._held = {key: (held.size(), held) for key, (_, held) in self._held.items()}
        self._total = sum(size for size, _ in self._held.values())
        largest = sorted(self._held, key=lambda key: -self._held[key][0])
        while self._total > self.most and largest:
            size, held = self._held[largest[0]]
            self.release(largest.pop(0))
            log.warning("reader.dropped", waiting=size)
            held.drop()


BACKLOG = Backlog(256 * 1024 * 1024)
"""The backlog of the process."""
