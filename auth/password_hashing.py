"""Passwords: Argon2id (RFC 9106), hashed in threads of their own so that the event loop never waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from auth.common_passwords import is_common
from database import Busy
from database.operation_slots import slot_released
from settings import Settings

R = TypeVar("R")
THREADS = 2
"""A hash takes tens of megabytes and a core: more at once would only starve everything else."""
MOST_WAITING = 64
"""Hashes that run or wait, about three seconds of them."""
MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 200
FEWEST_OWN_CHARACTERS = 6
"""Minimum number of characters besides the parts that anyone could guess from the account."""
FEWEST_DIFFERENT_CHARACTERS = 4


def is_too_weak(password: str, *known: str | None) -> bool:
    """Whether it is among the commonest, or little is left of it without what is known of the account or its repeats.

    Case, width and composition of letters do not matter, nor do spaces and signs within what is known.
    """
    folded = _folded(password)
    words = {_folded(word) for word in known if word}
    left = _without(folded, words)
    plain = _letters(folded)
    taken = len(plain) - len(_without(plain, {_letters(word) for word in words}))
    is_little = min(len(left), len(folded) - taken) < FEWEST_OWN_CHARACTERS
    return is_common(folded) or is_little or len(set(left)) < FEWEST_DIFFERENT_CHARACTERS


def _without(text: str, words: Iterable[str]) -> str:
    for word in sorted((word for word in words if len(word) > 2), key=len, reverse=True):
        text = text.replace(word, "")
    return text


def _folded(text: str) -> str:
    return normalize("NFKC", normalize("NFKC", text).casefold())


def _letters(folded: str) -> str:
    return "".join(one for one in folded if one.isalnum())


class Passwords:
    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=settings.password_hash_memory, parallelism=1)
        self._waiting = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._decoy = self._hasher.hash("no account has this password")

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, _bytes(password))

    async def verify(self, known: str | None, password: str) -> bool:
        """Whether the password fits. Takes as long where there is no account to compare with."""
        fits = await self._run(self._matches, known or self._decoy, _bytes(password))
        return fits and known is not None

    def needs_rehash(self, known: str) -> bool:
        """Whether the stored hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(known)

    def _matches(self, known: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., R], *arguments: str | bytes) -> R:
        """Run the work in a thread. Raises `Busy` if so many wait that this one would wait too long."""
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            async with slot_released():
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._waiting -= 1


def _bytes(password: str) -> bytes:
    """Encode a password so that it does not matter how a keyboard composes characters (RFC 8265, section 4.2)."""
    return normalize("NFC", password).encode("utf-8", "surrogatepass")
