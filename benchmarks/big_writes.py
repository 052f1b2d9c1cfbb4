"""Mutations of the largest objects: how long each takes, what others wait for meanwhile, and what it leaves to do."""

from __future__ import annotations

import asyncio
import socketserver
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from benchmarks.big_reads import Asking
from benchmarks.big_rows import CLUB_CHATS, HOST, INBOX, SPECIAL_USERS, BigWorld, identifier
from benchmarks.lists import MEMBER
from schema.core import ids

WAIT = 100.0
"""Milliseconds that another request may be late because of a large mutation."""
SETTLED_SECONDS = 60.0
PAUSE = 0.02
ALONE, AFTERWARDS = 1.0, 4.0
"""Seconds that others send before the mutation, and after its answer."""
FEW_LEFT = 20
"""Jobs and deliveries of the requests beside."""
SHOWN = "errors { code message }"


@dataclass(frozen=True)
class Write:
    """A large mutation, who sends it, what others send meanwhile, and how long it may take."""

    name: str
    field: str
    input: dict[str, Any]
    caller: int
    beside: str
    bar: float
    """Milliseconds."""


@dataclass
class Other:
    """Somebody else who sends one kind of request after another, and how long they wait."""

    asking: Asking
    document: str
    inputs: Callable[[int], tuple[dict[str, Any], int | None]]
    waits: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        turn = 0
        while not self._stop.is_set():
            variables, caller = self.inputs(turn)
            answer = self.asking.ask(self.document, variables, caller)
            self.waits.append(answer.milliseconds)
            if problem := problem_of(answer.body):
                self.wrong.append(problem)
            turn += 1
            time.sleep(PAUSE)

    def stop(self) -> None:
        self._stop.set()


def problem_of(body: Any) -> str:
    """Return what an answer says went wrong."""
    if errors := body.get("errors"):
        return f"{errors[0].get('extensions', {}).get('code')} {errors[0]['message'][:80]}"
    payload = next(iter((body.get("data") or {}).values()), None)
    refused = payload.get("errors") if isinstance(payload, dict) else None
    return f"{refused[0]['code']} {refused[0]['message'][:80]}" if refused else ""


@dataclass(frozen=True)
class Written:
    """What was measured of one mutation. Times are in milliseconds, `settled` in seconds."""

    write: Write
    took: float
    read_wait: float
    write_wait: float
    usual_wait: float
    """The longest that a request beside it took before it."""
    outbox: int
    settled: float | None
    """Until nothing was left to do; null where that took longer than was waited for."""
    problem: str

    @property
    def is_above(self) -> bool:
        late = max(self.read_wait, self.write_wait) - self.usual_wait
        return bool(self.problem) or self.took > self.write.bar or late > WAIT or self.settled is None

    def __str__(self) -> str:
        state = "ABOVE" if self.is_above else "ok"
        settled = f"{self.settled:.1f}" if self.settled is not None else f">{SETTLED_SECONDS:.0f}"
        return (
            f"{state:5} {self.took:8.0f} {self.write.bar:6.0f} {self.read_wait:8.0f} {self.write_wait:8.0f} "
            f"{self.usual_wait:8.0f} {self.outbox:8} {settled:>7}  {self.write.name}  {self.problem}"
        )


HEADER = "            ms    bar  read ms write ms usual ms   outbox settled  mutation; what others waited meanwhile"


def writes(world: BigWorld) -> list[Write]:
    """In the order in which they leave each other something to do."""
    crowd = ids.encode("Event", identifier("Event", world.crowd_event))
    club = ids.encode("Chat", identifier("Chat", CLUB_CHATS))
    many, few = world.bookings
    left = world.crowd - many - few
    first, second = (ids.encode("Service", identifier("Service", number)) for number in world.big_services)

    def message(name: str, caller: int) -> Write:
        given = {"chatId": club, "body": "Встречаемся в семь", "clientMessageId": f"big-{caller}"}
        return Write(name, "sendMessage", given, caller, "send", 100)

    moved = {"eventId": crowd, "expectedVersion": 1, "startsAt": "2046-01-01T16:00:00+03:00"}
    moved |= {"endsAt": "2046-01-01T23:00:00+03:00", "moveServices": True}
    return [
        message("the first message in the chat of the big club", MEMBER),
        message("the next message there", MEMBER + 1),
        Write(f"read {world.notifications:,} notifications", "markAllNotificationsRead", {}, INBOX, "register", 100),
        Write(f"move an event with {world.crowd:,} people", "updateEvent", moved, HOST, "book", 500),
        Write(f"cancel a service with {few:,} bookings", "cancelService", {"serviceId": second}, HOST, "book", 500),
        Write(f"cancel a service with {many:,} bookings", "cancelService", {"serviceId": first}, HOST, "book", 500),
        Write(f"cancel that event, with {left:,} people", "cancelEvent", {"eventId": crowd}, HOST, "register", 500),
    ]


