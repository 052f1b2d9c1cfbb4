"""Fields that lead to other rows. They are declared on a loader, never written as resolver bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from strawberry import Parent

from dataloaders.base import Many, One, PageRequest, Pages, Value
from dataloaders.pages import PageArgs
from schema.context import Info

DECLARED = "declaration"
"""Key of a field's metadata under which its declaration is found."""

Gate = Callable[[Any, Info], bool]


def related(
    declaration: One | Many | Value, *, key: str = "id", visible: Gate | None = None, hidden: Any = None, **field: Any
) -> Any:
    """A field answered by a declared relation or aggregate, keyed by a column of the parent row.

    `visible(row, info)` false answers `hidden` instead of loading.
    """

    def resolve(root: Parent[Any], info: Info) -> Any:
        value = getattr(root, key)
        if value is None or (visible is not None and not visible(root, info)):
            return hidden
        return info.context.loaders.load(declaration, value)

    return strawberry.field(resolver=resolve, metadata={DECLARED: declaration, "key": key}, **field)


def connected(
    declaration: Pages,
    *,
    key: str = "id",
    filter: Any = None,
    visible: Gate | None = None,
    **field: Any,
) -> Any:
    """A connection answered by declared pages. `filter` is the input type of its `filter` argument, if it has one."""

    def resolve(
        root: Parent[Any],
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        return page(root, info, PageRequest(PageArgs(first, after, last, before)))

    def resolve_filtered(
        root: Parent[Any],
        info: Info,
        filter: Any = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        return page(root, info, PageRequest(PageArgs(first, after, last, before), filter))

    def page(root: Any, info: Info, request: PageRequest) -> Awaitable[Any] | None:
        if visible is not None and not visible(root, info):
            return None
        return info.context.loaders.load_page(declaration, getattr(root, key), request)

    if filter is not None:
        resolve_filtered.__annotations__["filter"] = filter | None
    return strawberry.field(
        resolver=resolve if filter is None else resolve_filtered,
        metadata={DECLARED: declaration, "key": key},
        **field,
    )


def computed(*, description: str, graphql_type: Any = None) -> Callable[[Callable[..., Any]], Any]:
    """A field with real code: `def name(root: Parent[Any], info: Info) -> …`. It never loads rows."""

    def decorate(method: Callable[..., Any]) -> Any:
        return strawberry.field(
            resolver=method, description=description, graphql_type=graphql_type, metadata={DECLARED: "computed"}
        )

    return decorate


def facet(graphql_type: Any, *, description: str) -> Any:
    """A group of fields of the same row under a name of its own: the source object stays the row."""

    def resolve(root: Parent[Any]) -> Any:
        return root

    return strawberry.field(
        resolver=resolve, graphql_type=graphql_type, description=description, metadata={DECLARED: "facet"}
    )
