"""Declarations as SELECTs: one statement for all parents of a level, with what their rows lead to folded in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, Select, any_, bindparam, column, func, select, true, union_all
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from auth.viewer import Viewer
from dataloaders.core.counting import first_rows
from dataloaders.core.declarations import Declaration, Many, One, PageEdge, PageRequest, Pages, Value
from dataloaders.core.keyset_pages import Order, PageArgs, as_stored, at_most, bound_of, open_window, window


def _keys(column: Any) -> ColumnElement[Any]:
    return bindparam("keys", type_=ARRAY(column.type), unique=False)


Names = Sequence[str] | None
"""Attributes of the columns to fetch; null for the entity itself."""


@dataclass(frozen=True)
class PageShape:
    """The parts of a page that its statement depends on. The cursor is a parameter (`window_values`)."""

    size: int
    is_backward: bool
    is_first: bool
    filter: str
    sort: Any
    request: PageRequest = field(compare=False, repr=False)

    @classmethod
    def of(cls, request: PageRequest) -> PageShape:
        args = request.args
        return cls(args.size, args.is_backward, args.cursor is None, repr(request.filter), request.sort, request)


@dataclass(frozen=True)
class Fold:
    """A relation of each row, fetched in the same statement: a row, a list, an aggregate, or a page, of which a
    statement has one at most.

    `key` is that column; `names` are the columns of the rows, or of the aggregate without its key (`value_names`). Rows
    of a list or a page may have folds of their own, but no lists.
    """

    declaration: One | Many | Pages | Value
    key: str
    names: tuple[str, ...]
    folds: tuple[Fold, ...] = ()
    page: PageShape | None = None

    @property
    def width(self) -> int:
        """Columns: of a list as many as its rows have, with an array of all rows in each; else the key comes first."""
        own = len(self.names) + sum(fold.width for fold in self.folds)
        if isinstance(self.declaration, Pages):
            return own + len(self.order)
        return own if isinstance(self.declaration, Many) else own + 1

    @property
    def order(self) -> Order:
        """The order of a list or a page."""
        declaration = self.declaration
        if isinstance(declaration, Pages):
            assert self.page is not None
            return declaration.order_of(self.page.request)
        assert isinstance(declaration, Many)
        return declaration.order

    def child(self, viewer: Viewer, own: Any) -> Select[Any]:
        """Return the SELECT of the relation for the rows of the table `own`, for a lateral join."""
        declaration, key = self.declaration, own.c[self.key]
        if isinstance(declaration, Many):
            limited = window(declaration.select(viewer), declaration.order, PageArgs()).limit(
                at_most(declaration.limit)
            )
            return self._arrays(declaration, [limited], viewer, own)
        if isinstance(declaration, Pages):
            assert self.page is not None
            return self._arrays(declaration, _page(declaration, viewer, self.page.request, key), viewer, own)
        chosen = declaration.select(viewer).where(declaration.key == key)
        if isinstance(declaration, Value):
            return chosen
        wanted = [declaration.key.label("parent"), *columns_of(declaration.entity, self.names)]
        return chosen.with_only_columns(*wanted, maintain_column_froms=True)

    def _arrays(self, declaration: Many | Pages, parts: Sequence[Select[Any]], viewer: Viewer, own: Any) -> Select[Any]:
        order, backward = self.order, self.page is not None and self.page.is_backward
        values = [part.column.label(f"order_{position}") for position, part in enumerate(order)]
        wanted = [*columns_of(declaration.entity, self.names), *(values if self.folds or self.page else ())]
        of_one = [
            part.where(declaration.key == own.c[self.key])
            .correlate(own)
            .with_only_columns(*wanted, maintain_column_froms=True)
            for part in parts
        ]
        rows = _together(of_one, order, self.page, backward=backward).lateral("items")
        if self.folds:
            columns = list(rows.c)[: len(self.names)]
            last = ordinals_of(rows, order) if self.page else ()
            ordered = folded(rows, rows, columns, self.folds, viewer, last)
            rows = ordered.order_by(*directed(rows, order, backward=backward)).lateral("folded_items")
        columns = list(rows.c)
        if self.page:
            columns[-len(order) :] = as_stored(order, columns[-len(order) :])
        arrays: list[Any] = [func.array_agg(one, type_=NullType()).label(f"array_{n}") for n, one in enumerate(columns)]
        return select(*arrays)


Folds = tuple[Fold, ...]


def folded(
    own: Any, joined: Any, columns: Sequence[Any], folds: Folds, viewer: Viewer, last: Sequence[Any] = ()
) -> Select[Any]:
    """Select these columns from `joined`, of which `own` has the rows. Between them and the last ones stands what
    the rows lead to, each with its own key first, which is null where there is none for this viewer.
    """
    wanted = list(columns)
    for number, fold in enumerate(folds):
        child = fold.child(viewer, own).lateral(f"fold_{number}")
        joined = joined.outerjoin(child, true())
        wanted += [column.label(f"fold_{number}_{position}") for position, column in enumerate(child.c)]
    return select(*wanted, *last).select_from(joined)


def value_names(declaration: Value) -> tuple[str, ...]:
    """Return the labels of an aggregate's columns without its key. Code reads the values by them."""
    _key, *columns = declaration.select(Viewer()).selected_columns
    return tuple(str(one.name) if getattr(one, "name", None) else f"value_{n}" for n, one in enumerate(columns))


