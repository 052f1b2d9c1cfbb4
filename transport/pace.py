"""How fast the requests of one network follow each other, where those of others come too.

The event loop serves whatever is ready, in turns: who has 128 connections has 128 requests begun in each turn, and
somebody else, whose one request takes a few dozen turns, waits for all of them each time. So where requests of several
networks come, each network may begin one in a turn. Who is alone is not slowed down.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from auth.addresses import network

ALONE_AFTER = 1.0
"""Seconds after which a network counts as alone again."""


class Pace:
    """Of one event loop."""

    def __init__(self) -> None:
        self._last = ""
        self._together_until = 0.0
        self._begun: set[str] = set()
        """Networks that have begun something in this turn of the loop."""
        self._lines: dict[str, deque[Callable[[], object]]] = {}

    def start(self, address: str, begin: Callable[[], object]) -> None:
        """Begin a request, now or in a later turn."""
        loop = asyncio.get_running_loop()
        if address != self._last:
            self._last = address
            self._together_until = loop.time() + ALONE_AFTER
        elif not self._lines and loop.time() > self._together_until:
            begin()
            return
        key = network(address)
        if key in self._begun:
            self._lines.setdefault(key, deque()).append(begin)
            return
        if not self._begun:
            loop.call_soon(self._next_turn, loop)
        self._begun.add(key)
        begin()

    async def turn(self, address: str) -> None:
        """Wait for the turn in which to begin."""
        begins = asyncio.Event()
        self.start(address, begins.set)
        await begins.wait()

    def _next_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begun.clear()
        if not self._lines:
            return
        loop.call_soon(self._next_turn, loop)
        for key, line in list(self._lines.items()):
            begin = line.popleft()
            if not line:
                del self._lines[key]
            self._begun.add(key)
            begin()
