"""The slot in which an operation runs; `transport/operations/admission_control.py` has a bounded number of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Protocol


class ReleasableSlot(Protocol):
    def release(self) -> bool:
        """Let another operation run. False where the slot was not held."""
        ...

    async def reacquire(self) -> None:
        """Wait for a slot, before those who have had none yet."""
        ...


current_slot: ContextVar[ReleasableSlot | None] = ContextVar("slot", default=None)


@asynccontextmanager
async def slot_released() -> AsyncIterator[None]:
    """Around waiting for what needs neither the event loop nor the database: a hash, another server, a pause."""
    held = current_slot.get()
    if held is None or not held.release():
        yield
        return
    try:
        yield
    except Exception:
        await held.reacquire()
        raise
    await held.reacquire()
