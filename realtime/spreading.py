"""Handing out in small slices, so that whatever else the process does gets its turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

SLICE = 64
"""Readers served in one turn of the event loop, by all who hand out together: about half a millisecond, most of it
spent by the kernel on writing.
"""


class Spreader:
    """One for a process: those who hand out at the same time share the turns."""

    def __init__(self, slice: int = SLICE) -> None:
        self._slice = slice
        self._left = slice
        self._is_spent_in_this_turn = False

    async def each(self, items: Sequence[T], do: Callable[[T], None]) -> None:
        """Do something for each item, at once where the turn allows it."""
        done = 0
        while done < len(items):
            if self._left == 0:
                await asyncio.sleep(0)
                continue
            part = items[done : done + self._left]
            done += len(part)
            self._left -= len(part)
            if not self._is_spent_in_this_turn:
                self._is_spent_in_this_turn = True
                asyncio.get_running_loop().call_soon(self._next_turn)
            for item in part:
                do(item)

    def _next_turn(self) -> None:
        self._left = self._slice
        self._is_spent_in_this_turn = False
