"""How much of the server one caller may use: a token bucket for each user, and for each network of guests, in Redis.

A token is one unit of cost (`engine/cost.py`). A bucket holds what a minute gives and fills up evenly. So that not
every query asks Redis, a process takes tokens in slices, a second's worth each, and spends them by itself: together the
processes never hand out more than the bucket had, and each keeps at most one slice that the caller may come back to.

Nothing depends on Redis being there. While it is away every process has buckets of its own, so that a caller may
spend as much at each of them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from auth.addresses import network
from auth.viewer import Viewer
from errors import _n
from integrations.quick_redis import Away, QuickRedis

MINUTE = 60.0
SLICES = 60
"""Of a full bucket."""
REMEMBERED = 1.0
"""Seconds for which a refusal is repeated without asking Redis: a flood of refused requests costs it nothing."""
MOST_PURSES = 20_000
"""Of a process. The caller who was away for longest loses what was in theirs."""
SPENT_MESSAGE = _n(
    "You have asked for too much in a short time. Try again in {retry_after} second.",
    "You have asked for too much in a short time. Try again in {retry_after} seconds.",
    by="retry_after",
)

TAKE = """
local capacity, need, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = capacity
if kept[1] then
  tokens = math.min(capacity, kept[1] + math.max(0, now - kept[2]) * capacity / 60000)
end
local granted = 0
if tokens >= math.min(need, capacity) then
  granted = math.max(need, math.min(want, math.floor(tokens)))
  tokens = tokens - granted
  redis.call('HSET', KEYS[1], 'tokens', tokens, 'at', now)
  redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - tokens) * 60000 / capacity) + 1000)
end
return {granted, math.floor(tokens)}
"""
"""Key: the bucket. Arguments: capacity, tokens needed, tokens wanted. Returns the tokens granted and those left.

An operation dearer than a full bucket waits for a full one and leaves a debt. A bucket that is full again expires.
"""


class Balance(NamedTuple):
    """After one operation. `remaining` is about right: null where there is no limit. `wait`, in seconds, is above 0
    where the operation must not run."""

    remaining: int | None = None
    wait: int = 0


@dataclass
class Bucket:
    """The same arithmetic in this process."""

    capacity: int
    tokens: float
    at: float

    def take(self, cost: int, now: float) -> bool:
        self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.capacity / MINUTE)
        self.at = now
        if self.tokens < min(cost, self.capacity):
            return False
        self.tokens -= cost
        return True


@dataclass
class Purse:
    """Of one caller in this process: tokens in hand, what Redis had left, what it refused until when."""

    capacity: int
    tokens: int = 0
    left: int = 0
    refused: int = 0
    refused_until: float = 0.0
    own: Bucket | None = None
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)

    def spend(self, cost: int) -> Balance:
        self.tokens -= cost
        return Balance(max(0, self.tokens + self.left))

    def refuse(self, missing: float, left: float) -> Balance:
        return Balance(max(0, int(left)), max(1, ceil(missing * MINUTE / self.capacity)))


def caller_key(user_id: UUID | None, address: str) -> str:
    """Who counts as one caller: a user, or all guests of a network."""
    return f"user:{user_id}" if user_id else f"network:{network(address)}"


class Budget:
    """`users` and `guests` are tokens for a minute: of one user, and of all guests of one network; 0 means no limit."""

    def __init__(self, redis: QuickRedis, *, users: int, guests: int, clock: Callable[[], float] = monotonic) -> None:
        self._redis = redis
        self._users = users
        self._guests = guests
        self._clock = clock
        self._purses: OrderedDict[str, Purse] = OrderedDict()

    async def take(self, viewer: Viewer, address: str, cost: int) -> Balance:
        """Pay for an operation. Never raises, and waits for Redis only as long as `QuickRedis` does."""
        capacity = self._users if viewer.id else self._guests
        if not capacity:
            return Balance()
        key = caller_key(viewer.id, address)
        purse = self._purse(key, capacity)
        if purse.tokens >= cost:
            return purse.spend(cost)
        async with purse.turns:  # who comes second may find that the first has fetched enough
            if purse.tokens >= cost:
                return purse.spend(cost)
            try:
                return await self._fetch(key, purse, cost)
            except Away:
                return self._alone(purse, cost)

    def _purse(self, key: str, capacity: int) -> Purse:
        purse = self._purses.get(key)
        if purse is None:
            purse = self._purses[key] = Purse(capacity)
            if len(self._purses) > MOST_PURSES:
                self._purses.popitem(last=False)
        else:
            self._purses.move_to_end(key)
        return purse

    async def _fetch(self, key: str, purse: Purse, cost: int) -> Balance:
        need = cost - purse.tokens
        now = self._clock()
        if now < purse.refused_until and need >= purse.refused:
            return purse.refuse(min(need, purse.capacity) - purse.left, purse.left)
        want = max(need, purse.capacity // SLICES)
        granted, purse.left = await self._redis.run(
            TAKE, keys=[f"wingding:budget:{key}"], arguments=[purse.capacity, need, want]
        )
        if not granted:
            purse.refused, purse.refused_until = need, now + REMEMBERED
            return purse.refuse(min(need, purse.capacity) - purse.left, purse.left)
        purse.tokens += granted
        return purse.spend(cost)

    def _alone(self, purse: Purse, cost: int) -> Balance:
        """Without Redis: by the bucket of this process, which was full when it was first needed."""
        now = self._clock()
        if purse.own is None:
            purse.own = Bucket(purse.capacity, purse.capacity, now)
        if purse.own.take(cost, now):
            return Balance(max(0, int(purse.own.tokens)))
        return purse.refuse(min(cost, purse.capacity) - purse.own.tokens, purse.own.tokens)
