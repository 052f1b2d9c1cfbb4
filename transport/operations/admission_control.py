"""How many operations run at the same time in this process, how many wait for their slot, and who is refused at once.

Without a limit a process that is asked for more than it can do answers everyone, and everyone late: it shares its one
core among all, and each waits for all. With one, those who run are done soon, a bounded number waits for a bounded
time, and the others hear at once when to come back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import cycle
from math import ceil
from time import monotonic
from types import TracebackType
from typing import Any

from database.operation_slots import current_slot

PATIENCE = 5.0
"""Seconds that an operation waits for its slot at most."""
LONGEST_RETRY = 30
SPREAD = cycle(range(4))
"""Seconds that are added to the time to come back, so that not all who are refused come back together."""
LEAST_SHARE = 4
"""Slots that one caller may have at the same time, and a fifth where that is more: what runs shares the core."""
FADING = 0.05
"""Weight of the newest operation in the mean of how long they take."""


class Overloaded(Exception):
    """There is neither a slot nor a place to wait for one. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(retry_after)


class AdmissionControl:
    """The slots of one process. A caller is a user, or the network of guests.

    One caller has at most a fifth of the slots, or four. A slot that becomes free goes to who has fewest, and
    among those to who has waited longest. Where all places to wait are taken, a caller who has fewer of them takes
    one from who has the most.
    """

    def __init__(self, *, running: int, waiting: int, share: int = 0, patience: float = PATIENCE) -> None:
        """`share` is how many slots one caller may have, where it is another part than usual."""
        self._most_running = running
        self._most_of_one = share or max(LEAST_SHARE, running // 5)
        self._most_waiting = waiting
        self._patience = patience
        self._running: dict[str, int] = {}
        """How many slots each caller has, who has any."""
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        """Waiting operations by caller. Callers are in the order in which they have waited since their last slot."""
        self._returning: deque[asyncio.Future[None]] = deque()
        self._mean = 0.0
        self.running = 0
        self.waiting = 0

    def for_costly(self) -> AdmissionControl:
        """Return the slots for work that keeps PostgreSQL busy for long: fewer slots, and one for each caller."""
        running = max(1, self._most_running // 4)
        return AdmissionControl(running=running, waiting=self._most_waiting, share=1, patience=self._patience)

    def slot(self, caller: str) -> OperationSlot:
        """For an `async with` block. Raises `Overloaded`."""
        return OperationSlot(self, caller)

    # What `OperationSlot` does

    def try_take(self, caller: str) -> bool:
        if self.running >= self._most_running or self._returning:
            return False
        # Where there is a free slot, those who wait have all that one may have.
        if self._running.get(caller, 0) >= self._most_of_one or caller in self._lines:
            return False
        self._take(caller)
        return True

    async def wait(self, caller: str) -> None:
        """Stand in line. Raises `Overloaded` where there is no place, or no slot in time."""
        if self.waiting >= self._most_waiting:
            self._make_room(caller)
        loop = asyncio.get_running_loop()
        place = loop.create_future()
        self._lines.setdefault(caller, deque()).append(place)
        self.waiting += 1
        # `asyncio.timeout` would cost as much as the rest of waiting.
        timer = loop.call_later(self._patience, self._give_up, place)
        try:
            await place
        except BaseException:
            self._leave(caller, place)
            raise
        finally:
            timer.cancel()

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if not place.done():
            place.set_exception(Overloaded(self._retry_after()))

    async def wait_again(self, caller: str) -> None:
        """For a slot that was given back. Nobody is refused in the midst of something."""
        if self.running < self._most_running and not self._returning:
            self._take(caller)
            return
        place = asyncio.get_running_loop().create_future()
        self._returning.append(place)
        try:
            await place
        except BaseException:
            if place in self._returning:
                self._returning.remove(place)
            elif not place.cancelled():
                self.running -= 1
                self._next()
            raise
        self._running[caller] = self._running.get(caller, 0) + 1

    def release(self, caller: str, seconds: float | None = None) -> None:
        """Give a slot back. `seconds` is how long the operation took."""
        self.running -= 1
        if left := self._running[caller] - 1:
            self._running[caller] = left
        else:
            del self._running[caller]
        if seconds is not None:
            self._mean += (seconds - self._mean) * FADING
        if self._lines or self._returning:
            self._next()

    def _take(self, caller: str) -> None:
        self.running += 1
        self._running[caller] = self._running.get(caller, 0) + 1

    def _next(self) -> None:
        """Give a free slot to who is next. Who is being cancelled takes none."""
        while self._returning:
            place = self._returning.popleft()
            if not place.done():
                self.running += 1
                place.set_result(None)
                return
        while self._lines:
            caller = min(self._lines, key=lambda one: self._running.get(one, 0))
            if self._running.get(caller, 0) >= self._most_of_one:
                return
            # The caller's other operations stand behind those of everyone else from now on.
            line = self._lines.pop(caller)
            place = line.popleft()
            if line:
                self._lines[caller] = line
            self.waiting -= 1
            if not place.done():
                self._take(caller)
                place.set_result(None)
                return

    def _leave(self, caller: str, place: asyncio.Future[None]) -> None:
        """Stop waiting. A slot that was given in this moment goes to the next caller."""
        if place.done() and not place.cancelled() and place.exception() is None:
            self.release(caller)
            return
        line = self._lines.get(caller, ())
        if place in line:
            self._remove(caller, place)

    def _remove(self, caller: str, place: asyncio.Future[None]) -> None:
        line = self._lines[caller]
        line.remove(place)
        if not line:
            del self._lines[caller]
        self.waiting -= 1

    def _make_room(self, caller: str) -> None:
        """Make room. Raises `Overloaded` where nobody waits with more operations than the caller would."""
        greedy = max(self._lines, key=lambda one: len(self._lines[one]), default=caller)
        line = self._lines.get(greedy, deque())
        if len(line) <= len(self._lines.get(caller, ())) + 1:
            raise Overloaded(self._retry_after())
        last = line[-1]
        self._remove(greedy, last)
        if not last.done():
            last.set_exception(Overloaded(self._retry_after()))

    def _retry_after(self) -> int:
        """When those who run and wait now will be done, about."""
        seconds = ceil(self._mean * (self.running + self.waiting) / self._most_running)
        return min(max(1, seconds) + next(SPREAD), LONGEST_RETRY)


class NoSlot:
    """No slot: for what takes none."""

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


NO_SLOT = NoSlot()


class TwoSlots:
    """Two slots, one after the other."""

    def __init__(self, first: OperationSlot, second: OperationSlot) -> None:
        self._first, self._second = first, second

    async def __aenter__(self) -> None:
        await self._first.__aenter__()
        try:
            await self._second.__aenter__()
        except BaseException:
            await self._first.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *error: Any) -> None:
        await self._second.__aexit__(*error)
        await self._first.__aexit__(*error)


class OperationSlot:
    """The slot of one operation."""

    __slots__ = ("_admission", "_caller", "_is_held", "_since", "_token")

    def __init__(self, admission: AdmissionControl, caller: str) -> None:
        self._admission = admission
        self._caller = caller
        self._is_held = False

    async def __aenter__(self) -> None:
        admission = self._admission
        if not admission.try_take(self._caller):
            await admission.wait(self._caller)
        self._is_held = True
        self._since = monotonic()
        self._token: Any = current_slot.set(self)

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        current_slot.reset(self._token)
        if self._is_held:
            self._is_held = False
            self._admission.release(self._caller, monotonic() - self._since)

    def release(self) -> bool:
        if not self._is_held:
            return False
        self._is_held = False
        self._admission.release(self._caller)
        return True

    async def reacquire(self) -> None:
        await self._admission.wait_again(self._caller)
        self._is_held = True
