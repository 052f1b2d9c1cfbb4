"""How much of the server one caller may use: a token bucket for each user, and for each network of guests
(`integrations/token_buckets.py`). A token is one unit of cost (`engine/cost.py`), and a slice is a second's worth.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from uuid import UUID

from auth.addresses import network
from auth.viewer import GUEST, Viewer
from errors import _
from integrations.quick_redis import QuickRedis
from integrations.token_buckets import Balance, SharedTokenBuckets
from settings import Rate

MINUTE = 60.0
SLICES = 60
SPENT_MESSAGE = _("You have asked for too much in a short time. Try again {retry_after}.")


def caller_key(user_id: UUID | None, address: str) -> str:
    """Return the key of one caller: a user, or all guests of a network."""
    return f"user:{user_id}" if user_id else f"network:{network(address)}"


class BudgetExhausted(Exception):
    """A caller cannot pay for what has to be done before anybody knows who they are."""

    def __init__(self, cost: int, balance: Balance) -> None:
        self.cost, self.balance = cost, balance
        super().__init__(cost, balance)


class Budget:
    """`users` and `guests` are tokens for a minute: of one user, and of all guests of one network; 0 means no limit."""

    def __init__(self, redis: QuickRedis, *, users: int, guests: int, clock: Callable[[], float] = monotonic) -> None:
        self._buckets = SharedTokenBuckets(redis, "budget", slices=SLICES, clock=clock)
        self._users = Rate(users, MINUTE)
        self._guests = Rate(guests, MINUTE)

    async def take(self, viewer: Viewer, address: str, cost: int) -> Balance:
        """Pay for an operation. Never raises, and waits for Redis only as long as `QuickRedis` does."""
        return await self.take_of(caller_key(viewer.id, address), cost, is_user=viewer.id is not None)

    async def take_of(self, key: str, cost: int, *, is_user: bool) -> Balance:
        """Take from the budget of the caller of this key."""
        rate = self._users if is_user else self._guests
        if not rate.most:
            return Balance()
        # Mostly this process has enough in hand.
        balance = self._buckets.take_at_once(key, rate, cost)
        return await self._buckets.take_from_redis(key, rate, cost) if balance is None else balance

    async def charge(self, address: str, cost: int) -> None:
        """Let the guests of a network pay for bytes and documents. Raises `BudgetExhausted`."""
        balance = await self.take(GUEST, address, cost)
        if balance.wait:
            raise BudgetExhausted(cost, balance)

    def settle(self, key: str, difference: int, remaining: int | None) -> int | None:
        """Pay what an operation cost beyond what was taken for it, or have back what it did not cost; what remains
        then. No word to Redis: this process holds more for the caller from now on, or less."""
        if remaining is None:
            return None
        self._buckets.give_back(key, -difference)
        return max(0, remaining - difference)
