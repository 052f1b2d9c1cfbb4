"""Handing out in small slices, so that whatever else the process does gets its turn in between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

SLICE = 64
"""Readers served in one turn of the event loop, by all who hand out together: about half a millisecond, most of it
spent by the kernel on writing.
"""


class TimeSlicer:
    """One for a process: those who hand out at the same time share the turns, in the order in which they came."""

    def __init__(self, slice: int = SLICE) -> None:
        self._slice = slice
        self._left = slice
        self._waiting: deque[tuple[int, asyncio.Future[int]]] = deque()
        self._has_next_turn = False

    async def each(self, items: Sequence[T], do: Callable[[T], None]) -> None:
        """Do something for each item, at once where the turn allows it."""
        done = 0
        while done < len(items):
            wanted = len(items) - done
            granted = self._left if self._left < wanted else wanted
            if self._waiting or not granted:
                granted = await self._granted(wanted)
            else:
                self._spend(granted)
            for item in items[done : done + granted]:
                do(item)
            done += granted

    async def _granted(self, wanted: int) -> int:
        """How many of the items may be done in this turn, which is a later one."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, future))
        return await future

    def _spend(self, number: int) -> None:
        self._left -= number
        if not self._has_next_turn:
            self._has_next_turn = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._left = self._slice
        self._has_next_turn = False
        while self._waiting and self._left:
            wanted, future = self._waiting.popleft()
            if not future.done():
                granted = min(wanted, self._left)
                self._spend(granted)
                future.set_result(granted)
