"""The turn of an operation: one of those that may run at the same time (`transport/operations/admission.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Protocol


class Turn(Protocol):
    def give_back(self) -> bool:
        """Let another operation run. False where the turn was not held."""
        ...

    async def take_again(self) -> None:
        """Wait for a turn, before those who have had none yet."""
        ...


turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


@asynccontextmanager
async def turn_given_back() -> AsyncIterator[None]:
    """Around waiting for what needs neither the event loop nor the database: a hash, another server, a pause."""
    held = turn.get()
    if held is None or not held.give_back():
        yield
        return
    try:
        yield
    except Exception:
        await held.take_again()
        raise
    await held.take_again()
