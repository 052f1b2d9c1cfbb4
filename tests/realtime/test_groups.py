"""Groups over a stream in memory: what goes wrong between processes goes wrong here at random, and quickly."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID, uuid4

import orjson
import pytest

from models import uuid7
from realtime import cursors
from realtime.groups import Groups
from realtime.hub import Event, Gap, Listener
from realtime.members import Member
from realtime.streams import BATCH, Bounds, Reading, Resync, Stream, StreamEnded, access_stream, replay
from realtime.tasks import end
from realtime.time_slices import TimeSlicer


class Gone(Exception):
    pass


@dataclass(frozen=True)
class Line:
    sequence: int


class Switchboard:
    """A hub within the process."""

    is_connected = True

    def __init__(self):
        self.hearers = defaultdict(list)

    def join(self, hearer, channel):
        self.hearers[channel].append(hearer)

    def leave(self, hearer, channel):
        self.hearers[channel].remove(hearer)
        if not self.hearers[channel]:
            del self.hearers[channel]

    @asynccontextmanager
    async def listen(self, *channels):
        listener = Listener()
        for channel in channels:
            self.join(listener, channel)
        try:
            yield listener
        finally:
            for channel in channels:
                self.leave(listener, channel)

    async def once(self, _channel, _key, read):
        return await read()

    def say(self, event):
        for hearer in tuple(self.hearers.get(event.channel, ())):
            hearer.put(event)


@dataclass
class Book:
    """A stream's entries, and who may read them from where on."""

    dice: random.Random = field(default_factory=lambda: random.Random(1))
    id: UUID = field(default_factory=uuid7)
    head: int = 0
    floor: int = 0
    since: dict[UUID, int | None] | None = None
    banned: set[UUID] = field(default_factory=set)
    is_open: bool = True
    fails: bool = False
    readings: int = 0
    lonely_readings: int = 0
    checks: list[int] = field(default_factory=list)
    hub: Switchboard = field(default_factory=Switchboard)

    @property
    def channel(self):
        return f"book:{self.id}"

    def write(self, *, is_told=True):
        self.head += 1
        if is_told:
            self.hub.say(Event(self.channel, orjson.dumps({"sequence": self.head}).decode()))

    async def pause(self):
        for _ in range(self.dice.randint(0, 3)):
            await asyncio.sleep(0)

    async def after(self, sequence):
        await self.pause()
        found = [Line(number) for number in range(sequence + 1, min(self.head, sequence + BATCH) + 1)]
        await self.pause()
        if self.fails:
            raise OSError
        return found


class BookStream(Stream[Line]):
    __slots__ = ("book",)

    def __init__(self, book, *, user_id=None, after=None):
        cursor = None if after is None else cursors.encode(book.id, after)
        super().__init__(book.channel, book.id, user_id=user_id, expires_at=None, after=cursor, seen_by=(book.id,))
        self.book = book

    async def bounds(self):
        await self.book.pause()
        if self.user_id in self.book.banned:
            raise StreamEnded
        return Bounds(self.book.floor, self.book.head)

    async def sees_after(self, reading):
        self.book.lonely_readings += 1
        return (self.book.since or {}).get(self.user_id, 0)

    async def read(self, sequence):
        self.book.readings += 1
        found = await self.book.after(sequence)
        since = None if self.book.since is None else dict(self.book.since)
        return Reading(found, since, is_open=self.book.is_open)

    async def which_allowed(self, streams):
        self.book.checks.append(len(streams))
        await self.book.pause()
        return [one.user_id not in self.book.banned for one in streams]


class Reader(Member):
    """Has room for some answers, and takes them only when told to."""

    __slots__ = ("capacity", "errors", "found", "full", "has_room", "is_gone")

    def __init__(self, stream, capacity=10_000):
        super().__init__(stream)
        self.found, self.errors, self.full, self.capacity = [], [], 0, capacity
        self.has_room, self.is_gone = asyncio.Event(), False
        self.has_room.set()

    def deliver(self, answers):
        if self.full >= self.capacity:
            self.has_room.clear()
            return False
        self.full += 1
        self.found += [int(body) for body in answers.bodies]
        return True

    def take(self):
        self.full = 0
        self.has_room.set()

    async def wait_for_room(self):
        if self.is_gone:
            raise Gone
        if self.full >= self.capacity:
            self.has_room.clear()
        await self.has_room.wait()
        if self.is_gone:
            raise Gone

    def stop(self, error):
        self.errors.append(error)