class PostBox(socketserver.ThreadingTCPServer):
    """A mail server on this machine that takes every mail and keeps none."""

    daemon_threads = allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), TakingMail)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class TakingMail(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 benchmarks\r\n")
        for line in self.rfile:
            command = line[:4].upper()
            if command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
            self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
            if command == b"QUIT":
                return


class Writing:
    """Sends large mutations to one server, with others beside them."""

    def __init__(self, make_asking: Callable[[], Asking], world: BigWorld, database_url: str) -> None:
        self._make_asking, self._world, self._database_url = make_asking, world, database_url
        self._person = SPECIAL_USERS + world.crowd
        """The next one who takes part in nothing large yet."""

    async def measure(self, chosen: Sequence[Write]) -> list[Written]:
        return [await self._one(write) for write in chosen]

    async def _one(self, write: Write) -> Written:
        asking = self._make_asking()
        reader = Other(self._make_asking(), "{ events(first: 5) { nodes { id title } } }", lambda _: ({}, None))
        writer = self._beside(write.beside)
        threads = [threading.Thread(target=other.run) for other in (reader, writer)]
        start = await self._count("outbox")
        for thread in threads:
            thread.start()
        await asyncio.sleep(ALONE)
        usual, before = max([*reader.waits, *writer.waits, 0.0]), await self._count("outbox")
        of_each = (before - start) / max(1, len(writer.waits))
        reader.waits.clear()
        writer.waits.clear()
        input_type = write.field[0].upper() + write.field[1:] + "Input!"
        document = f"mutation($input: {input_type}) {{ {write.field}(input: $input) {{ {SHOWN} }} }}"
        began = time.monotonic()
        answer = await asyncio.to_thread(asking.ask, document, {"input": write.input}, write.caller)
        await asyncio.sleep(AFTERWARDS)
        for other in (reader, writer):
            other.stop()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        settled = await self._settled(began)
        outbox = await self._count("outbox") - before - round(of_each * len(writer.waits))
        waits = max(reader.waits, default=0), max(writer.waits, default=0)
        problem = problem_of(answer.body) or next((f"beside: {wrong}" for wrong in writer.wrong), "")
        return Written(write, answer.milliseconds, *waits, usual, max(0, outbox), settled, problem)

    def _beside(self, name: str) -> Other:
        world = self._world

        def someone() -> int:
            self._person += 1
            return self._person

        if name == "send":
            chat = ids.encode("Chat", identifier("Chat", CLUB_CHATS))
            document = f"mutation($input: SendMessageInput!) {{ sendMessage(input: $input) {{ {SHOWN} }} }}"

            def send(turn: int) -> tuple[dict[str, Any], int | None]:
                given = {"chatId": chat, "body": "Да", "clientMessageId": f"beside-{time.monotonic_ns()}"}
                return {"input": given}, MEMBER + 2

            return Other(self._make_asking(), document, send)
        if name == "book":
            service = ids.encode("Service", identifier("Service", world.big_services[0] + 2))
            document = f"mutation($input: BookServicesInput!) {{ bookServices(input: $input) {{ {SHOWN} }} }}"
            return Other(self._make_asking(), document, lambda _: ({"input": {"serviceIds": [service]}}, someone()))
        event = ids.encode("Event", identifier("Event", world.open_event))
        document = f"mutation($input: RegisterForEventInput!) {{ registerForEvent(input: $input) {{ {SHOWN} }} }}"
        return Other(self._make_asking(), document, lambda _: ({"input": {"eventId": event}}, someone()))

    async def _count(self, table: str) -> int:
        connection = await asyncpg.connect(self._database_url)
        try:
            found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
            return found
        finally:
            await connection.close()

    async def _settled(self, began: float) -> float | None:
        """Seconds until nobody is left to be told, and no job and no delivery."""
        while time.monotonic() - began < SETTLED_SECONDS:
            left = [await self._count(table) for table in ("pgqueuer", "outbox_deliveries")]
            if sum(left) <= FEW_LEFT and not await self._count("broadcasts"):
                return time.monotonic() - began
            await asyncio.sleep(0.2)
        return None
