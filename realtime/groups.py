"""Following a stream for many at once: what all members of a group get is read, made and encoded once.

A group has a task only while there is something to do, and no task for a member. It keeps what `follow` promises, to
each member: every entry after their cursor, in order, each once, and none without access (`docs/adr/0015`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from contextvars import Context
from itertools import chain
from typing import Any

from realtime.answers import NOT_ASKED, AnswerBatch, ReplayBuffer, Since, in_parts, seen_after
from realtime.hub import Event, Gap, Hub
from realtime.members import Member
from realtime.single_flight import SingleFlight
from realtime.streams import BATCH, StreamEnded, access_stream, fetch, read, sequence_in
from realtime.time_slices import TimeSlicer

Render = Callable[[Any], Coroutine[Any, Any, bytes]]
"""Makes an entry's (or a `Resync`'s) encoded answer, the same for every member."""


class Groups:
    """The groups of one process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._groups: dict[Hashable, Group] = {}
        self._spreader = TimeSlicer()

    def __len__(self) -> int:
        return len(self._groups)

    async def join(self, key: Hashable, member: Member, make_render: Callable[[], Render]) -> None:
        """Hand over what came after the member's cursor; after that return, and the group hands over what comes.

        `key` stands for all that the answers depend on. Raises whatever refuses or ends the stream.
        """
        full = (member.stream.channel, key)
        group = self._groups.get(full)
        if group is None:
            group = self._groups[full] = Group(
                self._hub, self._spreader, make_render(), member.stream.channel, lambda: self._groups.pop(full, None)
            )
        group.enter(member)
        try:
            await group.bring_up(member)
        except BaseException:
            member.leave()
            raise