@pytest.fixture
def book():
    return Book()


class Press:
    """Makes answers, and remembers for which entries."""

    def __init__(self, book):
        self.book, self.made = book, []

    async def __call__(self, entry):
        await self.book.pause()
        if isinstance(entry, Resync):
            return b"-1"
        self.made.append(entry.sequence)
        return b"%d" % entry.sequence


async def until(is_so, seconds=5.0):
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0)


async def join(groups, press, reader, key="same"):
    await groups.join(key, reader, lambda: press)
    return reader


@pytest.mark.parametrize("seed", range(12))
async def test_who_joins_during_a_burst_gets_every_entry_once_and_in_order(seed):
    dice = random.Random(seed)
    book = Book(dice)
    groups, press = Groups(book.hub), Press(book)
    for _ in range(50):
        book.write()
    starts: dict[Reader, int] = {}

    async def come():
        for _ in range(dice.randint(0, 120)):
            await asyncio.sleep(0)
        after = dice.choice([None, dice.randint(0, book.head)])
        reader = Reader(BookStream(book, user_id=uuid4(), after=after), capacity=dice.choice([1, 2, 5, 10_000]))
        task = asyncio.create_task(join(groups, press, reader))
        earliest = book.head
        while not task.done():
            await asyncio.sleep(0)
            reader.take()
        await task
        starts[reader] = earliest if after is None else after

    async def write():
        for _ in range(400):
            book.write(is_told=dice.random() > 0.2)
            for _ in range(dice.randint(0, 2)):
                await asyncio.sleep(0)
            for reader in starts:
                if dice.random() < 0.3:
                    reader.take()
        book.hub.say(Gap(book.channel))

    await asyncio.gather(write(), *(come() for _ in range(60)))

    def is_done():
        for reader in starts:
            reader.take()
        return all(reader.found and reader.found[-1] == book.head for reader in starts)

    await until(is_done)
    for reader, after in starts.items():
        assert reader.found == list(range(reader.found[0], book.head + 1))
        assert reader.found[0] == after + 1 or (reader.stream.after is None and reader.found[0] > after)
        assert reader.errors == []


@pytest.mark.parametrize("seed", range(6))
async def test_who_follows_alone_gets_the_same_as_a_member_of_a_group(seed):
    dice = random.Random(seed)
    book = Book(dice, floor=20)
    groups, press = Groups(book.hub), Press(book)
    for _ in range(150):
        book.write()
    people = [uuid4() for _ in range(8)]
    book.since = {one: dice.choice([0, 140, 180, 300]) for one in people}
    cursors_given = {one: dice.choice([None, 5, dice.randint(20, 150)]) for one in people}
    alone: dict[UUID, list[int]] = {one: [] for one in people}

    async def follow(one):
        async with aclosing(replay(book.hub, BookStream(book, user_id=one, after=cursors_given[one]))) as entries:
            async for entry in entries:
                alone[one].append(-1 if isinstance(entry, Resync) else entry.sequence)

    following = [asyncio.create_task(follow(one)) for one in people]
    members = {
        one: await join(groups, press, Reader(BookStream(book, user_id=one, after=cursors_given[one])))
        for one in people
    }
    await until(lambda: len(book.hub.hearers[book.channel]) > len(people))
    for _ in range(250):
        book.write(is_told=dice.random() > 0.2)
        await book.pause()
    book.hub.say(Gap(book.channel))

    def is_done():
        return all(found and found[-1] == book.head for one in people for found in (alone[one], members[one].found))

    await until(is_done)
    await end(following)
    for one in people:
        assert alone[one] == members[one].found
        own = [number for number in alone[one] if number > 0]
        assert own == list(range(own[0], book.head + 1))
        assert own[0] > book.since[one]
        assert (alone[one][0] == -1) == (cursors_given[one] == 5)


