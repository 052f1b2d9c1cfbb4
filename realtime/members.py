"""A subscriber, as a group knows it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from realtime.answers import AnswerBatch
from realtime.streams import Stream

if TYPE_CHECKING:
    from realtime.groups import Group


class Member(ABC):
    """One subscriber. Who has the socket implements how answers leave."""

    __slots__ = ("ending", "group", "is_live", "position", "stream", "task")

    def __init__(self, stream: Stream[Any]) -> None:
        self.stream = stream
        self.position = 0
        """The last entry that was handed over, or that is known not to be for this member."""
        self.is_live = False
        """Whether the group hands over what comes. Else the member reads by itself."""
        self.ending: Exception | None = None
        self.group: Group | None = None
        self.task: asyncio.Task[None] | None = None

    @abstractmethod
    def deliver(self, answers: AnswerBatch) -> bool:
        """Send answers, all or none, without waiting. False where there is no room: the member reads them later."""

    @abstractmethod
    async def wait_for_room(self) -> None:
        """Wait until there is room. Raises where the reader has gone or takes nothing for too long."""

    @abstractmethod
    def stop(self, error: Exception) -> None:
        """Tell the member that its stream is over, after `leave`."""

    def leave(self) -> None:
        """Follow no longer. May be called at any time, any number of times."""
        group, self.group = self.group, None
        if group is not None:
            group.leave(self)
        if self.task is not None:
            self.task.cancel()

    def check(self) -> None:
        """Raise why the stream is over, if it is."""
        if self.ending is not None:
            raise self.ending
