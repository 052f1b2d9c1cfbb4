"""Long work on the event loop in short pieces, with time for everybody else between them.

Parsing and validating are plain functions of graphql-core that call themselves for each level, and a thread would only
fight for the interpreter with the loop. So the work runs in a greenlet: wherever it calls `pause_if_due`, and its piece
is over, the loop goes on with something else and comes back later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")

SLICE = 0.0005
"""Seconds of a piece."""
PAUSE = 0.001
"""Seconds after a piece: others have two thirds of the time."""


class Sliced(greenlet):  # type: ignore[misc]  # has no types
    """Work in pieces. `until` is when the piece is over."""

    until = 0.0


def pause_if_due() -> None:
    """Let others go on, if this runs in slices and the slice is over."""
    current = getcurrent()
    if isinstance(current, Sliced) and perf_counter() > current.until:
        assert current.parent is not None
        current.parent.switch()


async def in_slices(function: Callable[..., T], *arguments: Any) -> T:
    """Return what a function returns, or raises, that calls `pause_if_due` now and then. Short work is done
    without a pause."""
    work = Sliced(function)
    work.gr_context = getcurrent().gr_context
    found: Any = None
    try:
        work.until = perf_counter() + SLICE
        found = work.switch(*arguments)
        while not work.dead:
            await asyncio.sleep(PAUSE)
            work.parent = getcurrent()
            work.until = perf_counter() + SLICE
            found = work.switch()
    finally:
        if not work.dead:
            work.throw()
    result: T = found
    return result