async def test_an_entry_is_read_and_made_once_for_all_members(book):
    groups, press = Groups(book.hub), Press(book)
    readers = [await join(groups, press, Reader(BookStream(book, user_id=uuid4()))) for _ in range(300)]
    await until(lambda: not any(group._task for group in groups._groups.values()))
    book.readings = 0
    for _ in range(3):
        book.write()
        await until(lambda: all(reader.found[-1:] == [book.head] for reader in readers))

    assert press.made == [1, 2, 3]
    assert book.readings == 3
    assert book.lonely_readings == 0


async def test_other_answers_are_made_for_another_key(book):
    groups, first, second = Groups(book.hub), Press(book), Press(book)
    readers = [
        await join(groups, first, Reader(BookStream(book)), "one"),
        await join(groups, second, Reader(BookStream(book)), "two"),
    ]
    book.write()
    await until(lambda: all(reader.found == [1] for reader in readers))

    assert (first.made, second.made) == ([1], [1])
    assert len(groups) == 2


async def test_a_slow_reader_reads_by_itself_and_holds_up_nobody(book):
    groups, press = Groups(book.hub), Press(book)
    quick = await join(groups, press, Reader(BookStream(book)))
    slow = await join(groups, press, Reader(BookStream(book), capacity=3))
    for number in range(1, 1001):
        book.write()
        await until(lambda number=number: quick.found[-1:] == [number])
    taken = list(slow.found)
    lonely = book.lonely_readings

    while slow.found[-1] < 1000:
        slow.take()
        await asyncio.sleep(0)
    book.write()
    await until(lambda: slow.found[-1] == 1001)

    assert taken == [1, 2, 3]
    assert lonely == 0
    assert slow.found == list(range(1, 1002)) == quick.found


async def test_a_slow_reader_who_goes_leaves_nothing_behind(book):
    groups, press = Groups(book.hub), Press(book)
    reader = await join(groups, press, Reader(BookStream(book, user_id=uuid4()), capacity=1))
    book.write()
    await until(lambda: reader.found == [1])
    book.write()
    await until(lambda: reader.task is not None)
    reader.is_gone = True
    reader.has_room.set()
    await until(lambda: reader.errors)

    assert isinstance(reader.errors[0], Gone)
    assert len(groups) == 0
    assert book.hub.hearers == {}


async def test_losing_access_ends_the_stream_of_that_member_alone_and_all_are_asked_for_together(book):
    groups, press = Groups(book.hub), Press(book)
    ids = [uuid4() for _ in range(100)]
    readers = [await join(groups, press, Reader(BookStream(book, user_id=id))) for id in ids]
    book.checks.clear()
    book.banned.add(ids[7])
    for id in ids:
        book.hub.say(Event(access_stream(id), "{}"))
    await until(lambda: readers[7].errors)
    book.write()
    await until(lambda: all(reader.found == [1] for reader in readers if not reader.errors))

    assert [type(error) for error in readers[7].errors] == [StreamEnded]
    assert readers[7].found == []
    assert [len(reader.errors) for reader in readers].count(0) == 99
    assert book.checks == [100]


@pytest.mark.parametrize("news", ["of the thing", "of a gap", "none", "none without Redis"])
async def test_nobody_is_handed_what_has_been_hidden_from_them_before(book, news):
    groups, press = Groups(book.hub), Press(book)
    ids = [uuid4() for _ in range(20)]
    readers = [await join(groups, press, Reader(BookStream(book, user_id=id))) for id in ids]
    book.checks.clear()
    book.banned.update(ids[:5])
    if news == "of the thing":
        book.hub.say(Event(access_stream(book.id), "{}"))
    elif news == "none":
        book.is_open = False
    elif news == "none without Redis":
        book.hub.is_connected = False
    book.write(is_told=news != "of a gap")
    if news == "of a gap":
        book.hub.say(Gap(book.channel))
    await until(lambda: all(reader.found == [1] for reader in readers[5:]))

    assert [[type(error) for error in reader.errors] for reader in readers[:5]] == [[StreamEnded]] * 5
    assert all(reader.found == [] for reader in readers[:5])
    assert book.checks == [20]