class Group:
    """Members who get the same bytes from one stream."""

    __slots__ = (
        "_channel", "_due", "_has_growth", "_hub", "_kept", "_live", "_members", "_objects", "_on_empty", "_reached",
        "_render", "_rendering", "_spreader", "_task",
    )  # fmt: skip

    def __init__(
        self, hub: Hub, spreader: TimeSlicer, render: Render, channel: str, on_empty: Callable[[], object]
    ) -> None:
        self._hub = hub
        self._spreader = spreader
        self._render = render
        self._channel = channel
        self._on_empty = on_empty
        self._members: dict[str, list[Member]] = {}
        """By the channel that says that their access may have changed; guests under none."""
        self._objects: set[str] = set()
        """Channels that say that everybody's access may have changed."""
        self._live: dict[Member, None] = {}
        self._due: dict[Member, None] = {}
        """Members whose access is to be checked."""
        self._reached: int | None = None
        """The last entry that was handed over to those who are live; null before there are any."""
        self._has_growth = False
        self._task: asyncio.Task[None] | None = None
        self._kept = ReplayBuffer()
        self._rendering: SingleFlight[int, bytes] = SingleFlight()

    # Members

    def enter(self, member: Member) -> None:
        """Hear of the member's access from now on."""
        if not self._members:
            self._hub.join(self, self._channel)
        channel = _access_channel(member)
        others = self._members.setdefault(channel, [])
        others.append(member)
        member.group = self
        if channel and len(others) == 1:
            self._hub.join(self, channel)
        self._hear_of_objects(member)

    def _hear_of_objects(self, member: Member) -> bool:
        """Hear of what decides who may read. False where all of it was heard of before."""
        unheard = [one for one in member.stream.objects if one not in self._objects]
        for channel in unheard:
            self._objects.add(channel)
            self._hub.join(self, channel)
        return bool(unheard)

    def leave(self, member: Member) -> None:
        """Forget a member. Called by `Member.leave` alone."""
        member.is_live = False
        self._live.pop(member, None)
        self._due.pop(member, None)
        member.stream.end()
        channel = _access_channel(member)
        others = self._members[channel]
        others.remove(member)
        if not others:
            del self._members[channel]
            if channel:
                self._hub.leave(self, channel)
        if not self._members:
            for heard in (self._channel, *self._objects):
                self._hub.leave(self, heard)
            self._objects.clear()
            self._on_empty()
            if self._task is not None:
                self._task.cancel()
            self._kept.forget()

    async def bring_up(self, member: Member) -> None:
        """Hand over everything from the member's cursor on, until it is as far as the group, and let it go live."""
        stream = member.stream
        await stream.begin()
        member.position, resync = await stream.start()
        if self._hear_of_objects(member):
            # It may have been taken away between the looking and the listening.
            self._ask(member)
        if resync is not None:
            answer = await self._render(resync)
            await member.wait_for_room()
            member.deliver(AnswerBatch(0, [(0, answer)]))
        await self._catch_up(member, is_fresh=stream.after is None or resync is not None)

    async def _catch_up(self, member: Member, *, is_fresh: bool) -> None:
        """`is_fresh` where the member has all that there was a moment ago: only then may the group begin with them."""
        while True:
            await member.wait_for_room()
            member.check()
            if (is_fresh or self._reached is not None) and self._goes_live(member):
                return
            await self._read_alone(member)
            is_fresh = True

    def _goes_live(self, member: Member) -> bool:
        """Let the member in at exactly the entry reached. Nothing is awaited between looking and letting in."""
        if self._reached is None:
            self._reached = member.position
            self._wake()
        if member.position < self._reached:
            missed = self._kept.between(member.position, member.stream.user_id)
            if missed is None or not member.deliver(missed):
                return False
            member.position = self._reached
        member.is_live = True
        self._live[member] = None
        return True

    async def _read_alone(self, member: Member) -> None:
        """Hand over what PostgreSQL has after the member's position, as this member may see it."""
        while True:
            reached = self._reached
            entries = await fetch(self._hub, member.stream, member.position)
            if entries and not self._hub.is_connected and not await member.stream.is_allowed():
                raise StreamEnded
            for entry in entries:
                answer = await self._shared_answer(entry)
                await member.wait_for_room()
                member.check()
                member.deliver(AnswerBatch(member.position, [(entry.sequence, answer)]))
                member.position = entry.sequence
            if len(entries) < BATCH:
                # Whatever the group had reached before the reading and is not in it is not for this member.
                member.position = max(member.position, reached or 0)
                return

    def _fall_behind(self, member: Member) -> None:
        """Note that the member could not take an answer: from here it reads by itself, once, until it is up again."""
        member.is_live = False
        del self._live[member]
        member.task = asyncio.create_task(self._come_back(member), context=Context())

    async def _come_back(self, member: Member) -> None:
        try:
            await self._catch_up(member, is_fresh=False)
            member.task = None
        except Exception as error:
            member.task = None
            member.leave()
            member.stop(error)

    def _stop(self, member: Member, error: Exception) -> None:
        if member.is_live or member.task is not None:
            member.leave()
            member.stop(error)
        else:
            # Still being brought up, or gone: whoever brings them up raises it.
            member.ending = error

    # News

    def put(self, event: Event) -> None:
        """Take an event from the hub."""
        if event.channel in self._objects:
            self._ask(*self._everybody())
        elif event.channel != self._channel:
            self._ask(*self._members.get(event.channel, ()))
        elif self._reached is None:
            pass
        elif isinstance(event, Gap):
            # Where entries were missed, so may have been what takes them away: nobody is given any unseen.
            self._ask(*self._everybody())
            self._wake()
        elif sequence_in(event.message) > self._reached:
            self._wake()

    def _everybody(self) -> list[Member]:
        return [*chain.from_iterable(self._members.values())]

    def _ask(self, *members: Member) -> None:
        """See whether they may go on."""
        self._due.update(dict.fromkeys(members))
        self._start()

    def _wake(self) -> None:
        self._has_growth = True
        self._start()

    def _start(self) -> None:
        if self._task is None:
            # In a context of nobody: the group outlives the operation in whose context this may be called.
            self._task = asyncio.create_task(self._run(), context=Context())

    async def _run(self) -> None:
        """Until nothing is left to do. Nothing is awaited between the last look and the end."""
        try:
            while self._due or self._has_growth:
                if self._due:
                    await self._check_access()
                if self._has_growth and self._live:
                    await self._advance()
                elif not self._live:
                    # Whoever comes back reads what is missing; whoever comes first begins anew.
                    self._has_growth, self._reached = False, None
                    self._kept.forget()
        except Exception as error:
            # What all asked for could not be given: each is told, as if each had asked alone.
            for member in self._everybody():
                self._stop(member, error)
        finally:
            self._task = None

    async def _check_access(self) -> None:
        """Ask for all who are due in one go; the stream ends for those who have lost access."""
        due = list(self._due)
        self._due.clear()
        allowed = await due[0].stream.which_allowed([member.stream for member in due])
        for member, is_allowed in zip(due, allowed, strict=True):
            if not is_allowed:
                self._stop(member, StreamEnded())

    async def _advance(self) -> None:
        """Read on and hand over, one batch."""
        assert self._reached is not None
        self._has_growth = False
        stream = next(iter(self._live)).stream
        own = stream.batches_readings
        reading = await (stream.read(self._reached) if own else read(self._hub, stream, self._reached))
        if not reading.is_open or not self._hub.is_connected:
            self._due.update(dict.fromkeys(self._live))
        self._has_growth = self._has_growth or len(reading.entries) == BATCH
        if len(reading.entries) == 1:
            bodies = [await self._render(reading.entries[0])]
        else:
            bodies = await asyncio.gather(*(self._render(entry) for entry in reading.entries))
        if self._due:
            # What was found or heard while they were read and made counts for them.
            await self._check_access()
        numbered = [(entry.sequence, body) for entry, body in zip(reading.entries, bodies, strict=True)]
        for part in in_parts(numbered):
            await self._hand_over(AnswerBatch(self._reached, part), reading.since)

    async def _hand_over(self, answers: AnswerBatch, since: Since) -> None:
        # Who joins from here on gets these from what is kept.
        members = list(self._live)
        self._kept.add(answers, since)
        before, reached = answers.after, answers.sequences[-1]
        self._reached = reached

        def hand(member: Member) -> None:
            if not member.is_live:
                return
            after = 0 if since is None else seen_after(since, member.stream.user_id)
            if after is None:
                # No member any more, though the news of it has not come yet: nothing is shown, and it is looked at.
                self._due[member] = None
            elif after == NOT_ASKED:
                self._fall_behind(member)
            elif after > before or member.position > before:
                self._hand(member, answers.later_than(max(after, member.position)), reached)
            else:
                self._hand(member, answers, reached)

        await self._spreader.each(members, hand)
        answers.framed.clear()

    def _hand(self, member: Member, answers: AnswerBatch, reached: int) -> None:
        if answers.bodies and not member.deliver(answers):
            self._fall_behind(member)
        elif member.position < reached:
            member.position = reached

    # Answers

    async def _shared_answer(self, entry: Any) -> bytes:
        """Made once for all who read the same entry at the same time."""
        return await self._rendering.get(entry.sequence, lambda: self._render(entry))


def _access_channel(member: Member) -> str:
    return access_stream(member.stream.user_id) if member.stream.user_id else ""
