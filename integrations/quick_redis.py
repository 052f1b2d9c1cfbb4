"""Redis for what may be forgotten: budgets and persisted documents. Nobody ever waits long for it.

The hub has connections of its own, which come back by themselves; here a Redis that does not answer at once is left
alone for a while, and the caller goes on without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = structlog.get_logger()

PATIENCE = 0.2
"""Seconds for an answer, connecting included."""
PAUSE = 5.0
"""Seconds for which Redis is not asked after it did not answer."""
CONNECTIONS = 16


class RedisUnavailable(Exception):
    """Redis did not answer in time, or did not a moment ago."""


class QuickRedis:
    """Runs scripts (Lua), each in one round trip. Connects when it is first needed."""

    def __init__(self, url: str, *, patience: float = PATIENCE, pause: float = PAUSE) -> None:
        self._url = url
        self._patience = patience
        self._pause = pause
        self._client: Redis | None = None
        self._scripts: dict[str, Any] = {}
        self._away_until = 0.0
        self._late: set[asyncio.Task[Any]] = set()

    async def run(self, script: str, *, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run the script and return its answer, texts as bytes. Raises `RedisUnavailable`."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            raise RedisUnavailable
        try:
            return await self._in_time(self._script(script)(keys=keys, args=arguments))
        except (RedisError, OSError, TimeoutError) as error:
            if loop.time() >= self._away_until:
                log.warning("redis.away", error=type(error).__name__, seconds=self._pause)
            self._away_until = loop.time() + self._pause
            raise RedisUnavailable from error

    async def _in_time(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Not by cancelling and waiting for the end: redis-py may be in a state in which it swallows a cancellation."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task}, timeout=self._patience)
        finally:
            if not task.done():
                self._late.add(task)
                task.add_done_callback(self._forget)
                task.cancel()
        if not task.done():
            raise TimeoutError
        return task.result()

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()

    def _script(self, text: str) -> Any:
        if self._client is None:
            pool: Any = BlockingConnectionPool.from_url(
                self._url, max_connections=CONNECTIONS, timeout=self._patience, retry=Retry(NoBackoff(), 0)
            )
            self._client = Redis.from_pool(pool)
        if text not in self._scripts:
            self._scripts[text] = self._client.register_script(text)
        return self._scripts[text]

    async def disconnect(self) -> None:
        if self._client is not None:
            client, self._client, self._scripts = self._client, None, {}
            await client.aclose()
