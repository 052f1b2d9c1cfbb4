"""What a process keeps for the next request that asks the same, bounded by what it weighs.

Clients choose what is asked, so counting entries bounds nothing: one of them may be a megabyte. Every cache whose keys
or values clients choose is a `Cache`, or is made by `for_short_texts` or `for_many_short_texts`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from sys import getsizeof
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
F = TypeVar("F", bound=Callable[..., Any])

MEBIBYTE = 1024 * 1024
SHARES = {
    "documents": 18,
    "refused documents": 3,
    "operations": 14,
    "plans": 18,
    "costs": 7,
    "live operations": 4,
    "live plans": 4,
    "statements": 12,
    "row classes": 2,
    "arguments": 4,
    "persisted queries": 4,
    "introspections": 5,
    "tokens": 5,
}
"""Per cent of `CACHE_BYTES`."""
LARGEST = 8
"""An entry may weigh an eighth of its cache: a stranger's largest documents do not push out everybody's."""
TOKEN = 1_000
"""Bytes of a syntax tree, for each token of its document."""
PLAN_TOKEN = 1_500
"""Bytes of an operation's plan, for each token of its document."""
ENTRY = 200
"""Bytes that any entry takes besides its key and value."""
SHORT = 256
"""Characters of a short text."""
SHORT_TEXTS = 512
"""Maximum number of texts that one function keeps."""
MANY_SHORT_TEXTS = 4096
"""Maximum number of texts that a function keeps which is called for every client."""


MANY_IDS = 2_000
"""Maximum number of ids that one function keeps, 300 bytes each."""


class CacheLimit:
    """The limit of all caches of the process together, as `CACHE_BYTES` says."""

    bytes = 128 * MEBIBYTE


class Cache(Generic[K, V]):
    """What was used last. Whoever puts something in says what it weighs, in bytes."""

    def __init__(self, name: str, *, largest: int = LARGEST) -> None:
        self.name = name
        self.weight = 0
        self._largest = largest
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    @property
    def most(self) -> int:
        return CacheLimit.bytes * SHARES[self.name] // 100

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: K) -> bool:
        return key in self._kept

    def get(self, key: K) -> V | None:
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep it, unless it is too large to be kept. `weight` is of key and value."""
        weight += ENTRY
        most = self.most
        if weight > most // self._largest:
            return
        replaced = self._kept.pop(key, None)
        self.weight += weight - (replaced[1] if replaced is not None else 0)
        self._kept[key] = (value, weight)
        while self.weight > most:
            self.weight -= self._kept.popitem(last=False)[1][1]


def for_short_texts(function: F) -> F:
    """Keep what a function returns for the texts that it was asked about last; a long one is worked out each time."""
    return _for_short_texts(function, SHORT_TEXTS)


def for_many_short_texts(function: F) -> F:
    """As `for_short_texts`, for what differs from client to client."""
    return _for_short_texts(function, MANY_SHORT_TEXTS)


def _for_short_texts(function: F, most: int) -> F:
    kept = lru_cache(most)(function)

    @wraps(function)
    def call(text: str, *others: Any) -> Any:
        return kept(text, *others) if len(text) <= SHORT else function(text, *others)

    return call  # type: ignore[return-value]  # of the same signature


def for_ids(function: F) -> F:
    """Keep what a function makes of the ids that it was asked about last, which is short."""
    return lru_cache(MANY_IDS)(function)  # type: ignore[return-value]  # of the same signature


def weight_of(value: Any) -> int:
    """Bytes of a text, a number, or a collection of such, about."""
    own = getsizeof(value)
    if isinstance(value, dict):
        return own + sum(weight_of(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return own + sum(weight_of(one) for one in value)
    return own