def value_types(declaration: Value) -> list[Any]:
    _key, *columns = declaration.select(Viewer()).selected_columns
    return [one.type for one in columns]


def ordinals_of(rows: Any, order: Order) -> list[Any]:
    """Return the values of an order in a table that has them as its columns `order_0`, `order_1`, …"""
    return [rows.c[f"order_{position}"] for position in range(len(order))]


def directed(rows: Any, order: Order, *, backward: bool = False) -> list[Any]:
    """Return the ORDER BY of such a table: SQL promises no order outside the part that was ordered."""
    return [
        ordinal.desc() if part.descending != backward else ordinal.asc()
        for part, ordinal in zip(order, ordinals_of(rows, order), strict=True)
    ]


def columns_of(entity: Any, names: Sequence[str]) -> list[Any]:
    return [getattr(entity, name).label(name) for name in names]


def _parents(declaration: Many | Pages) -> Any:
    """Return a table of the parents' keys."""
    key = declaration.key
    return func.unnest(_keys(key)).table_valued(column("parent", key.type), name="parents").render_derived()


def _together(
    parts: Sequence[Select[Any]], order: Order, page: PageShape | PageArgs | None, *, backward: bool
) -> Select[Any]:
    """Return one page of pages, each of which is as long and in the same order."""
    if len(parts) == 1:
        return parts[0]
    assert page is not None
    rows = union_all(*parts).subquery("parts")
    return select(*rows.c).order_by(*directed(rows, order, backward=backward)).limit(at_most(page.size + 1))


def _per_parent(
    parts: Sequence[Select[Any]],
    unnested: Any,
    declaration: Many | Pages,
    viewer: Viewer,
    names: Names,
    order: Order,
    folds: Folds = (),
    page: PageArgs | None = None,
) -> Select[Any]:
    """Turn a statement for one parent into one for a table of parents, to which it is joined laterally.

    The result has the parent's key, the row, and the values of the order, which make the cursors.
    """
    entity, key = declaration.entity, declaration.key
    parents = unnested.c.parent
    values = [part.column.label(f"order_{position}") for position, part in enumerate(order)]
    of_one = [part.where(key == parents).correlate(unnested) for part in parts]
    if names is not None:
        wanted = [*columns_of(entity, names), *values]
        of_one = [part.with_only_columns(*wanted, maintain_column_froms=True) for part in of_one]
    else:
        # Of selects with a LIMIT, SQLAlchemy does not tell from which table a UNION of them comes.
        of_one = [part.add_columns(*values) for part in of_one]
        of_one = of_one if len(of_one) == 1 else [select(part.subquery()) for part in of_one]
    backward = page is not None and page.is_backward
    lateral = _together(of_one, order, page, backward=backward).lateral("child")
    if names is None:
        row: list[Any] = [aliased(entity, lateral)]
    else:
        row = [lateral.c[name] for name in names]
    last = ordinals_of(lateral, order)
    if names is not None:
        # Only cursors need them.
        last = as_stored(order, last) if isinstance(declaration, Pages) else []
    joined = unnested.join(lateral, true())
    selected = folded(lateral, joined, [parents, *row], folds, viewer, last)
    return selected.order_by(*directed(lateral, order, backward=backward))


