"""What all live streams share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

import strawberry

from realtime import cursors
from realtime.hub import Hub
from realtime.streams import Resync, Stream, replay
from schema.core.relations import computed


@strawberry.type(
    description="Sent when the cursor given as `after` is older than the entries that are kept. Read the current "
    "state with a query; the stream then continues with new entries."
)
class ResyncRequired:
    @computed(description="Why the state has to be read again, as a machine-readable word.")
    def reason(root: strawberry.Parent[Any]) -> str:
        return "CURSOR_NOT_KEPT"

    @computed(description="The position from which the stream continues. Pass it as `after` to resume from here.")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.owner_id, root.sequence)

    @classmethod
    def is_type_of(cls, source: Any, _info: Any) -> bool:
        return isinstance(source, Resync)


def cursor_of(owner_id: UUID, sequence: int) -> str:
    return cursors.encode(owner_id, sequence)


class Live:
    """What a subscription resolves to. Nothing is asked before it is begun, by whoever has it:

    iterating follows the stream for one subscriber alone; `begin` gives the stream itself to one who follows it for
    many (`transport.live.fanout`). Both raise what the field's gate and arguments refuse.
    """

    __slots__ = ("_hub", "_items", "begin")

    def __init__(self, begin: Callable[[], Stream[Any] | AsyncGenerator[Any, None]], hub: Hub) -> None:
        self.begin = begin
        self._hub = hub
        self._items: AsyncGenerator[Any, None] | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self._items is None:
            self._items = self._follow()
        return await anext(self._items)

    async def aclose(self) -> None:
        if self._items is not None:
            await self._items.aclose()

    async def _follow(self) -> AsyncGenerator[Any, None]:
        source = self.begin()
        async with aclosing(replay(self._hub, source) if isinstance(source, Stream) else source) as items:
            async for item in items:
                yield item
