"""Connections (GraphQL Cursor Connections): source objects are `dataloaders.pages.Page`."""

from __future__ import annotations

import inspect
from typing import Any, Generic, TypeVar

import strawberry
from strawberry import Parent

from dataloaders.core.pages import Page
from schema.core.relations import computed

T = TypeVar("T")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether rows precede this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first row.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last row.")


@strawberry.type(description="A row of a page with its cursor.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The row.")
    cursor: str = strawberry.field(description="Give it as `after` or `before` to continue from this row.")


@strawberry.type(description="A page of a list: at most 100 rows, 20 unless asked otherwise.")
class Connection(Generic[T]):
    @computed(description="Rows with their cursors.")
    def edges(root: Parent[Any]) -> list[Edge[T]]:
        page: Page = root
        return [Edge(node=row, cursor=cursor) for row, cursor in zip(page.rows, page.cursors, strict=True)]

    @computed(description="Rows without their cursors.")
    def nodes(root: Parent[Any]) -> list[T]:
        return root.rows  # type: ignore[no-any-return]  # the parent is a Page

    @computed(description="Where this page stands in the list.")
    def page_info(root: Parent[Any]) -> PageInfo:
        page: Page = root
        return PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.cursors[0] if page.cursors else None,
            end_cursor=page.cursors[-1] if page.cursors else None,
        )

    @computed(description="Rows of the whole list. Counted only when asked for.")
    async def total_count(root: Parent[Any]) -> int:
        counted = root.count()
        return int(await counted if inspect.isawaitable(counted) else counted)
