"""Refusals that come too fast are told a little later.

Who sends the next request as soon as an answer has come, and is refused each time, would have the loop do nothing else.
Held back, a connection gets a few refusals in a second, whatever their reason; it costs a timer and no turn.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from random import uniform

from auth.addresses import network

FREE = 50
"""Refusals of one network in a second that are told at once."""
LEAST, MOST = 0.2, 0.4
"""Seconds for which one is held back."""


class RefusalDelay:
    """The delay of refusals in one process."""

    def __init__(self) -> None:
        self._second = 0
        self._refused: Counter[str] = Counter()

    async def delay_refusal(self, address: str) -> None:
        """Before a refusal is told."""
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self._second = second
            self._refused.clear()
        key = network(address)
        self._refused[key] += 1
        if self._refused[key] > FREE:
            await asyncio.sleep(uniform(LEAST, MOST))
