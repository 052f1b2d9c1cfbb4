"""`Node`: anything with a global id."""

from __future__ import annotations

from typing import Any, ClassVar

import strawberry
from strawberry import Parent

from dataloaders.core.declarations import One
from models import Base
from schema.core import ids
from schema.core.relations import computed, reads

NODES: dict[str, One] = {}
"""GraphQL type name to the loader behind `node(id:)`. Filled by the types themselves."""


@strawberry.interface(description="An object with a globally unique id, by which `node` fetches it again.")
class Node:
    """A type that implements it names its row class: `class Review(Node, row=models.Review, by_id=reviews.by_id)`.

    The source object of the type IS that row, so the row's class carries the GraphQL name.
    """

    row_class: ClassVar[type[Base]]

    @computed(description="The globally unique id of the object. It never changes. Treat it as opaque text.")
    @reads("id")
    def id(root: Parent[Any]) -> strawberry.ID:
        return strawberry.ID(ids.encode(type(root).__name__, root.id))

    def __init_subclass__(cls, *, row: type[Base], by_id: One, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        assert row.__name__ == cls.__name__, "the row's class carries the GraphQL name"
        cls.row_class = row
        NODES[cls.__name__] = by_id

    @classmethod
    def is_type_of(cls, source: Any, _info: Any) -> bool:
        return issubclass(getattr(type(source), "entity", type(source)), cls.row_class)
