"""Encoded answers of a group, and the newest of them, kept for members who are a little behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

KEPT_ENTRIES = 50
KEPT_BYTES = 32 * 1024
"""Bytes of a group's newest answers that are kept: whoever joins in a burst would not catch up by reading alone."""
KEPT_SECONDS = 5.0
"""At least, and at most twice as long, after the last of them. Who joins later finds all by one reading."""
PART_BYTES = 64 * 1024
"""Bytes of answers that a member gets at once, besides one larger answer. Before the next part it may say it is full.
"""
NOT_ASKED = -1

Since = Mapping[UUID, int | None] | None
"""As in `realtime.streams.Reading`."""


class AnswerBatch:
    """Encoded answers to consecutive entries. `framed` is for those who wrap them: members may wrap them alike."""

    __slots__ = ("after", "bodies", "framed", "sequences", "size")

    def __init__(self, after: int, answers: Sequence[tuple[int, bytes]]) -> None:
        """`after` is the number of the last entry before them."""
        self.after = after
        self.sequences = [sequence for sequence, _ in answers]
        self.bodies = [body for _, body in answers]
        self.size = sum(map(len, self.bodies))
        self.framed: dict[Any, bytes] = {}

    def later_than(self, sequence: int) -> AnswerBatch:
        pairs = zip(self.sequences, self.bodies, strict=True)
        return AnswerBatch(sequence, [pair for pair in pairs if pair[0] > sequence])


class ReplayBuffer:
    """The newest answers of a group, without holes, and who may see them. Forgets them by itself."""

    __slots__ = ("_answers", "_entries", "_has_grown", "_size", "_timer")

    def __init__(self) -> None:
        self._answers: list[tuple[AnswerBatch, Since]] = []
        self._entries = 0
        self._size = 0
        self._has_grown = False
        """Since the timer was set: one timer serves many answers."""
        self._timer: asyncio.TimerHandle | None = None

    def forget(self) -> None:
        self._answers, self._entries, self._size = [], 0, 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if self._has_grown:
            self._has_grown = False
            self._timer = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._look)
        else:
            self.forget()

    def add(self, answers: AnswerBatch, since: Since) -> None:
        self._answers.append((answers, since))
        self._entries += len(answers.bodies)
        self._size += answers.size
        while self._entries > KEPT_ENTRIES or self._size > KEPT_BYTES:
            oldest, _ = self._answers.pop(0)
            self._entries -= len(oldest.bodies)
            self._size -= oldest.size
        self._has_grown = True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._look)

    def between(self, sequence: int, user_id: UUID | None) -> AnswerBatch | None:
        """Everything from a number to the end; null where not all of it is kept, or not all of it is for the user."""
        found: list[tuple[int, bytes]] = []
        is_whole = False
        for answers, since in self._answers:
            if answers.sequences[-1] <= sequence:
                continue
            after = seen_after(since, user_id)
            if after is None or after == NOT_ASKED or after > sequence:
                return None
            is_whole = is_whole or answers.after <= sequence
            pairs = zip(answers.sequences, answers.bodies, strict=True)
            found += [pair for pair in pairs if pair[0] > sequence]
        return AnswerBatch(sequence, found) if is_whole else None


def seen_after(since: Since, user_id: UUID | None) -> int | None:
    """Return the number after which a user sees entries, null for none; `NOT_ASKED` where it is not known."""
    if since is None or user_id is None:
        return 0
    return since.get(user_id, NOT_ASKED)


def in_parts(answers: Sequence[tuple[int, bytes]]) -> Iterable[list[tuple[int, bytes]]]:
    """Answers in runs of at most `PART_BYTES`."""
    part: list[tuple[int, bytes]] = []
    size = 0
    for answer in answers:
        if part and size + len(answer[1]) > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(answer)
        size += len(answer[1])
    if part:
        yield part