def statement_for(
    declaration: Declaration,
    viewer: Viewer,
    request: PageRequest | None = None,
    names: Names = None,
    folds: Folds = (),
) -> Select[Any]:
    """Return the one statement that serves all parents; the array of their keys is the parameter `keys`.

    With `names` each row has the parent's key first and then these columns (after an aggregate's key comes its value),
    and a page's cursor is a parameter (`window_values`). Then come folded relations, and a page's order.
    """
    if isinstance(declaration, One):
        chosen = declaration.select(viewer).where(declaration.key == any_(_keys(declaration.key)))
        if names is None:
            return chosen.add_columns(declaration.key)
        wanted = [declaration.key.label("parent"), *columns_of(declaration.entity, names)]
        chosen = chosen.with_only_columns(*wanted, maintain_column_froms=True)
        if not folds:
            return chosen
        own = chosen.subquery("own")
        return folded(own, own, list(own.c), folds, viewer)
    if isinstance(declaration, Value):
        return declaration.select(viewer).where(declaration.key == any_(_keys(declaration.key)))
    if isinstance(declaration, Many):
        limited = window(declaration.select(viewer), declaration.order, PageArgs()).limit(at_most(declaration.limit))
        return _per_parent([limited], _parents(declaration), declaration, viewer, names, declaration.order, folds)
    assert request is not None
    parents = _parents(declaration)
    cut = _page(declaration, viewer, request, parents.c.parent, is_open=names is not None)
    return _per_parent(cut, parents, declaration, viewer, names, declaration.order_of(request), folds, request.args)


def _page(
    declaration: Pages, viewer: Viewer, request: PageRequest, parent: Any, *, is_open: bool = True
) -> list[Select[Any]]:
    """Return a page of one parent, whose key is a column, without the condition that it is that parent's: as a page of
    each part of the list.
    """
    cut, order, args = open_window if is_open else window, declaration.order_of(request), request.args
    parts = _narrowed(declaration, viewer, request.filter, parent)
    if declaration.among is not None:
        bound = bound_of(order, args, is_open=is_open)
        ids = declaration.among(viewer, request.filter, PageEdge(bound, args.is_backward, args.size + 1))
        entity: Any = declaration.entity
        parts = [part.where(entity.id.in_(select(ids))) for part in parts]
    return [cut(part, order, args) for part in parts]


def _narrowed(declaration: Pages, viewer: Viewer, filter: Any, parent: Any) -> Sequence[Select[Any]]:
    """Return all rows of one parent, without the condition that they are that parent's."""
    if declaration.parts is not None:
        return declaration.parts(viewer, parent, filter)
    select_of = declaration.select_of
    chosen = declaration.select(viewer) if select_of is None else select_of(viewer, parent)
    if declaration.filter is not None and filter is not None:
        chosen = declaration.filter(chosen, viewer, filter)
    return [chosen]


def count_statement_for(declaration: Pages, viewer: Viewer, filter: Any) -> Select[Any]:
    """Return the statement that counts the rows of a connection for an array of parents, each up to a bound."""
    parents = _parents(declaration)
    parts = [
        first_rows(part.where(declaration.key == parents.c.parent)).correlate(parents)
        for part in _narrowed(declaration, viewer, filter, parents.c.parent)
    ]
    chosen = parts[0] if len(parts) == 1 else first_rows(select(union_all(*parts).subquery("parts")))
    rows = chosen.lateral("rows")
    counted = select(func.count().label("number")).select_from(rows).lateral("counted")
    return select(parents.c.parent, counted.c.number).select_from(parents.join(counted, true()))
