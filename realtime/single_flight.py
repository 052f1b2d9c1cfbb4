"""What many ask for at the same time, done once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from contextvars import Context
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SingleFlight(Generic[K, V]):
    """Runs one call for a key, however many ask for it meanwhile.

    `kept` is how many results stay for those who ask later; without it each is forgotten once it is there. A call that
    failed is tried again by the next who asks.
    """

    __slots__ = ("_calls", "_kept")

    def __init__(self, *, kept: int = 0) -> None:
        self._kept = kept
        self._calls: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, begin: Callable[[], Coroutine[Any, Any, V]]) -> V:
        call = self._calls.get(key)
        if call is None:
            # In a context of nobody: the end of the operation that happened to ask first must not end it for all.
            call = self._calls[key] = asyncio.create_task(begin(), context=Context())
            call.add_done_callback(partial(self._done, key))
            if self._kept and len(self._calls) > self._kept:
                del self._calls[next(iter(self._calls))]
        return await asyncio.shield(call)

    def _done(self, key: K, call: asyncio.Task[V]) -> None:
        is_good = not call.cancelled() and call.exception() is None
        if not (self._kept and is_good) and self._calls.get(key) is call:
            del self._calls[key]
