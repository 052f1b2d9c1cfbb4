"""`node` and `nodes`: anything with a global id, by that id."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

import strawberry

from dataloaders.core.declarations import One
from errors import InvalidId, TooMany
from schema.core import ids
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.node_interface import NODES, Node
from schema.core.roots import query

MOST = 100


@strawberry.type
class NodeQueries:
    @query(
        description="Any object by its id. Null if it does not exist or the caller cannot see it.",
        access=PUBLIC,
        graphql_type=Node | None,
    )
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The id of the object.")]
    ) -> Any:
        declaration, key = _declared(id)
        return await info.context.loaders.load(declaration, key)

    @query(
        description="Several objects by their ids, at most 100, in the order of the ids. Null for each one that "
        "does not exist or that the caller cannot see.",
        access=PUBLIC,
        graphql_type=list[Node | None],
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The ids of the objects, at most 100.")],
    ) -> Any:
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
