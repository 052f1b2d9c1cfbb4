from __future__ import annotations

from typing import Any

import strawberry

from errors import InvalidId, TooMany
from schema import ids
from schema.access import PUBLIC
from schema.context import Info
from schema.node import NODES, Node
from schema.roots import query

MOST = 100


@strawberry.type
class NodeQueries:
    @query(
        description="Anything by its id; null when it is missing or hidden.", access=PUBLIC, graphql_type=Node | None
    )
    async def node(self, info: Info, id: strawberry.ID) -> Any:
        return await _load(info, id)

    @query(
        description="Things by their ids, at most 100, in the same order.",
        access=PUBLIC,
        graphql_type=list[Node | None],
    )
    async def nodes(self, info: Info, ids: list[strawberry.ID]) -> Any:
        if len(ids) > MOST:
            raise TooMany(maximum=MOST, path=("ids",))
        waiting = [_load(info, id) for id in ids]
        return [await one for one in waiting]


def _load(info: Info, id: str) -> Any:
    name, key = ids.parse(id)
    if name not in NODES:
        raise InvalidId(path=("id",))
    return info.context.loaders.load(NODES[name], key)
