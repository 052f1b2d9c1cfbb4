"""Deadlines for blocks that mostly end long before them."""

from __future__ import annotations

import asyncio
from contextvars import Context
from types import TracebackType


class Deadlines:
    """All of one length: they are over in the order in which they began, so one timer does for all that run."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[Deadline, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._nothing = Context()

    def block(self) -> Deadline:
        """As `asyncio.timeout(seconds)`, for a `with` block."""
        return Deadline(self)

    def begin(self, deadline: Deadline) -> asyncio.Task[object]:
        """Return the task that has the deadline from now on."""
        # Asking which loop runs is a system call in Python 3.11, so it is asked once.
        task = asyncio.current_task(self._loop) if self._loop is not None else None
        if task is None:
            self._loop = asyncio.get_running_loop()
            self._running, self._timer = {}, None
            task = asyncio.current_task(self._loop)
        assert task is not None and self._loop is not None
        at = self._running[deadline] = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(at, self._look, context=self._nothing)
        return task

    def end(self, deadline: Deadline) -> None:
        self._running.pop(deadline, None)

    def _look(self) -> None:
        """End those that are due, and wait for the next."""
        self._timer = None
        assert self._loop is not None
        now = self._loop.time()
        for deadline, at in list(self._running.items()):
            if at > now:
                self._timer = self._loop.call_at(at, self._look, context=self._nothing)
                return
            del self._running[deadline]
            deadline.expire()


class Deadline:
    """When it is over, the task is cancelled and the block ends with `TimeoutError`."""

    __slots__ = ("_all", "_cancelling", "_is_over", "_task")

    def __init__(self, all_: Deadlines) -> None:
        self._all = all_
        self._is_over = False

    def __enter__(self) -> None:
        self._task = self._all.begin(self)
        self._cancelling = self._task.cancelling()

    def expire(self) -> None:
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._all.end(self)
        # Who else has cancelled the task goes before us.
        if self._is_over and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
