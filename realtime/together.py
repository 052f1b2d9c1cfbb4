"""What many ask for at the same time, done once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextvars import Context
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_TOGETHER = 500
"""Asked for by one call."""
MOST_WORKING = 2
"""Calls at the same time: with more, fewer would come together; with one, a slow call would hold up all."""


class Together(Generic[K, V]):
    """Collects what is asked for while others are served. `work` gives an answer for each key, or none."""

    def __init__(self, work: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._work = work
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def ask(self, key: K) -> V | None:
        """The answer for a key, null where there is none. Raises as `work` does."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if len(self._working) < MOST_WORKING:
            # In a context of nobody: it works for others, too.
            task = asyncio.create_task(self._serve(), context=Context())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await future

    async def _serve(self) -> None:
        while self._waiting:
            keys = list(self._waiting)[:MOST_TOGETHER]
            asked = {key: self._waiting.pop(key) for key in keys}
            try:
                found = await self._work(keys)
            except Exception as error:
                for future in (one for futures in asked.values() for one in futures if not one.done()):
                    future.set_exception(error)
                continue
            for key, futures in asked.items():
                for future in futures:
                    if not future.done():
                        future.set_result(found.get(key))