async def test_access_lost_while_catching_up_is_raised_there(book):
    groups, press = Groups(book.hub), Press(book)
    id = uuid4()
    for _ in range(30):
        book.write()
    reader = Reader(BookStream(book, user_id=id, after=0), capacity=5)
    joining = asyncio.create_task(join(groups, press, reader))
    await until(lambda: len(reader.found) == 5)
    book.banned.add(id)
    book.hub.say(Event(access_stream(id), "{}"))
    await until(lambda: reader.ending is not None)
    reader.take()

    with pytest.raises(StreamEnded):
        await joining
    assert reader.found == [1, 2, 3, 4, 5]
    assert len(groups) == 0
    assert book.hub.hearers == {}


async def test_who_may_not_see_an_entry_is_not_handed_it_before_the_news_of_it_comes(book):
    groups, press = Groups(book.hub), Press(book)
    left, returned, stays = (uuid4() for _ in range(3))
    book.since = {left: 0, returned: 0, stays: 0}
    readers = {id: await join(groups, press, Reader(BookStream(book, user_id=id))) for id in book.since}
    book.since = {left: None, returned: 2, stays: 0}
    book.head = 2
    book.write()
    await until(lambda: readers[stays].found == [1, 2, 3] and readers[returned].found)

    assert readers[left].found == []
    assert readers[returned].found == [3]


async def test_who_was_not_asked_for_reads_alone(book):
    groups, press = Groups(book.hub), Press(book)
    book.since = {}
    reader = await join(groups, press, Reader(BookStream(book, user_id=uuid4())))
    book.write()
    await until(lambda: reader.found == [1])

    assert book.lonely_readings == 1


async def test_entries_that_are_not_for_a_member_keep_nobody_from_going_live(book):
    groups, press = Groups(book.hub), Press(book)
    early, late = uuid4(), uuid4()
    book.since = {early: 0, late: 3}
    first = await join(groups, press, Reader(BookStream(book, user_id=early)))
    book.head = 2
    book.write()
    await until(lambda: first.found == [1, 2, 3])
    second = await asyncio.wait_for(join(groups, press, Reader(BookStream(book, user_id=late, after=0))), 5)
    book.write()
    await until(lambda: second.found == [4])

    assert first.found == [1, 2, 3, 4]


async def test_more_than_one_reading_holds_is_handed_over_after_one_word_of_it(book):
    groups, press = Groups(book.hub), Press(book)
    reader = await join(groups, press, Reader(BookStream(book)))
    await until(lambda: not any(group._task for group in groups._groups.values()))
    book.head = 2 * BATCH + 49
    book.write()
    await until(lambda: reader.found[-1:] == [2 * BATCH + 50])

    assert reader.found == list(range(1, 2 * BATCH + 51))


async def test_an_error_of_a_reading_is_told_to_every_member(book):
    groups, press = Groups(book.hub), Press(book)
    readers = [await join(groups, press, Reader(BookStream(book))) for _ in range(3)]
    book.fails = True
    book.write()
    await until(lambda: all(reader.errors for reader in readers))
    book.fails = False
    again = await join(groups, press, Reader(BookStream(book, after=0)))

    assert [type(reader.errors[0]) for reader in readers] == [OSError] * 3
    assert again.found == [1]


async def test_a_cursor_that_is_not_kept_is_told_so_first(book):
    groups, press = Groups(book.hub), Press(book)
    book.head, book.floor = 9, 5
    reader = await join(groups, press, Reader(BookStream(book, after=3)))
    book.write()
    await until(lambda: len(reader.found) == 2)

    assert reader.found == [-1, 10]


async def test_handing_out_leaves_turns_to_others():
    spreader, turns, done = TimeSlicer(slice=10), [], []

    async def turn():
        while len(done) < 200:
            turns.append(len(done))
            await asyncio.sleep(0)

    await asyncio.gather(turn(), spreader.each(range(100), done.append), spreader.each(range(100), done.append))

    assert sorted(done) == sorted([*range(100), *range(100)])
    assert max(after - before for before, after in pairwise(turns)) <= 10
