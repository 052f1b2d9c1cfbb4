"""How fast the requests of one network follow each other.

The event loop serves whatever is ready, in turns: who has 128 connections has 128 requests begun in each turn, and
somebody else, whose one request takes a few dozen turns, waits for all of them each time. So where requests of several
networks come, each network may begin one in a turn. Who is alone may begin some, so that nobody who comes waits long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from auth.addresses import network

ALONE_AFTER = 1.0
"""Seconds after which a network counts as alone again."""
MOST_ALONE = 8
"""Requests in a turn of who is alone."""


class RequestPacer:
    """The pace of requests in one event loop."""

    def __init__(self) -> None:
        self._last = ""
        self._together_until = 0.0
        self._begun: dict[str, int] = {}
        """How many each network has begun in this turn of the loop."""
        self._lines: dict[str, deque[Callable[[], object]]] = {}

    def start(self, address: str, begin: Callable[[], object]) -> None:
        """Begin a request, now or in a later turn."""
        loop = asyncio.get_running_loop()
        if address != self._last:
            self._last = address
            self._together_until = loop.time() + ALONE_AFTER
        key = network(address)
        begun = self._begun.get(key, 0)
        if key in self._lines or begun >= self._most(loop):
            self._lines.setdefault(key, deque()).append(begin)
            return
        if not self._begun:
            loop.call_soon(self._next_turn, loop)
        self._begun[key] = begun + 1
        begin()

    async def turn(self, address: str) -> None:
        """Wait for the turn in which to begin."""
        begins = asyncio.Event()
        self.start(address, begins.set)
        await begins.wait()

    def _most(self, loop: asyncio.AbstractEventLoop) -> int:
        return 1 if loop.time() < self._together_until else MOST_ALONE

    def _next_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begun.clear()
        if not self._lines:
            return
        loop.call_soon(self._next_turn, loop)
        most = self._most(loop)
        for key, line in list(self._lines.items()):
            now = self._begun[key] = min(most, len(line))
            for _ in range(now):
                line.popleft()()
            if not line:
                del self._lines[key]
