"""Live streams: what the engine answers to an entry once for many must be what each of them would be told alone.

Asked are streams with entries that are kept, from a cursor on. All subscribers of a stream share what the engine keeps
for them, in any order, so an answer that was made with another one's eyes shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLSchema, get_named_type
from hypothesis import strategies
from sqlalchemy import select

import models
from engine.live import LiveOperations
from realtime.streams import Stream, replay
from schema import Schema
from schema.core import ids
from schema.core.context import Context
from schema.core.streams import cursor_of
from tests.fuzz.compare import Answer, answer_of, compare
from tests.fuzz.operations import LANGUAGES, LONGEST_TAPE, SHORTEST_TAPE, Writer
from tests.fuzz.values import Values, written
from tests.fuzz.world import PEOPLE_ASKING, World

MOST_ENTRIES = 3
BEYOND = 1_000_000
"""A number that no stream has reached: who gives it as cursor is told to read the state anew."""


@dataclass(frozen=True)
class Source:
    """A subscription field with arguments, that has so many entries for each of these people."""

    field: str
    arguments: dict[str, str]
    people: tuple[str, ...]
    entries: int


@dataclass(frozen=True)
class Followed:
    """One document, subscribed to by several people."""

    text: str
    variables: dict[str, Any]
    people: tuple[str, ...]
    language: str
    entries: int


async def sources(world: World) -> list[Source]:
    """Streams that anyone of those who ask may follow, and that have entries."""
    found = [Source("notificationsRead", {}, PEOPLE_ASKING[1:], 1)]
    async with world.ports.database.reading() as session:
        event = (await session.scalars(select(models.Event).where(models.Event.title == "Serving"))).one()
        chats = list(await session.scalars(select(models.Chat).where(models.Chat.last_sequence > 0)))
        places = list(await session.scalars(select(models.ChatMember).where(models.ChatMember.left_at.is_(None))))
    handles = {user.id: handle for handle, user in world.people.items()}
    for after, entries in ((0, 3), (1, 2), (BEYOND, 1)):
        given = {"eventId": ids.encode("Event", event.id), "after": cursor_of(event.id, after)}
        found.append(Source("availabilityChanged", given, PEOPLE_ASKING, entries))
    for handle in ("anna", "boris"):
        for after in (0, 9, 12, 15, 18, 20, BEYOND):
            given = {"after": cursor_of(world.people[handle].id, after)}
            found.append(Source("notificationReceived", given, (handle,), 1 if after == BEYOND else MOST_ENTRIES))
    for chat in sorted(chats, key=lambda one: one.id):
        here = sorted(
            (one for one in places if one.chat_id == chat.id and one.user_id in handles), key=lambda one: one.user_id
        )
        people = tuple(handles[one.user_id] for one in here)
        after = max((one.joined_sequence for one in here), default=0)
        if people and chat.last_sequence > after:
            given = {"chatId": ids.encode("Chat", chat.id), "after": cursor_of(chat.id, after)}
            found.append(Source("messageSent", given, people, min(MOST_ENTRIES, chat.last_sequence - after)))
    return found


def followed(tape: bytes, schema: GraphQLSchema, world: World, known: Sequence[Source]) -> Followed:
    """The subscription that a tape of choices describes."""
    values = Values(tape, world)
    name = values.pick(sorted({one.field for one in known}))
    source = values.pick([one for one in known if one.field == name])
    people = tuple(values.pick(source.people) for _ in range(1 + values.number(2)))
    writer = Writer(schema, values, left=values.pick((4, 12, 20)))
    assert schema.subscription_type is not None
    definition = schema.subscription_type.fields[source.field]
    owner = f"Subscription.{source.field}"
    given = [
        f"{key}: {written(values.declare(owner, key, definition.args[key].type, value=value))}"
        if values.chance(50)
        else f"{key}: {written(value)}"
        for key, value in source.arguments.items()
    ]
    arguments = f"({', '.join(given)})" if given else ""
    selection = writer.selection(get_named_type(definition.type), [{}])
    alias = values.pick(("", "news: "))
    variables = f"({', '.join(values.definitions.values())})" if values.definitions else ""
    text = "\n".join([f"subscription{variables} {{ {alias}{source.field}{arguments} {selection} }}", *writer.texts])
    return Followed(text, values.variables, people, values.pick(LANGUAGES), source.entries)


def subscriptions(schema: GraphQLSchema, world: World, known: Sequence[Source]) -> strategies.SearchStrategy[Followed]:
    tapes = strategies.binary(min_size=SHORTEST_TAPE, max_size=LONGEST_TAPE)
    return tapes.map(lambda tape: followed(tape, schema, world, known))


@dataclass
class StreamOracle:
    """`shared` counts answers that were made for someone else before, `alone` subscriptions that nobody could share."""

    schema: Schema
    world: World
    live: LiveOperations = field(init=False)
    cases: int = 0
    shared: int = 0
    alone: int = 0

    def __post_init__(self) -> None:
        self.live = LiveOperations(self.schema)

    async def differences(self, case: Followed) -> str:
        """What differs for the first of the people for whom something does; empty where nothing does."""
        kept: list[Any] = []
        for person in case.people:
            self.cases += 1
            told = await self._reference(case, self._context(case, person, "reference"))
            answered = await self._engine(case, self._context(case, person, "engine"), kept)
            if len(told) != len(answered):
                return f"{person}: {case}\n{len(told)} and {len(answered)} answers\n{told}\n{answered}"
            for one, other in zip(told, answered, strict=True):
                found = compare(one, other)
                if found.problems:
                    problems = "\n".join(found.problems)
                    return f"{person}: {case}\n{problems}\nreference: {one.shown()}\nengine: {other.shown()}"
        return ""

    def _context(self, case: Followed, person: str, execution: str) -> Context:
        return self.world.context(person, case.language, execution, is_socket=True)

    async def _reference(self, case: Followed, context: Context) -> list[Answer]:
        """As one subscriber alone is answered."""
        source: Any = await self.schema.subscribe(case.text, variable_values=case.variables, context_value=context)
        return [answer_of(one) async for one in _first(source, case.entries)]

    async def _engine(self, case: Followed, context: Context, kept: list[Any]) -> list[Answer]:
        live = self.live.open(case.text, case.variables, None, context)
        stream = live.begin() if live is not None else None
        if live is None or not isinstance(stream, Stream):
            self.alone += 1
            return await self._reference(case, context)
        answering = self.live.answering(live)
        self.shared += answering in kept
        kept.append(answering)
        entries = [entry async for entry in _first(replay(self.world.ports.hub, stream), case.entries)]
        # At the same time, so that several are answered in one run.
        return [answer_of(one) for one in await asyncio.gather(*map(answering.answer, entries))]


async def _first(source: AsyncGenerator[Any, None], number: int) -> AsyncGenerator[Any, None]:
    """The first items of a stream, which goes on for ever."""
    async with aclosing(source):
        async for item in source:
            yield item
            number -= 1
            if number == 0:
                return
