"""Passwords: Argon2id (RFC 9106), hashed in threads of their own so that the event loop never waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from settings import Settings

R = TypeVar("R")
THREADS = 2
"""A hash takes tens of megabytes and a core: more at once would only starve everything else."""


class Passwords:
    def __init__(self, settings: Settings) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=settings.password_hash_memory, parallelism=1)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._decoy = self._hasher.hash("no account has this password")

    async def hash(self, password: str) -> str:
        return await self._run(self._hasher.hash, password)

    async def verify(self, known: str | None, password: str) -> bool:
        """Whether the password fits. Takes as long where there is no account to compare with."""
        fits = await self._run(self._matches, known or self._decoy, password)
        return fits and known is not None

    def needs_rehash(self, known: str) -> bool:
        """Whether the stored hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(known)

    def _matches(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., R], *arguments: str) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
