"""Declared relations: what to fetch for many parents at once, as data.

A declaration says entity, key, statement as seen by the viewer, order and limit per parent. `Loaders` runs it
for all parents of a level in one statement; a query planner may read the same declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select

from auth.viewer import Viewer
from dataloaders.core.keyset_pages import Key, Order, PageArgs

Selecting = Callable[[Viewer], Select[Any]]
Filtering = Callable[[Select[Any], Viewer, Any], Select[Any]]
Parting = Callable[[Viewer, Any, Any], Sequence[Select[Any]]]
"""Makes selects for a viewer, a column with the parent's key, and a filter, null where the list has none."""


@dataclass(frozen=True, eq=False)
class One:
    """A relation to at most one row for a key."""

    entity: type
    key: Any
    select: Selecting


@dataclass(frozen=True, eq=False)
class OneOf:
    """A row of one of several entities. The parent names which, by a column with the name of its GraphQL type."""

    kinds: Mapping[str, One]


@dataclass(frozen=True, eq=False)
class Many:
    """All rows for a key, in order, never more than `limit`. `typical` is how many there are as a rule."""

    entity: type
    key: Any
    select: Selecting
    order: Order
    limit: int
    typical: int


@dataclass(frozen=True)
class PageEdge:
    """Where a page begins, null for the first one; in which direction it goes; and its length and one more."""

    bound: Sequence[ColumnElement[Any]] | None
    is_backward: bool
    most: int


@dataclass(frozen=True, eq=False)
class Pages:
    """A connection: one keyset page of rows for a key. `filter` narrows it by the field's `filter` argument, and
    `orders` are those that its `sort` argument chooses from.

    `typical` is how many rows a parent has as a rule. `select_of` is `select` for one parent, whose key is given as a
    column: what it asks of the parent is asked once. `kept_count` names the aggregate that has the length of the list
    without counting, by the same key; null if that is not kept for this viewer or with this filter.

    `parts` are the rows of `select` and `filter` as several selects, for one parent. They have no row in common, and
    each finds its own by an index in the order of the list. No index finds what is "open to all, or the viewer's own".

    `among` selects ids among which a page is, for a list whose order no index of its owner's rows can give.
    """

    entity: type
    key: Any
    select: Selecting
    order: Order
    typical: int
    filter: Filtering | None = None
    select_of: Callable[[Viewer, Any], Select[Any]] | None = None
    orders: Mapping[Any, Order] = field(default_factory=dict)
    kept_count: Callable[[Viewer, Any], Value | None] | None = None
    parts: Parting | None = None
    among: Callable[[Viewer, Any, PageEdge], ColumnElement[Any]] | None = None

    def order_of(self, request: PageRequest) -> Order:
        return self.order if request.sort is None else self.orders[request.sort]


@dataclass(frozen=True, eq=False)
class Value:
    """An aggregate: `select` yields the key first and then the value, or several columns as one row."""

    key: Any
    select: Selecting
    default: Any


Declaration = One | Many | Pages | Value


def one(entity: type, *, key: Any, select: Selecting) -> One:
    return One(entity, key, select)


def many(entity: type, *, key: Any, select: Selecting, order_by: Sequence[Any], limit: int, typical: int) -> Many:
    return Many(entity, key, select, _order(order_by), limit, typical)


def pages(
    entity: type,
    *,
    key: Any,
    select: Selecting,
    order_by: Sequence[Any],
    typical: int,
    filter: Filtering | None = None,
    select_of: Callable[[Viewer, Any], Select[Any]] | None = None,
    sorts: Mapping[Any, Sequence[Any]] | None = None,
    kept_count: Callable[[Viewer, Any], Value | None] | None = None,
    parts: Parting | None = None,
    among: Callable[[Viewer, Any, PageEdge], ColumnElement[Any]] | None = None,
) -> Pages:
    """`order_by` ends in a unique column; wrap a column in `Key(column, descending=True)` to turn it round. `sorts` has
    the orders that the field's `sort` argument chooses from, by its values; `order_by` stands where it has none.
    """
    orders = {chosen: _order(columns) for chosen, columns in (sorts or {}).items()}
    return Pages(entity, key, select, _order(order_by), typical, filter, select_of, orders, kept_count, parts, among)


def in_parts(parts: Sequence[Select[Any]], viewer: Viewer, filter: Any, narrowed: Filtering) -> list[Select[Any]]:
    """Narrow each part by a filter, which is null where a list has none."""
    return [part if filter is None else narrowed(part, viewer, filter) for part in parts]


def value(*, key: Any, select: Selecting, default: Any = None) -> Value:
    return Value(key, select, default)


def _order(columns: Sequence[Any]) -> Order:
    return tuple(column if isinstance(column, Key) else Key(column) for column in columns)


@dataclass(frozen=True)
class PageRequest:
    """Arguments that all parents of one field share."""

    args: PageArgs
    filter: Any = None
    sort: Any = None
