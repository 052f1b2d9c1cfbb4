"""Calls that many make at the same time, answered by one call for all of their keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextvars import Context
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_KEYS = 500
"""Asked for by one call."""
MOST_WORKING = 2
"""Calls at the same time: with more, fewer would come together; with one, a slow call would hold up all."""


class Batcher(Generic[K, V]):
    """Collects what is asked for while others are served. `work` gives an answer for each key, or none.

    `isolates`: where a call for several keys fails, each is tried by itself, so that one bad key spoils no other.
    """

    def __init__(self, work: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, isolates: bool = False) -> None:
        self._work = work
        self._isolates = isolates
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def load(self, key: K) -> V | None:
        """Return the answer for a key, null where there is none. Raises as `work` does."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if len(self._working) < MOST_WORKING:
            # In a context of nobody: it works for others, too.
            task = asyncio.create_task(self._serve(), context=Context())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await future

    async def _serve(self) -> None:
        try:
            while self._waiting:
                taken = [(key, self._waiting.pop(key)) for key in list(self._waiting)[:MOST_KEYS]]
                asked = {key: left for key, futures in taken if (left := [one for one in futures if not one.done()])}
                if asked:
                    await self._answer(asked)
        finally:
            # In the same turn of the loop in which nothing waited, so that whoever asks next begins another call. The
            # callback of the task comes a turn later: a key that was asked for in between would wait for the next one.
            if (task := asyncio.current_task()) is not None:
                self._working.discard(task)

    async def _answer(self, asked: Mapping[K, Sequence[asyncio.Future[V | None]]]) -> None:
        try:
            found = await self._work(list(asked))
        except Exception as error:
            if self._isolates and len(asked) > 1:
                for key, futures in asked.items():
                    await self._answer({key: futures})
            else:
                for future in (one for futures in asked.values() for one in futures if not one.done()):
                    future.set_exception(error)
            return
        for key, futures in asked.items():
            for future in futures:
                if not future.done():
                    future.set_result(found.get(key))
