"""Ending tasks for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

AGAIN_AFTER = 0.5
"""Seconds for a task to clean up before it is cancelled once more."""


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended, and forget how.

    Once is not enough: until Python 3.12, `asyncio.wait_for`, which redis-py uses as well, swallows a cancellation that
    comes in the moment in which it is done.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=AGAIN_AFTER)
        for task in done:
            if not task.cancelled():
                task.exception()
