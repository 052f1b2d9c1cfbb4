"""Connections (GraphQL Cursor Connections): source objects are `dataloaders.core.keyset_pages.Page`."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import strawberry
from strawberry import Parent

from dataloaders.core.counting import Total
from dataloaders.core.keyset_pages import Page
from schema.core.relations import computed

T = TypeVar("T")


@strawberry.type(
    description="Information about the position of a page in its list, as defined by the Relay connection "
    "specification."
)
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more items follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether more items precede this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item of the page. Null if the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item of the page. Null if the page is empty."
    )


class PositionOf(PageInfo):
    """The position of one page. Most clients ask for one of the cursors, so each is made when it is asked for."""

    def __init__(self, page: Page) -> None:
        self.has_next_page = page.has_next
        self.has_previous_page = page.has_previous
        self._cursors = page.cursors

    def __getattr__(self, name: str) -> str | None:
        if name not in ENDS:
            raise AttributeError(name)
        return self._cursors[ENDS[name]] if self._cursors else None


ENDS = {"start_cursor": 0, "end_cursor": -1}


@strawberry.type(description="An item of a list together with its cursor.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The item.")
    cursor: str = strawberry.field(
        description="The position of the item in the list. Pass it as `after` or `before` to continue from here."
    )


@strawberry.type(description="A page of a list: 20 items by default, at most 100.")
class Connection(Generic[T]):
    @computed(description="The items of the page with their cursors.")
    def edges(root: Parent[Any]) -> list[Edge[T]]:
        page: Page = root
        return [Edge(node=row, cursor=cursor) for row, cursor in zip(page.rows, page.cursors, strict=True)]

    @computed(description="The items of the page without cursors.")
    def nodes(root: Parent[Any]) -> list[T]:
        return root.rows  # type: ignore[no-any-return]  # the parent is a Page

    @computed(description="The position of the page in the list.")
    def page_info(root: Parent[Any]) -> PageInfo:
        return PositionOf(root)

    @computed(
        description="The number of items in the whole list, counted up to 10,000: `totalCountIsCapped` says whether "
        "there are more. Counted only if selected, and adds to the cost of the operation."
    )
    async def total_count(root: Parent[Any]) -> int:
        total: Total = await root.total()
        return total.number

    @computed(
        description="Whether the list has more items than `totalCount` says. Costs nothing more if selected together "
        "with `totalCount`."
    )
    async def total_count_is_capped(root: Parent[Any]) -> bool:
        total: Total = await root.total()
        return total.is_capped
