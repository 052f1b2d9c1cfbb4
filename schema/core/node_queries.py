"""`node` and `nodes`: anything with a global id, by that id."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import strawberry

from dataloaders.core.base import One
from errors import InvalidId, TooMany
from schema.core import ids
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.node import NODES, Node
from schema.core.roots import query

MOST = 100


@strawberry.type
class NodeQueries:
    @query(
        description="Anything by its id; null when it is missing or hidden.", access=PUBLIC, graphql_type=Node | None
    )
    async def node(self, info: Info, id: strawberry.ID) -> Any:
        declaration, key = _declared(id)
        return await info.context.loaders.load(declaration, key)

    @query(
        description="Things by their ids, at most 100, in the same order.",
        access=PUBLIC,
        graphql_type=list[Node | None],
    )
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> Any:
        if len(ids) > MOST:
            raise TooMany(maximum=MOST, path=("ids",))
        wanted = [_declared(id) for id in ids]
        return await asyncio.gather(*(info.context.loaders.load(one, key) for one, key in wanted))


def _declared(id: str) -> tuple[One, UUID]:
    """How a row is found, and by which key."""
    name, key = ids.parse(id)
    if name not in NODES:
        raise InvalidId(path=("id",))
    return NODES[name], key
