"""The rows that one operation has read while it runs, in the unit of `engine/cost.py`."""

from __future__ import annotations

from typing import NoReturn


class TooCostly(Exception):
    """The operation has read more than it may. Nothing of its answer is of use."""


class Spending:
    """Counts what is read for one operation. Without `most` it only counts."""

    __slots__ = ("most", "spent")

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self.spent = 0

    @property
    def is_over(self) -> bool:
        return self.most is not None and self.spent > self.most

    def count(self, cost: int) -> None:
        """Add to the cost. Raises `TooCostly` once the limit is passed, and ever after."""
        self.spent += cost
        if self.most is not None and self.spent > self.most:
            raise TooCostly

    def stop(self, cost: int) -> NoReturn:
        """For who knows that it will be too much before all of it is there to be counted."""
        self.spent += cost
        if self.most is not None:
            self.spent = max(self.spent, self.most + 1)
        raise TooCostly

    def room_for(self, rows: int) -> int | None:
        """Null where so many rows may be read; else how many may, so that no more are fetched to find that out. Raises
        `TooCostly` where it is over already."""
        if self.is_over:
            raise TooCostly
        if self.most is None or self.spent + rows <= self.most:
            return None
        return max(0, self.most - self.spent)
