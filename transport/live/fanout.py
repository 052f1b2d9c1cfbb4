"""Subscriptions of sockets, followed in groups: one execution and one encoding of an entry for all who get the same.

What a group is, is decided in `engine.live`; how it follows a stream, in `realtime.groups`. Here both meet the
sockets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import orjson
import structlog
from graphql import OperationType

from engine.live import LiveOperation, LiveOperations
from realtime.answers import AnswerBatch
from realtime.groups import Groups, Render
from realtime.hub import Hub
from realtime.members import Member
from realtime.streams import Stream
from schema import Schema
from schema.core.context import Context
from transport.http.bodies import write_json
from transport.live.frames import FrameTransport, text_frame
from transport.operations.observation import Observation
from transport.operations.operations import Operation, Operations
from transport.operations.results import failure_of, result_of

log = structlog.get_logger()

FRAMED = 8
"""Operation ids for which an answer's frame is kept while it is handed out. Many clients call theirs the same."""


class SubscriberSocket(Protocol):
    """What a subscription needs of its socket."""

    outlet: FrameTransport | None

    async def wait_for_room(self) -> None:
        """Wait until the socket takes more. Raises `Gone`."""

    def stopped(self, following: SocketSubscription, error: Exception) -> None:
        """Note that the stream is over: `Gone` where nobody reads any more."""


class SocketSubscription(Member):
    """One subscription of a socket. It has no task of its own while it is live."""

    __slots__ = ("_on_end", "_prefix", "_reader", "id", "seen")

    def __init__(
        self,
        stream: Stream[Any],
        reader: SubscriberSocket,
        id: str,
        seen: Observation,
        on_end: Callable[[Observation], None],
    ) -> None:
        super().__init__(stream)
        self._reader = reader
        self._prefix = b'{"type":"next","id":' + orjson.dumps(id) + b',"payload":'
        self._on_end = on_end
        self.id = id
        self.seen = seen

    def deliver(self, answers: AnswerBatch) -> bool:
        outlet = self._reader.outlet
        frames = answers.framed.get(self._prefix)
        if frames is None:
            frames = b"".join([text_frame(self._prefix + body + b"}") for body in answers.bodies])
            if len(answers.framed) < FRAMED:
                answers.framed[self._prefix] = frames
        if outlet is None or not outlet.offer(frames):
            return False
        self.seen.items += len(answers.bodies)
        return True

    async def wait_for_room(self) -> None:
        await self._reader.wait_for_room()

    def stop(self, error: Exception) -> None:
        self._reader.stopped(self, error)

    def cancel(self) -> None:
        """Stop, as the client wants no more or is gone."""
        self.leave()
        self.finish("cancelled")

    def finish(self, outcome: str = "") -> None:
        """Report the operation, once."""
        if not self.seen.is_over:
            self.seen.is_over = True
            self.seen.outcome = outcome or self.seen.outcome
            self._on_end(self.seen)


class Fanout:
    """One for a process."""

    def __init__(self, operations: Operations, schema: Schema, hub: Hub) -> None:
        self._operations = operations
        self._live = LiveOperations(schema)
        self.groups = Groups(hub)

    def open(self, operation: Operation, context: Context) -> LiveOperation | None:
        """Return the operation, ready to be followed in a group; null where it has to be run alone."""
        if operation.type is not OperationType.SUBSCRIPTION or operation.errors:
            return None
        asked = operation.parameters
        return self._live.open(asked.query, asked.variables, asked.operation_name, context)

    async def follow(
        self, live: LiveOperation, context: Context, reader: SubscriberSocket, id: str, seen: Observation
    ) -> SocketSubscription | None:
        """Hand over what there is, and return once the subscription is live. Null for a stream that is followed alone.

        Raises `Gone`, and whatever refuses or ends the stream, which `errors_of` puts into words.
        """
        stream = live.begin()
        if not isinstance(stream, Stream):
            await stream.aclose()
            return None
        seen.viewer_id = context.viewer.id
        streams = self._operations.metrics.streams.labels(seen.transport)

        def on_end(seen: Observation) -> None:
            streams.dec()
            self._operations.report(seen)

        following = SocketSubscription(stream, reader, id, seen, on_end)
        streams.inc()
        try:
            await self.groups.join(live.key, following, lambda: self._render(live))
        except BaseException:
            seen.statements.cancel()
            streams.dec()
            raise
        seen.is_over = False
        return following

    def _render(self, live: LiveOperation) -> Render:
        answering = self._live.answering(live)

        async def render(entry: Any) -> bytes:
            found = await answering.answer(entry)
            return write_json(result_of(found).body if found.errors else {"data": found.data})

        return render


def errors_of(error: Exception, context: Context, seen: Observation) -> list[Any]:
    """Return what a subscriber is told whose stream ended by an exception."""
    result = failure_of(error, context)
    seen.record(result)
    return list(result.body["errors"])
