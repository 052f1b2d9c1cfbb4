"""What all live streams share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry

from realtime import cursors
from realtime.streams import Resync
from schema.relations import computed


@strawberry.type(
    description="The cursor is older than what is kept. Read the state by a query; live entries follow from here on."
)
class ResyncRequired:
    @computed(description="Why, for programs.")
    def reason(root: strawberry.Parent[Any]) -> str:
        return "CURSOR_NOT_KEPT"

    @computed(description="Where the stream goes on: give it as `after` to continue from here.")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.owner_id, root.sequence)

    @classmethod
    def is_type_of(cls, source: Any, _info: Any) -> bool:
        return isinstance(source, Resync)


def cursor_of(owner_id: UUID, sequence: int) -> str:
    return cursors.encode(owner_id, sequence)
