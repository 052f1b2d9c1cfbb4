"""Token buckets in Redis, for limits that all processes share and that need not be exact to the last one.

A bucket holds what a period gives and fills up evenly. So that not every use asks Redis, a process takes tokens in
slices and spends them by itself: together the processes never hand out more than the bucket had, and each keeps at most
one slice that its owner may come back to.

Nothing depends on Redis being there. While it is away every process has buckets of its own, so that one may spend as
much at each of them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import NamedTuple

from integrations.quick_redis import QuickRedis, RedisUnavailable
from settings import Rate

REFUSAL_CACHED_FOR = 1.0
"""Seconds for which a refusal is repeated without asking Redis: a flood of refused requests costs it nothing."""
MOST_KEYS = 20_000
"""Maximum number of buckets in a process. The least recently used one loses its tokens."""

TAKE = """
local capacity, need, want, period = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = capacity
if kept[1] then
  tokens = math.min(capacity, kept[1] + math.max(0, now - kept[2]) * capacity / period)
end
local granted = 0
if tokens >= math.min(need, capacity) then
  granted = math.max(need, math.min(want, math.floor(tokens)))
  tokens = tokens - granted
  redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
  redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - tokens) * period / capacity) + 1000)
end
return {granted, math.floor(tokens)}
"""
"""Key: the bucket. Arguments: capacity, tokens needed, tokens wanted, milliseconds in which an empty bucket fills up.
Returns the tokens granted and those left.

What costs more than a full bucket waits for a full one and leaves a debt. A bucket that is full again expires.
"""


class Balance(NamedTuple):
    """After one use. `remaining` is about right: null where there is no limit. `wait`, in seconds, is above 0 where it
    must not be."""

    remaining: int | None = None
    wait: int = 0


@dataclass
class TokenBucket:
    """A token bucket in this process, by the same arithmetic. Used while Redis is away."""

    rate: Rate
    tokens: float
    at: float

    def take(self, cost: int, now: float) -> bool:
        most, seconds = self.rate
        self.tokens = min(most, self.tokens + (now - self.at) * most / seconds)
        self.at = now
        if self.tokens < min(cost, most):
            return False
        self.tokens -= cost
        return True


@dataclass
class LocalTokens:
    """The tokens that this process holds for one key, what Redis had left, and what it refused until when."""

    rate: Rate
    tokens: int = 0
    left: int = 0
    refused: int = 0
    refused_until: float = 0.0
    fallback: TokenBucket | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def spend(self, cost: int) -> Balance:
        self.tokens -= cost
        return Balance(max(0, self.tokens + self.left))

    def refuse(self, missing: float, left: float) -> Balance:
        return Balance(max(0, int(left)), max(1, ceil(missing * self.rate.seconds / self.rate.most)))


class SharedTokenBuckets:
    """Buckets of one kind. `slices` is how many of them a full bucket has."""

    def __init__(self, redis: QuickRedis, kind: str, *, slices: int, clock: Callable[[], float] = monotonic) -> None:
        self._redis = redis
        self._kind = kind
        self._slices = slices
        self._clock = clock
        self._local: OrderedDict[str, LocalTokens] = OrderedDict()

    async def take(self, key: str, rate: Rate, cost: int) -> Balance:
        """Pay. Never raises, and waits for Redis only as long as `QuickRedis` does."""
        balance = self.take_at_once(key, rate, cost)
        return await self.take_from_redis(key, rate, cost) if balance is None else balance

    def take_at_once(self, key: str, rate: Rate, cost: int) -> Balance | None:
        """Pay with what this process has in hand; null where that is not enough."""
        local = self._local_tokens(key, rate)
        return local.spend(cost) if local.tokens >= cost else None

    async def take_from_redis(self, key: str, rate: Rate, cost: int) -> Balance:
        """Pay where that is not enough. As `take`."""
        local = self._local_tokens(key, rate)
        async with local.lock:  # who comes second may find that the first has fetched enough
            if local.tokens >= cost:
                return local.spend(cost)
            try:
                return await self._fetch(key, local, cost)
            except RedisUnavailable:
                return self._take_from_fallback(local, cost)

    def give_back(self, key: str, cost: int) -> None:
        """Give back what was paid for and did not happen. Below 0 it is a debt: it has cost more."""
        local = self._local.get(key)
        if local is not None:
            local.tokens += cost

    def _local_tokens(self, key: str, rate: Rate) -> LocalTokens:
        local = self._local.get(key)
        if local is None or (local.rate is not rate and local.rate != rate):
            local = self._local[key] = LocalTokens(rate)
            if len(self._local) > MOST_KEYS:
                self._local.popitem(last=False)
        else:
            self._local.move_to_end(key)
        return local

    async def _fetch(self, key: str, local: LocalTokens, cost: int) -> Balance:
        need, most = cost - local.tokens, local.rate.most
        now = self._clock()
        if now < local.refused_until and need >= local.refused:
            return local.refuse(min(need, most) - local.left, local.left)
        arguments = [most, need, max(need, most // self._slices), int(local.rate.seconds * 1000)]
        granted, local.left = await self._redis.run(TAKE, keys=[f"wingding:{self._kind}:{key}"], arguments=arguments)
        if not granted:
            local.refused, local.refused_until = need, now + REFUSAL_CACHED_FOR
            return local.refuse(min(need, most) - local.left, local.left)
        local.tokens += granted
        return local.spend(cost)

    def _take_from_fallback(self, local: LocalTokens, cost: int) -> Balance:
        """Without Redis: by the bucket of this process, which was full when it was first needed."""
        now = self._clock()
        if local.fallback is None:
            local.fallback = TokenBucket(local.rate, local.rate.most, now)
        need = cost - local.tokens
        if local.fallback.take(need, now):
            local.tokens = 0
            return Balance(max(0, int(local.fallback.tokens)))
        return local.refuse(min(need, local.rate.most) - local.fallback.tokens, local.fallback.tokens)
